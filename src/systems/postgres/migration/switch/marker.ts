import { randomUUID } from 'node:crypto';
import type { ClientBase } from 'pg';
import type { EffectContext, Position } from '../../../../contracts/index.js';
import { parseLsn } from '../../lsn.js';
import { waitUntil } from '../../../wait.js';
import { markerTable } from '../names.js';

/** Each is of its own: one that has been seen before would prove nothing. */
export const newMarker = (word: string): string => `${word}/${randomUUID()}`;

/** Write it after everything that was committed before. @returns a position behind it */
export async function writeMarker(client: ClientBase, name: string): Promise<Position> {
  // Flushed, and with it all commits before that did not wait for a flush.
  await client.query(
    `BEGIN; SET LOCAL synchronous_commit = local;
     INSERT INTO ${markerTable} (name) VALUES (${client.escapeLiteral(name)}); COMMIT`,
  );
  const { rows } = await client.query<{ at: string }>('SELECT pg_current_wal_lsn()::text AS at');
  return parseLsn(rows[0]?.at ?? '');
}

/** Whether the other side has applied it, and so everything before it, within the time. */
export function seesMarker(
  client: ClientBase,
  name: string,
  timeoutMs: number,
  ctx: EffectContext,
): Promise<boolean> {
  return waitUntil(
    async () => (await client.query(`SELECT FROM ${markerTable} WHERE name = $1`, [name])).rowCount === 1,
    { timeoutMs, pollMs: 1 },
    ctx,
  );
}
