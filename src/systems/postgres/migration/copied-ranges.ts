import type { ClientBase } from 'pg';
import { RollgateError, type TableRange } from '../../../contracts/index.js';
import { copiedTable } from './bookkeeping.js';

export interface Amount {
  readonly rows: number;
  readonly bytes: number;
}

/** In place of its first page: the table has been copied as a whole. */
export const whole = -1;

/**
 * What is recorded of this range; a range of a table that was copied as a whole has nothing left to copy.
 * @throws SYSTEM_REFUSED when a part of it has been copied as a part of another range
 */
export async function recorded(destination: ClientBase, range: TableRange): Promise<Amount | undefined> {
  const { rows } = await destination.query<{
    from: string;
    below: string | null;
    rows: string;
    bytes: string;
  }>(
    `SELECT from_page AS from, below_page AS below, rows, bytes FROM ${copiedTable}
      WHERE "table" = $1 AND (from_page = ${whole} OR int8range(from_page, below_page) && int8range($2, $3))
      ORDER BY from_page LIMIT 1`,
    [range.table, range.from, range.below ?? null],
  );
  const [row] = rows;
  if (!row) return undefined;
  const amount = { rows: Number(row.rows), bytes: Number(row.bytes) };
  if (Number(row.from) === whole) return { rows: 0, bytes: 0 };
  if (Number(row.from) === range.from && (row.below ?? undefined) === range.below?.toString()) return amount;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `pages ${row.from} to ${row.below ?? 'the end'} of ${range.table} have been copied; ${range.from} to ${range.below ?? 'the end'} would copy some of them again`,
    'Copy in the ranges that the copy was begun with, or begin anew.',
  );
}

export async function isWhole(destination: ClientBase, table: string): Promise<boolean> {
  const { rowCount } = await destination.query(
    `SELECT FROM ${copiedTable} WHERE "table" = $1 AND from_page = ${whole}`,
    [table],
  );
  return rowCount === 1;
}

/** In the transaction that the rows are written in. */
export async function record(
  destination: ClientBase,
  { table, from, below }: TableRange,
  { rows, bytes }: Amount,
): Promise<void> {
  await destination.query(
    `INSERT INTO ${copiedTable} ("table", from_page, below_page, rows, bytes) VALUES ($1, $2, $3, $4, $5)`,
    [table, from, below ?? null, rows, bytes],
  );
}

export async function forgetTable(destination: ClientBase, table: string): Promise<void> {
  await destination.query(`DELETE FROM ${copiedTable} WHERE "table" = $1`, [table]);
}
