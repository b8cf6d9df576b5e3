import {
  known,
  messageOf,
  unknown,
  type ClusterSpec,
  type NodeSpec,
  type Observed,
} from '../../contracts/index.js';
import { EtcdError, grpcCode, type EtcdClient, type RequestOptions } from './client.js';
import { ownerKey, range } from './keys.js';
import { readMembers, type ListedMember } from './member-list.js';
import { isAuthRefusal } from './refusal.js';
import { readClusterLevel, readStatus, type MemberStatus } from './status.js';

/** What one node said in an observation, or why it said nothing. */
export interface Answer {
  readonly spec: NodeSpec;
  /** Read first on every node, so that the leader's committed index is older than each node's `status`. */
  readonly first?: MemberStatus;
  readonly status?: MemberStatus;
  /** Why there is no status. */
  readonly failure?: string;
  /** It answered that this user may not ask. */
  readonly forbidden?: boolean;
  readonly clusterLevel: Observed<string>;
  /** A linearizable read through this member succeeded: it reaches a leader that a quorum follows. */
  readonly quorumRead: Observed<boolean>;
  readonly members: Observed<readonly ListedMember[]>;
}

/** Ask every node at once. Nothing asked here enters the raft log: an observation does not move what it observes. */
export async function ask(
  client: EtcdClient,
  cluster: ClusterSpec,
  signal: AbortSignal,
): Promise<readonly Answer[]> {
  const firstRound: Promise<unknown>[] = [];
  return Promise.all(
    cluster.nodes.map(async (spec): Promise<Answer> => {
      const about = inquire(client, cluster, spec, { signal });
      firstRound.push(about);
      const { failure, ...found } = await about;
      if (!found.first) return { ...found, failure: failure ?? 'no answer' };
      await Promise.all(firstRound);
      try {
        return { ...found, status: await readStatus(client, cluster, spec.id, { signal }) };
      } catch (error) {
        signal.throwIfAborted();
        return { ...found, failure: messageOf(error) };
      }
    }),
  );
}

async function inquire(
  client: EtcdClient,
  cluster: ClusterSpec,
  spec: NodeSpec,
  options: { readonly signal: AbortSignal },
): Promise<Answer> {
  const [first, clusterLevel, quorumRead, members] = await Promise.allSettled([
    readStatus(client, cluster, spec.id, options),
    readClusterLevel(client, cluster, spec.id, options),
    readByQuorum(client, cluster, spec.id, options),
    readMembers(client, cluster, spec.id, options),
  ]);
  options.signal.throwIfAborted();
  return {
    spec,
    ...(first.status === 'fulfilled'
      ? { first: first.value }
      : { failure: messageOf(first.reason), forbidden: isAuthRefusal(first.reason) }),
    clusterLevel: levelOf(clusterLevel),
    quorumRead: quorumOf(quorumRead),
    members: members.status === 'fulfilled' ? known(members.value) : unknown(messageOf(members.reason)),
  };
}

/**
 * A range is linearizable unless asked otherwise: the member confirms with the leader, and the leader with a quorum,
 * https://etcd.io/docs/v3.6/learning/api_guarantees/.
 */
export async function readByQuorum(
  client: EtcdClient,
  cluster: ClusterSpec,
  node: string,
  options?: RequestOptions,
): Promise<void> {
  await range(client, cluster, node, { key: ownerKey(cluster), keysOnly: true }, options);
}

function levelOf(result: PromiseSettledResult<string | undefined>): Observed<string> {
  if (result.status === 'rejected') return unknown(messageOf(result.reason));
  return result.value === undefined ? unknown('no cluster version is decided yet') : known(result.value);
}

/** A member that says it cannot read does not serve; one that says nothing, or that refuses this user, is not known. */
function quorumOf(result: PromiseSettledResult<void>): Observed<boolean> {
  if (result.status === 'fulfilled') return known(true);
  const reason: unknown = result.reason;
  const cannot =
    reason instanceof EtcdError &&
    [grpcCode.unavailable, grpcCode.deadlineExceeded].some((code) => code === reason.code);
  return cannot ? known(false) : unknown(messageOf(reason));
}

/** The leader of the latest term among those that say they lead; an older one can commit nothing any more. */
export function leaderOf(answers: readonly Answer[]): Answer | undefined {
  const latest = Math.max(...answers.map((a) => a.status?.term ?? 0));
  const leaders = answers.filter((a) => a.status?.leads === true && a.status.term === latest);
  return leaders.length === 1 ? leaders[0] : undefined;
}

/** As the leader has it, else as any voter has it: each was confirmed by a quorum. */
export function membersOf(answers: readonly Answer[]): Observed<readonly ListedMember[]> {
  const told = [leaderOf(answers), ...answers].find((a) => a?.members.kind === 'known');
  return told?.members ?? unknown('no member could read the member list by a quorum');
}
