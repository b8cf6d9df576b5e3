import {
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type Host,
  type MembershipFacet,
  type NodeId,
  type NodeSpec,
} from '../../../contracts/index.js';
import { settingsOf, type EtcdClient } from '../client.js';
import { peerUrl } from '../launch.js';
import { changeMembers } from './change.js';
import { memberOf, readAsPrimary } from './primary-view.js';
import { promoteLearner } from './promote-learner.js';
import { removeMember } from './remove-member.js';
import { startMember } from './start-member.js';

export interface MembershipDeps {
  readonly client: EtcdClient;
  readonly host: (node: NodeSpec) => Host;
}

/**
 * etcd's own membership calls, https://etcd.io/docs/v3.6/op-guide/runtime-configuration/: one change at a time, a new
 * member as a learner first (https://etcd.io/docs/v3.6/learning/design-learner/).
 */
export function createMembership(deps: MembershipDeps): MembershipFacet {
  return {
    async members(cluster, ctx) {
      const { members } = await readAsPrimary(deps.client, cluster, ctx);
      return members.map(({ id, node, role, started }) => ({ id, node, role, started }));
    },
    addLearner: (cluster, node, ctx) => addLearner(deps, cluster, node, ctx),
    startMember: (cluster, node, ctx) => startMember(deps, cluster, node, ctx),
    promoteLearner: (cluster, node, ctx) => promoteLearner(deps, cluster, node, ctx),
    removeMember: (cluster, node, options, ctx) => removeMember(deps, cluster, node, options, ctx),
  };
}

async function addLearner(
  { client }: MembershipDeps,
  cluster: ClusterSpec,
  node: NodeId,
  ctx: EffectContext,
): Promise<void> {
  const url = peerUrl(settingsOf(cluster), node);
  const view = await changeMembers(
    client,
    cluster,
    {
      what: `add ${node} (${url}) as a learner`,
      remedy:
        'See that every member of the list runs and has done so for 5 s, and that no other learner is in it; then retry.',
      done: (now) => memberOf(now, node) !== undefined,
      request: () => ({ path: '/v3/cluster/member/add', body: { peerURLs: [url], isLearner: true } }),
    },
    ctx,
  );
  const same = view.members.filter((m) => m.node === node);
  if (same.length === 1) return;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `${same.length} entries of the member list have the peer address of ${node}`,
    'Remove the one that has not started (etcdctl member remove), then retry.',
  );
}
