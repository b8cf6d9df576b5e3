import { escapeLiteral, type QueryResult } from 'pg';
import { markerTable } from '../names.js';
import type { OwnSession } from './own-session.js';

/** A snapshot that a session of ours has exported and still holds. */
export interface Exported {
  readonly id: string;
  /** Which transactions it sees, by `pg_current_snapshot`: the same text, the same rows. */
  readonly sees: string;
}

/** A moment at which nobody was writing: the sender's snapshot of it, and the marker that comes right after it. */
export interface LockedMoment extends Exported {
  readonly position: string;
}

/** No lock in time, or not all at once, or the server ended the session at its bound: nobody is waiting any more. */
const gaveUp = ['55P03', '57014', '40P01', '25P03', '25P04'];

/** One with the snapshot that its transaction takes now. */
export async function exportSnapshot({ client }: OwnSession): Promise<LockedMoment> {
  const { rows } = await client.query<{ id: string; sees: string; position: string }>(
    `SELECT pg_export_snapshot() AS id, pg_current_snapshot()::text AS sees,
            pg_current_wal_insert_lsn()::text AS position`,
  );
  const [row] = rows;
  if (!row) throw new Error('a SELECT without FROM has given no row');
  return row;
}

export const beginSnapshot = async ({ client }: OwnSession): Promise<QueryResult> =>
  client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');

/**
 * Lock all tables against writers, have the exporter take its snapshot, write the marker, and let go. What writers wait
 * for is in between; `exporter` is in a transaction already and has taken no snapshot.
 * @returns `undefined` when the locks were not to be had in time
 */
export async function lockAndMark(
  { locker, exporter }: { locker: OwnSession; exporter: OwnSession },
  { tables, marker, lockTimeoutMs }: { tables: readonly string[]; marker: string; lockTimeoutMs: number },
): Promise<LockedMoment | undefined> {
  const { client } = locker;
  try {
    // Nobody may wait for the disk or for a standby: the marker need not outlive a crash, after which it means nothing.
    await client.query(
      `BEGIN; SET LOCAL synchronous_commit = off; SET LOCAL lock_timeout = ${Math.ceil(lockTimeoutMs)};
       LOCK TABLE ${tables.map((table) => `ONLY ${table}`).join(', ')} IN SHARE MODE`,
    );
    const moment = await exportSnapshot(exporter);
    await client.query(
      `INSERT INTO ${markerTable} (name, at) VALUES (${escapeLiteral(marker)}, clock_timestamp()); COMMIT`,
    );
    return moment;
  } catch (error) {
    if (gaveUp.includes(locker.endedBy() ?? (error as { code?: string }).code ?? '')) return undefined;
    throw error;
  }
}

/** Have the log written to disk up to here: until then a marker is not sent. */
export async function flushLog({ client }: OwnSession): Promise<void> {
  await client.query("SET synchronous_commit = local; SELECT pg_logical_emit_message(true, 'rollgate', '')");
}
