import {
  nodeSpec,
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type Host,
  type LaunchSpec,
  type NodeId,
  type NodeSpec,
} from '../../../contracts/index.js';
import { settingsOf, type EtcdClient } from '../client.js';
import { launch, peerUrl } from '../launch.js';
import type { ListedMember } from '../member-list.js';
import { requireNoAnswer } from '../refusal.js';
import { readStatus, type MemberStatus } from '../status.js';
import { joinOf, recordJoin } from './join-record.js';
import type { MembershipDeps } from './membership.js';
import { notAMember } from './not-a-member.js';
import { hex, memberOf, readAsPrimary } from './primary-view.js';
import { requireLogInside } from './separate-log.js';

export async function startMember(
  deps: MembershipDeps,
  cluster: ClusterSpec,
  node: NodeId,
  ctx: EffectContext,
): Promise<void> {
  const settings = settingsOf(cluster);
  requireLogInside(settings);
  const view = await readAsPrimary(deps.client, cluster, ctx);
  const member = memberOf(view, node);
  if (member === undefined) throw notAMember(node);

  const spec = nodeSpec(cluster, node);
  const host = deps.host(spec);
  const ordinary = launch(cluster, node);
  const status = await host.status(spec, ordinary, ctx);
  if (status.kind === 'unknown') {
    throw new RollgateError('HOST_UNKNOWN', `${node}: ${status.reason}`, 'Look at its host, then retry.');
  }
  if (status.kind === 'running') return requireSame(deps.client, cluster, node, member, ctx);

  if (member.started) {
    await requireItsData(host, spec, member, ctx);
    return host.start(spec, ordinary, ctx);
  }
  await makeRoom(host, spec, member, ordinary, ctx);
  const peers = initialCluster(view.members, member, node, peerUrl(settings, node));
  await host.start(spec, joining(ordinary, peers), ctx);
}

/** One that runs is left alone; one that answers as somebody else is not the member. */
async function requireSame(
  client: EtcdClient,
  cluster: ClusterSpec,
  node: NodeId,
  member: ListedMember,
  ctx: EffectContext,
): Promise<void> {
  let status: MemberStatus;
  try {
    status = await readStatus(client, cluster, node, { signal: ctx.signal });
  } catch (error) {
    // It may be starting: whether it becomes healthy is for the gates to see.
    requireNoAnswer(error, node, 'say which member it is', ctx.signal);
    return;
  }
  if (status.memberId === member.id) return;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `${node} runs as member ${hex(status.memberId)} of cluster ${hex(status.clusterId)}, not as member ${hex(member.id)}`,
    `Stop ${node}, see what its data is, then retry: what is there is then moved aside.`,
  );
}

/**
 * A member that has joined may start on the data it joined with and on nothing else: on an empty directory it would
 * have forgotten what it confirmed.
 */
async function requireItsData(
  host: Host,
  spec: NodeSpec,
  member: ListedMember,
  ctx: EffectContext,
): Promise<void> {
  const facts = await host.dataFacts(spec, ctx);
  const empty = facts === undefined || facts.empty;
  const madeFor = empty ? undefined : await joinOf(host, spec, ctx);
  if (!empty && (madeFor === undefined || madeFor === member.id)) return;
  const seen = madeFor === undefined ? 'is empty' : `was made for member ${hex(madeFor)}`;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `member ${hex(member.id)} (${spec.id}) has joined before, but its data directory ${seen}`,
    `Remove ${spec.id} from the member list and add it again as a new member.`,
  );
}

/** An empty data directory for this membership, unless there is one already. */
async function makeRoom(
  host: Host,
  spec: NodeSpec,
  member: ListedMember,
  ordinary: LaunchSpec,
  ctx: EffectContext,
): Promise<void> {
  const facts = await host.dataFacts(spec, ctx);
  if (facts !== undefined && !facts.empty) {
    if ((await joinOf(host, spec, ctx)) === member.id) return;
    // Unique for this membership: one node may leave and come back more than once in a run.
    await host.moveDataAside(spec, `replaced-${ctx.runId}-${hex(member.id)}`, ordinary, ctx);
  }
  await host.makeDataDirectory(spec, ctx);
  await recordJoin(host, spec, member.id, ctx);
}

/** The members as they are in the list, which a joining one must name exactly. Only its own name counts. */
function initialCluster(
  members: readonly ListedMember[],
  joiner: ListedMember,
  node: NodeId,
  own: string,
): string {
  return members
    .flatMap((m) => {
      if (m.id === joiner.id) return [`${node}=${own}`];
      const name = m.name === '' || m.name === node ? `member-${hex(m.id)}` : m.name;
      return m.peerUrls.map((url) => `${name}=${url}`);
    })
    .join(',');
}

/** https://etcd.io/docs/v3.6/op-guide/runtime-configuration/#add-a-new-member */
function joining(ordinary: LaunchSpec, peers: string): LaunchSpec {
  const args = ordinary.args.filter((arg) => !/^--initial-cluster(-state)?=/.test(arg));
  return { ...ordinary, args: [...args, `--initial-cluster=${peers}`, '--initial-cluster-state=existing'] };
}
