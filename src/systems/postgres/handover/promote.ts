import type { ClientBase } from 'pg';
import {
  nodeSpec,
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type Fence,
  type Promotion,
} from '../../../contracts/index.js';
import { parseLsn } from '../lsn.js';
import { repoint } from '../replica.js';
import { waitUntil } from '../../wait.js';
import type { HandoverDependencies } from './dependencies.js';
import { requireIdentity } from './identity.js';
import { describeControl, othersOf, readControl, requireNoPrimary } from './node-state.js';

/** How often a promotion is looked for, ms: clients wait for it. */
const promotionPollMs = 5;

/** Promote a candidate that has applied exactly what the fence holds, and re-point the other replicas. */
export async function promote(
  deps: HandoverDependencies,
  cluster: ClusterSpec,
  candidate: string,
  held: Fence,
  options: { timeoutMs: number; pollMs: number },
  ctx: EffectContext,
): Promise<Promotion> {
  const { sessions } = deps;
  const others = othersOf(cluster, held.node).filter((id) => id !== candidate);
  const repointOthers = (): Promise<PromiseSettledResult<void>[]> =>
    // A replica that cannot be re-pointed must not keep the cluster without a primary; the gates after the
    // promotion see it, and the run follows up.
    Promise.allSettled(others.map((id) => repoint(sessions, cluster, id, candidate)));
  return sessions.on(cluster, candidate, async (client) => {
    const before = await readRecovery(client);
    let pointed: Promise<unknown> = Promise.resolve();
    if (before?.replica === true) {
      const moved = 'Nothing was promoted. The run observes again and goes on from there.';
      await Promise.all([
        verifyFence(deps, cluster, { id: candidate, identity: before.identity }, held, ctx),
        requireNoPrimary(deps, cluster, others, moved, ctx),
      ]);
      requireExactPosition(candidate, before.replayed, held);
      // https://www.postgresql.org/docs/17/functions-admin.html: wait=false, because its own wait polls slowly.
      pointed = repointOthers();
      await client.query('SELECT pg_promote(false)');
      const done = await waitUntil(
        async () => (await readRecovery(client))?.replica === false,
        { timeoutMs: options.timeoutMs, pollMs: promotionPollMs },
        ctx,
      );
      if (!done) {
        throw new RollgateError(
          'PROMOTION_UNVERIFIED',
          `${candidate} is still in recovery after ${options.timeoutMs} ms`,
          'The promotion is withdrawn, or taken over if it has happened. Look at the log of the node.',
        );
      }
    } else {
      requirePromotedThere(candidate, before?.replayed ?? null, held);
      pointed = repointOthers();
    }
    const timeline = await readTimeline(client);
    if (timeline !== held.epoch + 1) {
      throw new RollgateError(
        'PRIMARY_MOVED',
        `${candidate} is a primary on timeline ${timeline ?? 'unknown'}, the promotion would have made ${held.epoch + 1}`,
        'Somebody else has promoted. The run observes again and goes on from there.',
      );
    }
    const at = new Date().toISOString();
    await pointed;
    return { group: held.group, node: candidate, epoch: timeline, at };
  });
}

async function readRecovery(
  client: ClientBase,
): Promise<{ replica: boolean; replayed: string | null; identity: string } | undefined> {
  const { rows } = await client.query<{ replica: boolean; replayed: string | null; identity: string }>(
    `SELECT pg_is_in_recovery() AS replica, pg_last_wal_replay_lsn()::text AS replayed,
            (SELECT system_identifier::text FROM pg_control_system()) AS identity`,
  );
  return rows[0];
}

async function readTimeline(client: ClientBase): Promise<number | undefined> {
  const { rows } = await client.query<{ timeline: number }>(
    "SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int AS timeline",
  );
  return rows[0]?.timeline;
}

/** The fence holds now: the process is gone, its log still ends where it ended, and the candidate is of its cluster. */
async function verifyFence(
  deps: HandoverDependencies,
  cluster: ClusterSpec,
  candidate: { readonly id: string; readonly identity: string },
  held: Fence,
  ctx: EffectContext,
): Promise<void> {
  const spec = nodeSpec(cluster, held.node);
  const host = deps.host(spec);
  const status = await host.status(spec, deps.launch(cluster, held.node), ctx);
  const control = await readControl(host, spec, ctx);
  if (status.kind !== 'stopped' || !control.cleanPrimary || control.end.offset !== held.position.offset) {
    throw new RollgateError(
      'FENCE_VOID',
      `the fence of ${held.node} at ${held.position.text} does not hold: the process is ${status.kind}, its control file says ${describeControl(control)}`,
      'Nothing was promoted. Find out who started it, then retry.',
    );
  }
  const expected = { identity: control.systemIdentifier, source: `the old primary ${held.node}` };
  requireIdentity(cluster, candidate, expected);
}

function requireExactPosition(candidate: string, replayed: string | null, held: Fence): void {
  if (replayed !== null && parseLsn(replayed).offset === held.position.offset) return;
  throw new RollgateError(
    'CANDIDATE_BEHIND',
    `${candidate} has applied ${replayed ?? 'nothing'}, the fence is at ${held.position.text}`,
    'Nothing was promoted; both sides are put back as they were.',
  );
}

/**
 * A candidate that is a primary already was promoted at the fence, by us or by hand, or it has left writes behind.
 * A server that was restarted since no longer says what it had replayed; its timeline is then all there is.
 */
function requirePromotedThere(candidate: string, replayed: string | null, held: Fence): void {
  if (replayed === null || parseLsn(replayed).offset === held.position.offset) return;
  throw new RollgateError(
    'PRIMARY_MOVED',
    `${candidate} was promoted by somebody else at ${replayed}, the fence is at ${held.position.text}`,
    `Nothing was changed. If it was promoted before it had everything, the writes up to ${held.position.text} are on ${held.node} only.`,
  );
}
