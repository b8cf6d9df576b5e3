import { RollgateError, type ClusterSpec, type EffectContext } from '../../../contracts/index.js';
import type { Sessions } from '../connection.js';
import { dropBookkeeping } from './bookkeeping.js';
import { createDdlGuard } from './ddl-guard.js';
import { holdPrefix } from './names.js';
import { readResidue } from './residue.js';
import type { Located } from './stream/located.js';

/** End every session that holds a snapshot for us in the database of that side. Idempotent. */
export async function releaseAllHeld({ on }: Located): Promise<void> {
  await on(
    (client) =>
      client.query(
        `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
          WHERE datname = current_database() AND starts_with(application_name, $1)`,
        [holdPrefix],
      ),
    { statementTimeoutMs: 60_000 },
  );
}

/** Guard, held snapshots and, at last, the bookkeeping of one side; its stream has been stopped before. Idempotent. */
export async function removeOurs(sessions: Sessions, at: Located, ctx: EffectContext): Promise<void> {
  await createDdlGuard(sessions).remove(at.cluster, ctx);
  await releaseAllHeld(at);
  await dropBookkeeping(sessions, at.cluster);
}

/**
 * Nothing of ours is left on the sides that answer.
 * @throws SYSTEM_REFUSED naming what is left; SYSTEM_UNREACHABLE when a side does not answer, so that it is not known
 */
export async function requireClean(
  sessions: Sessions,
  sides: readonly ClusterSpec[],
  silent: readonly RollgateError[],
): Promise<void> {
  const left: string[] = [];
  for (const cluster of sides) {
    try {
      left.push(...(await readResidue(sessions, cluster)).map((name) => `${name} on ${cluster.name}`));
    } catch (error) {
      if (!(error instanceof RollgateError && error.code === 'SYSTEM_UNREACHABLE')) throw error;
      if (silent.length === 0) throw error;
    }
  }
  if (left.length > 0) {
    throw new RollgateError(
      'SYSTEM_REFUSED',
      `of the migration is left: ${left.join(', ')}`,
      'Retry; what is left again is to be removed by hand.',
    );
  }
  const [first] = silent;
  if (!first) return;
  throw new RollgateError(
    'SYSTEM_UNREACHABLE',
    `one side does not answer, so slots, publications, subscriptions named rollgate_forward and rollgate_back, the event triggers rollgate_ddl_guard, the schema rollgate_migration and closed roles may be left there: ${first.message}`,
    'What was to be removed on the other side is removed. Retry when it answers; if it is gone for good, nothing more is to be done.',
    { cause: first },
  );
}
