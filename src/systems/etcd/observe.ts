import {
  known,
  unknown,
  valueOf,
  type ClusterSpec,
  type ClusterView,
  type EffectContext,
  type GroupView,
  type LevelView,
  type NodeView,
  type Observed,
  type Role,
} from '../../contracts/index.js';
import { ask, leaderOf, membersOf, type Answer } from './answer.js';
import { settingsOf, type EtcdClient } from './client.js';
import { lagOf } from './lag.js';
import { groupLevel, nodeLevel } from './level.js';
import type { ListedMember } from './member-list.js';
import { obstaclesOf, wrongAddress } from './obstacles.js';
import type { MemberStatus } from './status.js';
import { stopSafety } from './stop-safety.js';

export const positionUnit = 'entries';

/** What is learned from all answers together, for the view of each node. */
interface Context {
  readonly answers: readonly Answer[];
  readonly leader: Answer | undefined;
  readonly members: Observed<readonly ListedMember[]>;
  readonly maxLagEntries: number;
}

/** One fresh look at every node, in parallel. A node that does not answer is unknown, never an exception. */
export async function observe(
  client: EtcdClient,
  cluster: ClusterSpec,
  ctx: EffectContext,
): Promise<ClusterView> {
  const answers = await ask(client, cluster, ctx.signal);
  const level = await groupLevel(client, cluster, answers, { signal: ctx.signal });
  const context: Context = {
    answers,
    leader: leaderOf(answers),
    members: membersOf(answers),
    maxLagEntries: settingsOf(cluster).maxLagEntries,
  };
  const groups = [...new Set(cluster.nodes.map((n) => n.group))];
  return {
    cluster: cluster.name,
    system: cluster.system,
    observedAt: new Date().toISOString(),
    positionUnit,
    groups: groups.map((id) => groupView(id, context, level)),
    obstacles: obstaclesOf(answers, context.members),
  };
}

function groupView(id: string, context: Context, level: LevelView): GroupView {
  const answers = context.answers.filter((a) => a.spec.group === id);
  const latest = Math.max(0, ...context.answers.map((a) => a.status?.term ?? 0));
  const byQuorum = context.answers.some((a) => a.status?.learner === false && valueOf(a.quorumRead) === true);
  return {
    id,
    // Who leads in a term that others have left behind can acknowledge nothing: it is no second primary.
    primaries: answers
      .filter((a) => a.status?.leads === true && a.status.term === latest)
      .map((a) => a.spec.id),
    epoch: byQuorum ? known(latest) : unknown('no linearizable read succeeded on any voter'),
    // Raft acknowledges a write when a quorum of voters has it, whatever is configured.
    durability: known('quorum'),
    level,
    nodes: answers.map((a) => nodeView(a, context)),
  };
}

function nodeView(answer: Answer, context: Context): NodeView {
  const { spec, status, failure } = answer;
  const problem = context.members.kind === 'known' ? wrongAddress(answer, context.members.value) : undefined;
  const outside = outsideOf(answer, context);
  const silent = unknown(problem ?? failure ?? 'no answer');
  const when = <T>(read: (s: MemberStatus) => Observed<T>): Observed<T> =>
    status && problem === undefined ? read(status) : silent;
  /** What only a member of the cluster has. */
  const asMember = <T>(read: (s: MemberStatus) => Observed<T>): Observed<T> =>
    when((s) => (outside === undefined ? read(s) : unknown(outside)));
  return {
    id: spec.id,
    group: spec.group,
    address: spec.address,
    reachable: reachable(answer, problem, outside),
    role: asMember((s) => known(roleOf(s))),
    version: when((s) => known(s.version)),
    // A learner serves no linearizable reads and no writes at all; for what it is, its own word is enough.
    serving: asMember((s) => (s.learner ? known(true) : answer.quorumRead)),
    position: asMember((s) => known({ offset: s.applied, text: `index ${s.applied}` })),
    lag: asMember(() => lagOf(answer, context.leader)),
    inSync: asMember((s) => inSync(s, answer, context)),
    upstream: asMember((s) => upstreamOf(s, context)),
    epoch: asMember((s) => known(s.term)),
    identity: when((s) => known(s.clusterId)),
    // No transaction of etcd spans requests, and a member that is asked to stop gives the requests under way time
    // to finish, see launch.ts: there is nothing to wait for before it is stopped.
    inFlight: asMember(() => known({ count: 0, oldestMs: 0 })),
    startedAt: when(() =>
      unknown('etcd tells it in its metrics only, which are too large to be read at every look'),
    ),
    stop:
      problem === undefined
        ? stopSafety(answer, context.answers, context.members, context.maxLagEntries)
        : { verdict: 'unknown', evidence: problem },
    level: asMember(() => nodeLevel(answer)),
  };
}

function reachable(
  { status, forbidden, failure }: Answer,
  problem: string | undefined,
  outside: string | undefined,
): Observed<boolean> {
  if (problem !== undefined) return unknown(problem);
  if (status || forbidden === true) return known(true);
  return unknown([failure ?? 'no answer', ...(outside === undefined ? [] : [outside])].join('; '));
}

/** Why the node is no member now: one that has not been added yet, or that was removed. */
function outsideOf({ spec }: Answer, { members }: Context): string | undefined {
  if (members.kind === 'unknown' || members.value.some((m) => m.node === spec.id)) return undefined;
  return `${spec.id} is not in the member list`;
}

const roleOf = (status: MemberStatus): Role =>
  status.learner ? 'learner' : status.leads ? 'primary' : 'replica';

function inSync(status: MemberStatus, answer: Answer, context: Context): Observed<boolean> {
  if (status.learner) return known(false);
  const lag = lagOf(answer, context.leader);
  return lag.kind === 'unknown' ? lag : known(lag.value <= context.maxLagEntries);
}

function upstreamOf(status: MemberStatus, { answers, members }: Context): Observed<string | undefined> {
  const { leaderId } = status;
  if (leaderId === undefined) return unknown('it sees no leader');
  if (status.leads) return known(undefined);
  const listed = members.kind === 'known' ? members.value.find((m) => m.id === leaderId)?.node : undefined;
  const node = listed ?? answers.find((a) => a.status?.memberId === leaderId)?.spec.id;
  return node === undefined
    ? unknown(`it follows the member ${leaderId}, no node of the cluster file`)
    : known(node);
}
