import type { ClientBase } from 'pg';
import {
  RollgateError,
  type Cut,
  type EffectContext,
  type MigrationFacet,
  type Mismatch,
  type Pair,
  type Side,
} from '../../../../contracts/index.js';
import type { Sessions } from '../../connection.js';
import { onlyPrimary } from '../../primary.js';
import { keyOf, pairRows, type TableReader } from './paired-rows.js';
import { bucketsOf, differing, rowsOf, surplus, type Bucket } from './row-buckets.js';
import { columnsOf, type TableColumn } from './row-hash.js';
import { readSnapshot } from './snapshot-read.js';
import { isReadable } from './table-state.js';

/** How many rows of one side are taken into memory at once, unless one bucket has more. */
const rowsAtOnce = 200_000;

/**
 * The rows that differ: both sides are hashed into buckets by their key, the rows of buckets that differ are compared by
 * their hash, and what is left over on either side is paired by its key, in the whole table and not in its bucket alone.
 */
export function createLocate({ sessions }: { sessions: Sessions }): MigrationFacet['locate'] {
  return async (pair, cut, table, { limit }, ctx) => {
    const readers = {
      source: await readerOf(sessions, { pair, cut, table, side: 'source' }, ctx),
      destination: await readerOf(sessions, { pair, cut, table, side: 'destination' }, ctx),
    };
    const onBoth = async <T>(
      read: (client: ClientBase, columns: readonly TableColumn[]) => Promise<T>,
    ): Promise<Record<Side, T>> => {
      const [source, destination] = await Promise.all([
        readers.source.read(read),
        readers.destination.read(read),
      ]);
      return { source, destination };
    };

    const key = await readers.source.read((client) => keyOf(client, table));
    const by = keyedBy(key, await onBoth((_, columns) => Promise.resolve(columns)));
    const buckets = await onBoth((client, columns) => bucketsOf(client, table, columns, by(columns)));
    const differ = differing(buckets.source, buckets.destination);
    const found: Mismatch[] = [];
    const seen: Record<Side, Set<string>> = { source: new Set(), destination: new Set() };
    const step = bucketsAtOnce(buckets, limit);
    for (let at = 0; at < differ.length && found.length < limit; at += step) {
      const batch = differ.slice(at, at + step);
      const rows = await onBoth((client, columns) => rowsOf(client, table, columns, by(columns), batch));
      const left = {
        source: surplus(rows.source, rows.destination),
        destination: surplus(rows.destination, rows.source),
      };
      found.push(...(await pairRows(readers, { table, key }, left, { limit: limit - found.length, seen })));
    }
    return found;
  };
}

/** By which columns rows are in buckets: those of the key, or all of them where not both sides have it. */
function keyedBy(
  key: readonly string[],
  columns: Record<Side, readonly TableColumn[]>,
): (columns: readonly TableColumn[]) => readonly TableColumn[] {
  const has = (side: Side): boolean => key.every((name) => columns[side].some((c) => c.name === name));
  if (key.length === 0 || !has('source') || !has('destination')) return (all) => all;
  return (all) => all.filter((column) => key.includes(column.name));
}

/** No more than can be shown: a row that differs is in two of them, one by each of its hashes. */
function bucketsAtOnce(buckets: Record<Side, ReadonlyMap<number, Bucket>>, limit: number): number {
  const rows = Math.max(
    1,
    ...[...buckets.source.values(), ...buckets.destination.values()].map((b) => b.rows),
  );
  return Math.max(1, Math.min(2 * limit, Math.floor(rowsAtOnce / rows)));
}

async function readerOf(
  sessions: Sessions,
  { pair, cut, table, side }: { pair: Pair; cut: Cut; table: string; side: Side },
  ctx: EffectContext,
): Promise<TableReader> {
  const cluster = pair[side];
  const node = await onlyPrimary(sessions, cluster);
  return {
    read: (body) =>
      readSnapshot({ sessions, cluster, node, snapshot: cut.snapshots[side].id }, ctx, async (client) => {
        if (await isReadable(client, table)) return body(client, await columnsOf(client, table));
        throw new RollgateError(
          'CUT_LOST',
          `${table} was emptied, rewritten or made on ${node} since the cut ${cut.name}, so that it cannot be read there`,
          'Make a new cut and compare the table there.',
        );
      }),
  };
}
