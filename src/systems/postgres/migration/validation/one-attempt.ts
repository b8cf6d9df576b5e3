import { RollgateError, type ClusterSpec, type EffectContext } from '../../../../contracts/index.js';
import { waitUntil } from '../../../wait.js';
import type { Sessions } from '../../connection.js';
import { cutLock } from './cut-trigger.js';
import { openSession } from './own-session.js';

/** What an attempt needs after its time is over, ms: to hold the snapshots, or to let go of everything. */
const afterwardsMs = 120_000;

/**
 * Make a cut while nobody else makes one of that name: an attempt of a worker that was given up may still be at it, and
 * would release what this one holds. The lock goes with its session, so that it does not outlive our process.
 * @throws CUT_REFUSED when somebody else is at it all the time; SYSTEM_UNREACHABLE
 */
export async function asOneAttempt<T>(
  { sessions, cluster, node }: { sessions: Sessions; cluster: ClusterSpec; node: string },
  { name, timeoutMs }: { name: string; timeoutMs: number },
  ctx: EffectContext,
  body: () => Promise<T>,
): Promise<T> {
  const session = await openSession(sessions, cluster, node, {
    idle_session_timeout: `${Math.ceil(timeoutMs + afterwardsMs)}ms`,
  });
  try {
    const alone = await waitUntil(
      async () => {
        const { rows } = await session.client.query<{ locked: boolean }>(
          'SELECT pg_try_advisory_lock($1, hashtext($2)) AS locked',
          [cutLock, `attempt/${name}`],
        );
        return rows[0]?.locked === true;
      },
      { timeoutMs, pollMs: 20 },
      ctx,
    );
    if (alone) return await body();
    throw new RollgateError(
      'CUT_REFUSED',
      `no cut ${name} within ${timeoutMs} ms: another worker is making one of that name`,
      'It is tried again by itself.',
    );
  } finally {
    await session.end();
  }
}
