import {
  nodeSpec,
  RollgateError,
  type ClusterSpec,
  type DataSystem,
  type LaunchSpec,
} from '../../contracts/index.js';
import { DataDirectory } from '../data-directory.js';
import type { SystemDependencies } from '../registry.js';
import { createSettings } from './borrowed-settings.js';
import { createSessions } from './connection.js';
import { createHandover } from './handover/handover.js';
import { createMigration } from './migration/migration.js';
import { observe } from './observe.js';
import { createProbe } from './probe.js';
import { follow, startAsReplica } from './replica.js';
import { createScratch } from './scratch.js';
import { dropIdleSlots, slotNames } from './slots.js';
import { versionRules } from './version-rules.js';

/** PostgreSQL 13 to 18 with streaming replication, over SQL and the files that its documentation names. */
export function createPostgresSystem(deps: SystemDependencies): DataSystem {
  const sessions = createSessions(deps.secrets);
  return {
    name: 'postgres',
    positionUnit: 'bytes',
    versionRules,
    observe: (cluster) => observe(sessions, deps.secrets, cluster),
    launch,
    startAsReplica: (cluster, node, upstream, ctx) =>
      startAsReplica({ sessions, host: deps.host }, cluster, node, upstream, ctx),
    follow: (cluster, node, upstream, ctx) => follow(sessions, cluster, node, upstream, ctx),
    async tidy(cluster, node) {
      const names = await slotNames(sessions, cluster);
      await sessions.on(cluster, node, (client) => dropIdleSlots(client, names));
    },
    scratch: createScratch(sessions),
    settings: createSettings(sessions),
    handover: createHandover({ sessions, host: deps.host, launch }),
    probe: createProbe(sessions),
    migration: createMigration(sessions, deps.host),
  };
}

/** https://www.postgresql.org/docs/17/server-start.html; SIGINT is the fast shutdown. */
function launch(cluster: ClusterSpec, id: string): LaunchSpec {
  const directory = DataDirectory.parse(nodeSpec(cluster, id).host);
  if (directory === undefined) {
    throw new RollgateError(
      'SPEC_INVALID',
      `the host of ${id} does not say where its data directory is`,
      'Set host.directory or host.dataDir of the node.',
    );
  }
  return {
    executable: 'bin/postgres',
    args: ['-D', directory],
    env: {},
    stopSignal: 'SIGINT',
    pidFile: 'postmaster.pid',
  };
}
