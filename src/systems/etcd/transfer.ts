import { z } from 'zod';
import {
  messageOf,
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type NodeId,
  type Promotion,
  type TransferFacet,
} from '../../contracts/index.js';
import { waitUntil } from '../wait.js';
import { readByQuorum } from './answer.js';
import { settingsOf, type EtcdClient } from './client.js';
import { askStatuses, latestLeader, type Statuses } from './statuses.js';

type TransferOptions = Parameters<TransferFacet['transfer']>[2];

/**
 * Leadership is moved by raft's own transfer: the leader takes no new proposals, brings the candidate up to its last
 * entry and tells it to stand for election in a new term, in which the old leader can commit nothing.
 * https://etcd.io/docs/v3.6/dev-guide/api_reference_v3/ (MoveLeader), to the leader only.
 */
export function createTransfer(client: EtcdClient): TransferFacet {
  return {
    async transfer(cluster, from, options, ctx) {
      const end = Date.now() + options.timeoutMs;
      const left = (): number => Math.max(0, end - Date.now());
      let reason = 'no leader was seen';
      let promotion: Promotion | undefined;
      await waitUntil(
        async () => {
          const statuses = await askStatuses(client, cluster, ctx.signal);
          const leader = latestLeader(statuses);
          if (leader === undefined) {
            reason = `no leader is seen by ${answering(statuses) || 'any node'}`;
            return false;
          }
          if (leader.node === from) {
            reason = await ask(client, cluster, from, leader.status.term, statuses, options, left(), ctx);
            return false;
          }
          refuseOther(leader.node, leader.status.term, from, options);
          const doubt = await doubtOf(
            client,
            cluster,
            leader.node,
            leader.status.term,
            statuses,
            left(),
            ctx,
          );
          if (doubt !== undefined) {
            reason = doubt;
            return false;
          }
          promotion = {
            group: options.group,
            node: leader.node,
            epoch: leader.status.term,
            at: new Date().toISOString(),
          };
          return true;
        },
        { timeoutMs: options.timeoutMs, pollMs: options.pollMs },
        ctx,
      );
      if (promotion) return promotion;
      throw await failure(client, cluster, from, options, reason, ctx);
    },
  };
}

/** One request, if a candidate has every entry; whatever is answered, what came of it is observed. @returns what was seen */
async function ask(
  client: EtcdClient,
  cluster: ClusterSpec,
  from: NodeId,
  term: number,
  before: Statuses,
  { candidates, epoch }: TransferOptions,
  leftMs: number,
  ctx: EffectContext,
): Promise<string> {
  if (term < epoch) return `${from} leads in term ${term}, before ${epoch}: an old view`;
  // The leader's index was read first: a candidate that has applied it now had every entry committed then. What
  // comes in meanwhile raft itself waits for.
  const committed = before.find((s) => s.node === from)?.status?.committed;
  const now = await askStatuses(client, cluster, ctx.signal);
  const leader = latestLeader(now);
  if (committed === undefined || leader?.node !== from || leader.status.term !== term) {
    return `${from} has just lost or gained leadership`;
  }
  const candidate = candidates
    .map((id) => now.find((s) => s.node === id))
    .find((s) => s?.status?.learner === false && s.status.applied >= committed);
  if (candidate?.status === undefined) return behind(candidates, now, committed);
  const body = { targetID: candidate.status.memberId };
  const timeoutMs = Math.max(100, Math.min(leftMs, settingsOf(cluster).requestTimeout));
  try {
    await client.post(cluster, from, '/v3/maintenance/transfer-leadership', body, z.looseObject({}), {
      timeoutMs,
      signal: ctx.signal,
    });
    return `${from} says that it has handed over to ${candidate.node}`;
  } catch (error) {
    ctx.signal.throwIfAborted();
    return `${from} was asked to hand over to ${candidate.node}: ${messageOf(error)}`;
  }
}

const behindText = 'no candidate has every entry';

const behind = (candidates: readonly NodeId[], statuses: Statuses, committed: number): string => {
  const seen = candidates.map((id) => {
    const status = statuses.find((s) => s.node === id)?.status;
    if (!status) return `${id} does not answer`;
    return status.learner ? `${id} is a learner` : `${id} is at ${status.applied}`;
  });
  return `${behindText} up to index ${committed}: ${seen.join(', ')}`;
};

/** Leadership that went elsewhere by itself is not moved again. */
function refuseOther(leader: NodeId, term: number, from: NodeId, options: TransferOptions): void {
  if (term > options.epoch && options.candidates.includes(leader)) return;
  if (term <= options.epoch) return;
  throw new RollgateError(
    'PRIMARY_MOVED',
    `${leader} leads in term ${term}; ${from} led in term ${options.epoch} and ${options.candidates.join(', ')} should take over`,
    'Nothing was changed; observe again and go on from there.',
  );
}

/** What speaks against the new leader being the leader of all; `undefined`: nothing. */
async function doubtOf(
  client: EtcdClient,
  cluster: ClusterSpec,
  node: NodeId,
  term: number,
  statuses: Statuses,
  leftMs: number,
  ctx: EffectContext,
): Promise<string | undefined> {
  const leader = statuses.find((s) => s.node === node)?.status;
  const others = statuses.filter(
    (s) => s.status && (s.status.leaderId !== leader?.memberId || s.status.term !== term),
  );
  if (others.length > 0) {
    return `${others.map((s) => s.node).join(', ')} do not see ${node} as the leader of term ${term}`;
  }
  try {
    const timeoutMs = Math.max(100, Math.min(leftMs, settingsOf(cluster).requestTimeout));
    await readByQuorum(client, cluster, node, { timeoutMs, signal: ctx.signal });
  } catch (error) {
    ctx.signal.throwIfAborted();
    return `${node} leads in term ${term} and cannot read by a quorum: ${messageOf(error)}`;
  }
  return undefined;
}

async function failure(
  client: EtcdClient,
  cluster: ClusterSpec,
  from: NodeId,
  options: TransferOptions,
  reason: string,
  ctx: EffectContext,
): Promise<RollgateError> {
  const statuses = await askStatuses(client, cluster, ctx.signal);
  const within = `within ${options.timeoutMs} ms`;
  if (statuses.every((s) => s.status === undefined)) {
    return new RollgateError(
      'SYSTEM_UNREACHABLE',
      `no node answers: ${statuses.map((s) => s.failure ?? '').join('; ')}`,
      'Make the cluster reachable from the worker, then retry.',
    );
  }
  if (latestLeader(statuses)?.node === from && reason.startsWith(behindText)) {
    return new RollgateError(
      'CANDIDATE_BEHIND',
      `${reason}, ${within}`,
      `${from} still leads; let a candidate catch up, then retry.`,
    );
  }
  return new RollgateError(
    'PROMOTION_UNVERIFIED',
    `leadership was not seen to go from ${from} to ${options.candidates.join(' or ')} ${within}: ${reason}`,
    'Look at what the members say (etcdctl endpoint status --cluster), then retry: a transfer that has happened is found done.',
  );
}

const answering = (statuses: Statuses): string =>
  statuses
    .filter((s) => s.status)
    .map((s) => s.node)
    .join(', ');
