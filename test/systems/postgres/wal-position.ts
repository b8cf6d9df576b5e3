import type { Real } from './fixture.js';

export const pageSize = 8192;
export const segmentSize = 16 * 1024 * 1024;
const perPage = pageSize - 24;
const perSegment = (segmentSize / pageSize) * perPage - 16;

/** How many bytes of records fit before `offset`: a page begins with 24 bytes of its own, a segment with 40. */
function recordBytesBefore(offset: number): number {
  const segment = Math.floor(offset / segmentSize);
  const inSegment = offset % segmentSize;
  if (inSegment === 0) return segment * perSegment;
  const page = Math.floor(inSegment / pageSize);
  const inPage = inSegment % pageSize;
  if (inPage === 0) return segment * perSegment + page * perPage - 16;
  const first = page === 0 ? inPage - 40 : page * perPage - 16 + inPage - 24;
  return segment * perSegment + first;
}

export async function insertPosition(real: Real, node: string): Promise<number> {
  const [row] = await real.sql<{ at: string }>(
    node,
    "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint::text AS at",
  );
  return Number(row?.at);
}

/**
 * Write one message so that the next record begins at `target`, a multiple of 8. A message is 24 bytes of record
 * header, 2 of data header (5 for 256 bytes of data or more), 24 of its own, an empty prefix with its NUL, and
 * its text: https://www.postgresql.org/docs/17/functions-admin.html#FUNCTIONS-REPLICATION
 * @returns whether it did; something else may have written meanwhile
 */
export async function fillTo(real: Real, node: string, target: number): Promise<boolean> {
  const room = recordBytesBefore(target) - recordBytesBefore(await insertPosition(real, node));
  const length = room <= 280 ? room - 51 : room - 54;
  if (length < 0) return false;
  await real.sql(node, "SELECT pg_logical_emit_message(false, '', repeat('x', $1))", [length]);
  return (await insertPosition(real, node)) === target;
}
