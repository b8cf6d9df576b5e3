import {
  messageOf,
  nodeSpec,
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type NodeId,
} from '../../../contracts/index.js';
import { waitUntil } from '../../wait.js';
import { readStatus } from '../status.js';
import { changeMembers } from './change.js';
import { forgetJoin } from './join-record.js';
import type { MembershipDeps } from './membership.js';
import { notAMember } from './not-a-member.js';
import { hex, memberOf } from './primary-view.js';

/** How long a promoted member may take until it knows it itself. */
const knownWithinMs = 15_000;

/**
 * etcd's own gate passes at 90 % of the leader's index, so the caller measures the distance first; a learner that
 * etcd finds too far behind is refused at once.
 */
export async function promoteLearner(
  { client, host }: MembershipDeps,
  cluster: ClusterSpec,
  node: NodeId,
  ctx: EffectContext,
): Promise<void> {
  let id = '';
  await changeMembers(
    client,
    cluster,
    {
      what: `promote ${node} to a voter`,
      remedy: `See that ${node} runs and has caught up with the leader, then retry.`,
      done(view) {
        const member = memberOf(view, node);
        if (member === undefined) throw notAMember(node);
        id = member.id;
        return member.role === 'voter';
      },
      request: () => ({ path: '/v3/cluster/member/promote', body: { ID: id } }),
      final: /in sync with leader/,
    },
    ctx,
  );

  let said = '';
  const knows = async () => {
    try {
      const status = await readStatus(client, cluster, node, { signal: ctx.signal });
      said = `it is member ${hex(status.memberId)}, ${status.learner ? 'a learner' : 'a voter'}`;
      return status.memberId === id && !status.learner;
    } catch (error) {
      ctx.signal.throwIfAborted();
      said = messageOf(error);
      return false;
    }
  };
  if (!(await waitUntil(knows, { timeoutMs: knownWithinMs, pollMs: 100 }, ctx))) {
    throw new RollgateError(
      'SYSTEM_UNREACHABLE',
      `the list has ${node} (member ${hex(id)}) as a voter, but ${node} itself does not say so: ${said}`,
      `See that ${node} runs and is reachable from the worker and from the other members, then retry.`,
    );
  }
  const spec = nodeSpec(cluster, node);
  await forgetJoin(host(spec), spec, ctx);
}
