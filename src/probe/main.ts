import { createHosts } from '../hosts/registry.js';
import { createSystems } from '../systems/registry.js';
import { createSecretResolver } from '../worker/secrets.js';
import { runProbe } from './process/run.js';
import { stopSignal } from './process/stop-signal.js';

const [config] = process.argv.slice(2);
if (config === undefined) {
  process.stderr.write('usage: node main.js <config.json>; started by the worker\n');
  process.exit(2);
}
const secrets = createSecretResolver();
// What nobody caught would be printed as it is.
process.on('uncaughtException', (error) => {
  process.stderr.write(`${secrets.redact(error.stack ?? error.message)}\n`);
  process.exit(1);
});
const system = createSystems({ host: createHosts(), secrets });
process.exit(await runProbe({ config, system, secrets, stop: stopSignal() }));
