import { RollgateError, type DataSystem } from '../../contracts/index.js';
import type { SystemDependencies } from '../registry.js';
import { createBackup } from './backup/backup.js';
import { createEtcdClient } from './client.js';
import { launch } from './launch.js';
import { createFormation } from './formation/formation.js';
import { createMembership } from './membership/membership.js';
import { observe, positionUnit } from './observe.js';
import { createProbe } from './probe.js';
import { follow, startAsReplica } from './replica.js';
import { createScratch } from './scratch.js';
import { createTransfer } from './transfer.js';
import { versionRules } from './version-rules.js';
import { createVersionSwitch } from './version-switch.js';

/** etcd 3.5 to 3.7, over the gRPC gateway that its documentation names. */
export function createEtcdSystem(deps: SystemDependencies): DataSystem {
  const client = createEtcdClient(deps.secrets);
  return {
    name: 'etcd',
    positionUnit,
    versionRules,
    observe: (cluster, ctx) => observe(client, cluster, ctx),
    launch,
    startAsReplica: (cluster, node, _upstream, ctx) => startAsReplica(deps.host, cluster, node, ctx),
    follow: (cluster, node, upstream, ctx) => follow(client, cluster, node, upstream, ctx),
    // A leader that has become a follower leaves nothing behind.
    tidy: () => Promise.resolve(),
    scratch: createScratch(client),
    settings: {
      read: (_cluster, node, setting) => Promise.reject(noSettings(node, setting)),
      write: (_cluster, node, setting) => Promise.reject(noSettings(node, setting)),
    },
    transfer: createTransfer(client),
    probe: createProbe(deps.secrets),
    versionSwitch: createVersionSwitch(client),
    backup: createBackup({ client, host: deps.host }),
    membership: createMembership({ client, host: deps.host }),
    formation: createFormation({ client, host: deps.host }),
  };
}

/** https://etcd.io/docs/v3.6/op-guide/configuration/: flags, read at the start. */
const noSettings = (node: string, setting: string): RollgateError =>
  new RollgateError(
    'SYSTEM_REFUSED',
    `${setting} of ${node} cannot be changed while it runs: etcd reads its settings when it starts`,
    'Set it in spec.settings.args, and restart the members one by one.',
  );
