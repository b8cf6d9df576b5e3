import {
  nodeSpec,
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type HostStatus,
  type NodeId,
} from '../../../contracts/index.js';
import { waitUntil } from '../../wait.js';
import type { EtcdClient } from '../client.js';
import { launch } from '../launch.js';
import { requireNoAnswer } from '../refusal.js';
import { readStatus, type MemberStatus } from '../status.js';
import { changeMembers } from './change.js';
import { joinOf } from './join-record.js';
import type { MembershipDeps } from './membership.js';
import { hex, memberOf, type PrimaryView } from './primary-view.js';

/**
 * A removed member ends its process by itself once it hears of its removal, and refuses to start on its data from
 * then on; its data stays where it is. One that does not hear of it is stopped.
 */
export async function removeMember(
  { client, host }: MembershipDeps,
  cluster: ClusterSpec,
  node: NodeId,
  options: { timeoutMs: number; pollMs: number },
  ctx: EffectContext,
): Promise<void> {
  const view = await changeMembers(
    client,
    cluster,
    {
      what: `remove ${node} from the member list`,
      remedy:
        'See that the other members run and have done so for 5 s: etcd removes no member when that could cost the quorum.',
      done(now) {
        if (memberOf(now, node) === undefined) return true;
        if (now.leader === node) throw itLeads(node);
        return false;
      },
      request: (now) => ({ path: '/v3/cluster/member/remove', body: { ID: memberOf(now, node)?.id ?? '' } }),
    },
    ctx,
  );

  await requireNotListed(client, cluster, node, view, ctx);
  const spec = nodeSpec(cluster, node);
  const at = host(spec);
  const how = launch(cluster, node);
  let status: HostStatus = { kind: 'unknown', reason: 'it was not asked' };
  const ended = async () => {
    status = await at.status(spec, how, ctx);
    return status.kind === 'stopped';
  };
  if (!(await waitUntil(ended, options, ctx))) await at.stop(spec, how, options, ctx);
  await requireNotListed(client, cluster, node, view, ctx);
  // One that never had a vote has confirmed nothing: what it received is in nobody's way when it is added again.
  const madeFor = await joinOf(at, spec, ctx);
  if (madeFor !== undefined) await at.moveDataAside(spec, `left-${ctx.runId}-${hex(madeFor)}`, how, ctx);
}

/**
 * What answers at the address of a removed member, whoever started it, must not be in the list: a wrong peer address
 * in the settings must not make us stop a member that is.
 */
async function requireNotListed(
  client: EtcdClient,
  cluster: ClusterSpec,
  node: NodeId,
  view: PrimaryView,
  ctx: EffectContext,
): Promise<void> {
  let answer: MemberStatus | undefined;
  try {
    answer = await readStatus(client, cluster, node, { signal: ctx.signal });
  } catch (error) {
    requireNoAnswer(error, node, 'say which member it is', ctx.signal);
  }
  const listed = view.members.find((m) => m.id === answer?.memberId || m.name === node);
  if (listed === undefined) return;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `no member has the peer address that the settings give ${node}, but member ${hex(listed.id)} (${listed.peerUrls.join(', ')}) has its name or answers at its address`,
    `Correct spec.settings.peers and the addresses of the nodes, then retry.`,
  );
}

const itLeads = (node: NodeId): RollgateError =>
  new RollgateError(
    'NOT_PRIMARY',
    `${node} leads the cluster; a member that leads is not removed`,
    `Transfer the leadership to another voter, then retry.`,
  );
