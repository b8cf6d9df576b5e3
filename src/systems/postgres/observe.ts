import {
  known,
  messageOf,
  unknown,
  type ClusterSpec,
  type ClusterView,
  type GroupView,
  type NodeView,
  type Observed,
  type Position,
  type SecretResolver,
} from '../../contracts/index.js';
import { replicationOf, ruleOf, type Answer } from './answer.js';
import { endpointOf, type Sessions } from './connection.js';
import { readFacts, type NodeFacts } from './facts.js';
import { parseLsn } from './lsn.js';
import { obstaclesOf } from './obstacles.js';
import { stopSafety } from './stop-safety.js';

/** One fresh look at every node, in parallel. A node that does not answer is unknown, never an exception. */
export async function observe(
  sessions: Sessions,
  secrets: SecretResolver,
  cluster: ClusterSpec,
): Promise<ClusterView> {
  const answers = await ask(sessions, secrets, cluster);
  const groups = [...new Set(cluster.nodes.map((n) => n.group))];
  return {
    cluster: cluster.name,
    system: cluster.system,
    observedAt: new Date().toISOString(),
    positionUnit: 'bytes',
    groups: groups.map((id) =>
      groupView(
        cluster,
        id,
        answers.filter((a) => a.spec.group === id),
      ),
    ),
    obstacles: obstaclesOf(answers),
  };
}

/**
 * The primary's position is read first, a replica's after it: then lag 0 means that the replica has applied all
 * that the primary had when it was asked.
 */
async function ask(sessions: Sessions, secrets: SecretResolver, cluster: ClusterSpec): Promise<Answer[]> {
  const firstRound: Promise<unknown>[] = [];
  return Promise.all(
    cluster.nodes.map(async (spec): Promise<Answer> => {
      let told: () => void = () => undefined;
      firstRound.push(
        new Promise<void>((resolve) => {
          told = resolve;
        }),
      );
      try {
        return await sessions.on(
          cluster,
          spec.id,
          async (client) => {
            const facts = await readFacts(client);
            told();
            await Promise.all(firstRound);
            if (!facts.inRecovery) return { spec, facts };
            const { rows } = await client.query<{ at: string | null }>(
              'SELECT pg_last_wal_replay_lsn()::text AS at',
            );
            const at = rows[0]?.at;
            return { spec, facts, replayed: at === null || at === undefined ? undefined : parseLsn(at) };
          },
          { statementTimeoutMs: 3000, fresh: true },
        );
      } catch (error) {
        return { spec, failure: secrets.redact(messageOf(error)) };
      } finally {
        told();
      }
    }),
  );
}

function groupView(cluster: ClusterSpec, id: string, answers: readonly Answer[]): GroupView {
  const primaries = answers.filter((a) => a.facts?.inRecovery === false);
  const [primary] = primaries.length === 1 ? primaries : [];
  return {
    id,
    primaries: primaries.map((a) => a.spec.id),
    epoch: primary ? timelineOf(primary) : unknown(primaryProblem(primaries)),
    durability: primary ? durabilityOf(primary) : unknown(primaryProblem(primaries)),
    nodes: answers.map((a) => nodeView(cluster, a, answers, primary)),
  };
}

const primaryProblem = (primaries: readonly Answer[]): string =>
  primaries.length === 0
    ? 'no primary answers'
    : `${primaries.map((p) => p.spec.id).join(' and ')} are primaries`;

function nodeView(
  cluster: ClusterSpec,
  answer: Answer,
  answers: readonly Answer[],
  primary: Answer | undefined,
): NodeView {
  const { spec, facts } = answer;
  const silent = unknown(answer.failure ?? 'no answer');
  const when = <T>(read: (f: NodeFacts) => Observed<T>): Observed<T> => (facts ? read(facts) : silent);
  return {
    id: spec.id,
    group: spec.group,
    address: spec.address,
    reachable: facts ? known(true) : silent,
    role: when((f) => known(f.inRecovery ? 'replica' : 'primary')),
    version: when((f) => known(f.version)),
    // A server that ran our statement accepts sessions; a primary that is read-only by setting still takes writes.
    serving: when(() => known(true)),
    position: when((f) => positionOf(answer, f)),
    lag: when((f) => lagOf(answer, f, primary)),
    inSync: when((f) => inSync(answer, f, primary)),
    upstream: when((f) => upstreamOf(cluster, f)),
    epoch: when((f) => (f.timeline === null ? unknown('the timeline is not known') : known(f.timeline))),
    identity: when((f) => known(f.identity)),
    inFlight: when((f) => known({ count: f.inFlight, oldestMs: Math.round(f.oldestMs) })),
    startedAt: when((f) => known(f.startedAt.toISOString())),
    stop: stopSafety(answer, answers, primary),
  };
}

function positionOf(answer: Answer, facts: NodeFacts): Observed<Position> {
  if (answer.replayed) return known(answer.replayed);
  return facts.position === null ? unknown('nothing was replayed yet') : known(parseLsn(facts.position));
}

function lagOf(answer: Answer, facts: NodeFacts, primary: Answer | undefined): Observed<number> {
  if (!facts.inRecovery) return known(0);
  const ahead = primary?.facts?.position;
  if (ahead === undefined || ahead === null) return unknown('no single primary answers');
  if (!answer.replayed) return unknown('nothing was replayed yet');
  return known(Math.max(0, parseLsn(ahead).offset - answer.replayed.offset));
}

function inSync(answer: Answer, facts: NodeFacts, primary: Answer | undefined): Observed<boolean> {
  if (!facts.inRecovery) return known(true);
  if (!primary?.facts) return unknown('no single primary answers');
  const row = replicationOf(primary.facts, answer.spec.id);
  if (!row) return known(false);
  if (row.state === 'hidden') return unknown('pg_stat_replication hides its state from this role');
  const rule = ruleOf(primary.facts);
  if (rule.kind === 'unknown') return rule;
  const counts = rule.value?.names.some((n) => n === '*' || n.toLowerCase() === answer.spec.id.toLowerCase());
  return known(row.state === 'streaming' && (counts !== true || row.syncState !== 'async'));
}

function upstreamOf(cluster: ClusterSpec, facts: NodeFacts): Observed<string | undefined> {
  if (!facts.inRecovery) return known(undefined);
  if (facts.receiverStatus === null) return known(undefined);
  if (facts.receiverStatus !== 'streaming') return unknown(`the WAL receiver is ${facts.receiverStatus}`);
  const found = cluster.nodes.find((n) => {
    const { host, port } = endpointOf(n);
    return host === facts.senderHost && port === facts.senderPort;
  });
  return found
    ? known(found.id)
    : unknown(`it follows ${facts.senderHost ?? '?'}:${facts.senderPort ?? '?'}, no node of this cluster`);
}

const timelineOf = (answer: Answer): Observed<number> => {
  const timeline = answer.facts?.timeline;
  return timeline === undefined || timeline === null ? unknown('the timeline is not known') : known(timeline);
};

function durabilityOf(primary: Answer): Observed<'quorum' | 'asynchronous'> {
  if (!primary.facts) return unknown('no answer');
  const rule = ruleOf(primary.facts);
  if (rule.kind === 'unknown') return rule;
  const waits = !['off', 'local'].includes(primary.facts.synchronousCommit);
  return known(rule.value && rule.value.count > 0 && waits ? 'quorum' : 'asynchronous');
}
