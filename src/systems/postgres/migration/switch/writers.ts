import type { ClientBase } from 'pg';
import { RollgateError, type EffectContext } from '../../../../contracts/index.js';
import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '../../../wait.js';

/** A transaction of this age would make everybody who comes behind our lock wait for it, ms. */
const oldWriterMs = 20;

/** What the server waits beyond our own bound before it acts in our place, ms. */
export const graceMs = 200;

/** Errors after which the locks are tried for again: lock_not_available, query_canceled, deadlock_detected. */
const again = ['55P03', '57014', '40P01'];

/**
 * Let the transactions that write now end, and those that come wait: SHARE locks on every table. Nobody waits
 * behind a transaction that takes long: such a one is waited for beforehand.
 * https://www.postgresql.org/docs/17/explicit-locking.html#LOCKING-TABLES
 *
 * @param tables quoted names
 * @returns when writers began to wait, ms since the epoch; the transaction with the locks is open
 * @throws FENCE_LATE when the locks cannot be had until `end`
 */
export async function lockOut(
  client: ClientBase,
  tables: readonly string[],
  limits: { pauseMs: number; end: number },
  ctx: EffectContext,
): Promise<number> {
  const wait = Math.max(10, Math.min(100, Math.floor(limits.pauseMs / 4)));
  const list = tables.map((table) => `ONLY ${table}`).join(', ');
  for (;;) {
    await waitForOldWriters(client, tables, limits.end, ctx);
    await client.query(
      // Should we be cut off with the locks, the server lets go of them by itself.
      `BEGIN; SET LOCAL idle_in_transaction_session_timeout = ${Math.ceil(limits.pauseMs) + graceMs};
       SET LOCAL lock_timeout = ${wait}; SET LOCAL statement_timeout = ${wait}`,
    );
    const from = Date.now();
    try {
      if (tables.length > 0) await client.query(`LOCK TABLE ${list} IN SHARE MODE`);
      await client.query('SET LOCAL statement_timeout = 0');
      return from;
    } catch (error) {
      await client.query('ROLLBACK');
      if (!again.includes((error as { code?: string }).code ?? '')) throw error;
    }
    if (Date.now() >= limits.end) throw tooLong('the tables could not be locked within the time given');
    ctx.heartbeat();
    await delay(wait, undefined, { signal: ctx.signal });
  }
}

async function waitForOldWriters(
  client: ClientBase,
  tables: readonly string[],
  end: number,
  ctx: EffectContext,
): Promise<void> {
  let who: string[] = [];
  const free = await waitUntil(
    async () => {
      who = await oldWriters(client, tables);
      return who.length === 0;
    },
    { timeoutMs: Math.max(0, end - Date.now()), pollMs: 5 },
    ctx,
  );
  if (!free) throw tooLong(`tables are held by ${who.join(', ')}`);
}

/**
 * Who holds a lock that ours would wait for, for longer than a moment. Autovacuum gives way, as it does by itself to
 * whoever has waited for deadlock_timeout; one against wraparound does not.
 * https://www.postgresql.org/docs/17/routine-vacuuming.html#AUTOVACUUM
 */
async function oldWriters(client: ClientBase, tables: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ who: string; yields: boolean; pid: number }>(
    `SELECT DISTINCT a.pid, format('%s (pid %s)', coalesce(a.usename, a.backend_type), a.pid) AS who,
            a.backend_type = 'autovacuum worker' AND a.query NOT LIKE '%to prevent wraparound%' AS yields
       FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
      WHERE l.locktype = 'relation' AND l.granted AND a.pid <> pg_backend_pid()
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND l.relation IN (SELECT to_regclass(name)::oid FROM unnest($1::text[]) AS name)
        AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
        AND a.xact_start < clock_timestamp() - make_interval(secs => $2)`,
    [tables, oldWriterMs / 1000],
  );
  const yielding = rows.filter((row) => row.yields).map((row) => row.pid);
  if (yielding.length > 0)
    await client.query('SELECT pg_cancel_backend(pid) FROM unnest($1::int[]) AS pid', [yielding]);
  return rows.map((row) => row.who);
}

const tooLong = (seen: string): RollgateError =>
  new RollgateError(
    'FENCE_LATE',
    `the fence was not made: ${seen}`,
    'Nothing was closed. End the transactions that take long, or try again when there are none.',
  );
