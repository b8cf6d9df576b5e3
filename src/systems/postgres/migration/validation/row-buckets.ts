import type { ClientBase } from 'pg';
import { rowHash, type TableColumn } from './row-hash.js';

/** Rows of a bucket and the sum of their hashes. */
export interface Bucket {
  readonly rows: number;
  readonly sum: string;
}

/** One row by what it hashes to and where it is in storage, which holds as long as its snapshot. */
export interface PlacedRow {
  readonly hash: string;
  readonly place: string;
}

const bucketCount = 1024;

const bucketOf = (columns: readonly TableColumn[]): string =>
  `(${rowHash(columns)} & ${bucketCount - 1})::int`;

/**
 * All rows of a table in buckets, in one pass.
 * @param by the columns that say in which bucket a row is: few are hashed faster than all when its rows are fetched
 */
export async function bucketsOf(
  client: ClientBase,
  table: string,
  columns: readonly TableColumn[],
  by: readonly TableColumn[],
): Promise<ReadonlyMap<number, Bucket>> {
  // Without OFFSET the inner select is merged into the outer one, and every row is hashed twice.
  const { rows } = await client.query<{ bucket: number; rows: string; sum: string }>(
    `SELECT bucket, count(*)::text AS rows, sum(h)::text AS sum
       FROM (SELECT ${rowHash(columns)} AS h, ${bucketOf(by)} AS bucket FROM ONLY ${table} AS t OFFSET 0) AS hashed
      GROUP BY 1`,
  );
  return new Map(rows.map(({ bucket, rows: count, sum }) => [bucket, { rows: Number(count), sum }]));
}

/** The rows of some buckets, made by the same columns. */
export async function rowsOf(
  client: ClientBase,
  table: string,
  columns: readonly TableColumn[],
  by: readonly TableColumn[],
  buckets: readonly number[],
): Promise<PlacedRow[]> {
  const { rows } = await client.query<PlacedRow>(
    `SELECT ${rowHash(columns)}::text AS hash, t.ctid::text AS place
       FROM ONLY ${table} AS t WHERE ${bucketOf(by)} = ANY ($1::int[])`,
    [buckets],
  );
  return rows;
}

/** Buckets that are not the same on both sides, in their order. */
export function differing(
  one: ReadonlyMap<number, Bucket>,
  other: ReadonlyMap<number, Bucket>,
): readonly number[] {
  const all = new Set([...one.keys(), ...other.keys()]);
  return [...all]
    .filter((bucket) => {
      const [a, b] = [one.get(bucket), other.get(bucket)];
      return a?.rows !== b?.rows || a?.sum !== b?.sum;
    })
    .sort((a, b) => a - b);
}

/** Rows of one side that the other one has not, or has fewer times. */
export function surplus(of: readonly PlacedRow[], over: readonly PlacedRow[]): PlacedRow[] {
  const left = new Map<string, number>();
  for (const { hash } of over) left.set(hash, (left.get(hash) ?? 0) + 1);
  return of.filter(({ hash }) => {
    const count = left.get(hash) ?? 0;
    left.set(hash, count - 1);
    return count <= 0;
  });
}
