// Holds a snapshot with the compiled product, says its id, and waits to be killed: node hold-and-wait.mjs <cluster> <name> [once]
import { createSessions } from '../../../../dist/systems/postgres/connection.js';
import { holdSnapshot } from '../../../../dist/systems/postgres/migration/held-snapshot.js';
import { createSecretResolver } from '../../../../dist/worker/secrets.js';

const [cluster, name, once] = process.argv.slice(2);
const spec = JSON.parse(cluster);
const sessions = createSessions(createSecretResolver());
const ctx = { signal: new AbortController().signal, heartbeat: () => undefined, runId: 'child' };
console.log(await holdSnapshot(sessions, spec, spec.nodes[0].id, name, ctx));
if (once === undefined) setInterval(() => undefined, 1000);
