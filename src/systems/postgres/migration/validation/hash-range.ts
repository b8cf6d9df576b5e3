import type { MigrationFacet, RangeHash, TableRange } from '../../../../contracts/index.js';
import type { Sessions } from '../../connection.js';
import { onlyPrimary } from '../../primary.js';
import { columnsOf, rowHash } from './row-hash.js';
import { readSnapshot } from './snapshot-read.js';
import { isReadable } from './table-state.js';

const nothingKnown: RangeHash = { rows: 0, sum: '0', void: true };

/**
 * Rows of one range and the sum of their hashes, at a cut, in a transaction as short as the range: the user's TRUNCATE
 * waits for it. A sum and not an exclusive or, in which two equal rows would be none.
 */
export function createHashRange({ sessions }: { sessions: Sessions }): MigrationFacet['hashRange'] {
  return async (pair, cut, side, range, ctx) => {
    const cluster = pair[side];
    const node = await onlyPrimary(sessions, cluster);
    const snapshot = cut.snapshots[side].id;
    return readSnapshot({ sessions, cluster, node, snapshot }, ctx, async (client) => {
      if (!(await isReadable(client, range.table))) return nothingKnown;
      const columns = await columnsOf(client, range.table);
      const { rows } = await client.query<{ rows: string; sum: string }>(
        `SELECT count(*)::text AS rows, coalesce(sum(${rowHash(columns)}), 0)::text AS sum
           FROM ONLY ${range.table} AS t${condition(range)}`,
      );
      return { rows: Number(rows[0]?.rows), sum: rows[0]?.sum ?? '' };
    });
  };
}

/**
 * By the place of a row, which needs no key; the server reads no page outside of it (TID range scan, since 14).
 * Without a bound the whole table is read, which the server may do in parallel.
 */
function condition({ from, below }: TableRange): string {
  const bounds = [
    ...(from > 0 ? [`t.ctid >= '(${from},0)'`] : []),
    ...(below === undefined ? [] : [`t.ctid < '(${below},0)'`]),
  ];
  return bounds.length === 0 ? '' : ` WHERE ${bounds.join(' AND ')}`;
}
