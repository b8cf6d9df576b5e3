import { setTimeout as delay } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import type { EffectContext } from '../../../../contracts/index.js';

/** A transaction that holds what a SHARE lock has to wait for. */
export interface Writer {
  /** `null`: a prepared transaction, which has no session. */
  readonly pid: number | null;
  readonly application: string;
  readonly ageMs: number;
  /** An automatic VACUUM or ANALYZE that makes room for whoever waits for it. */
  readonly yields: boolean;
}

/** How long an automatic VACUUM is waited for before it is asked to go, ms: as PostgreSQL itself does by default. */
const vacuumMs = 1000;

/** https://www.postgresql.org/docs/17/explicit-locking.html#LOCKING-TABLES */
const conflicting = [
  'RowExclusiveLock',
  'ShareUpdateExclusiveLock',
  'ShareRowExclusiveLock',
  'ExclusiveLock',
  'AccessExclusiveLock',
];

/** The oldest transaction that a SHARE lock on any of the tables would have to wait for now. */
export async function oldestWriter(
  client: ClientBase,
  tables: readonly string[],
): Promise<Writer | undefined> {
  const { rows } = await client.query<Writer>(
    `SELECT l.pid, coalesce(nullif(a.application_name, ''), a.backend_type, 'prepared transaction') AS application,
            (extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, p.prepared)) * 1000)::float8 AS "ageMs",
            coalesce(a.backend_type = 'autovacuum worker' AND a.query NOT LIKE '%to prevent wraparound%', false)
              AS yields
       FROM pg_locks l
       LEFT JOIN pg_stat_activity a ON a.pid = l.pid
       LEFT JOIN pg_prepared_xacts p ON l.pid IS NULL AND l.virtualtransaction = '-1/' || p.transaction
      WHERE l.locktype = 'relation' AND l.granted AND l.mode = ANY ($1)
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND l.relation = ANY (SELECT to_regclass(name) FROM unnest($2::text[]) AS name)
      ORDER BY coalesce(a.xact_start, p.prepared) LIMIT 1`,
    [conflicting, tables],
  );
  return rows[0];
}

/**
 * Wait until nobody has been writing for longer than a while, so that a lock that is asked for then is had at once:
 * every other writer queues behind one that waits. The while gets longer, from 20 ms to `mostMs`, when there is no such
 * moment.
 * @returns the writer that was still there at the end of the time, if any
 */
export async function waitForQuiet(
  ask: <T>(body: (client: ClientBase) => Promise<T>) => Promise<T>,
  tables: readonly string[],
  { patienceMs, mostMs, until }: { patienceMs: number; mostMs: number; until: number },
  ctx: EffectContext,
): Promise<Writer | undefined> {
  const began = performance.now();
  for (;;) {
    const writer = await ask((client) => oldestWriter(client, tables));
    const now = performance.now();
    const patience = Math.min(mostMs, patienceMs * 2 ** Math.floor((now - began) / 500));
    if (writer === undefined || writer.ageMs <= patience) return undefined;
    if (now >= until) return writer;
    if (writer.yields && writer.ageMs > vacuumMs) await ask((client) => endVacuum(client, writer));
    ctx.heartbeat({ waitsFor: writer.pid });
    await delay(5, undefined, { signal: ctx.signal });
  }
}

/**
 * As the server does it for whoever waits for such a lock longer than `deadlock_timeout`; we never wait that long.
 * https://www.postgresql.org/docs/17/routine-vacuuming.html#AUTOVACUUM
 */
async function endVacuum(client: ClientBase, { pid }: Writer): Promise<void> {
  await client.query(
    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_type = 'autovacuum worker'",
    [pid],
  );
}
