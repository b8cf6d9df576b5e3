import {
  nodeSpec,
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type Host,
  type NodeId,
  type NodeSpec,
} from '../../contracts/index.js';
import { waitUntil } from '../wait.js';
import type { EtcdClient } from './client.js';
import { askStatuses } from './statuses.js';

/**
 * A member with its data follows whoever leads, by itself. Without it, it would have to be removed and added again:
 * to start it would only make it fail, or ask the others to accept a member that has forgotten its votes.
 */
export async function startAsReplica(
  host: (node: NodeSpec) => Host,
  cluster: ClusterSpec,
  node: NodeId,
  ctx: EffectContext,
): Promise<void> {
  const spec = nodeSpec(cluster, node);
  const facts = await host(spec).dataFacts(spec, ctx);
  if (facts && !facts.empty) return;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `the data directory of ${node} is ${facts ? `empty (${facts.path})` : 'absent'}: a member cannot come back without its data`,
    `Remove ${node} from the cluster and add it again as a new member: https://etcd.io/docs/v3.6/op-guide/runtime-configuration/.`,
  );
}

/** Nobody tells a member of etcd whom to follow; it is seen to. */
export async function follow(
  client: EtcdClient,
  cluster: ClusterSpec,
  node: NodeId,
  upstream: NodeId,
  ctx: EffectContext,
): Promise<void> {
  let seen = '';
  const follows = await waitUntil(
    async () => {
      const statuses = await askStatuses(client, cluster, ctx.signal);
      const own = statuses.find((s) => s.node === node);
      const leader = statuses.find((s) => s.node === upstream)?.status;
      seen = own?.status
        ? `it sees ${own.status.leaderId === undefined ? 'no leader' : `the member ${own.status.leaderId} as the leader`}`
        : (own?.failure ?? '');
      return leader !== undefined && own?.status?.leaderId === leader.memberId;
    },
    { timeoutMs: 30_000, pollMs: 100 },
    ctx,
  );
  if (follows) return;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `${node} does not follow ${upstream}: ${seen}`,
    `Look at the log of ${node}: it says which peers it does not reach.`,
  );
}
