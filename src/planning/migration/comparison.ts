import type { TableHash } from '../../contracts/migration-activities.js';
import type { Cut, Side } from '../../contracts/migration.js';

/** One table, both sides added up. */
export interface TableSums {
  readonly table: string;
  readonly rows: Readonly<Record<Side, number>>;
  readonly equal: boolean;
  /** The other side has no such table. */
  readonly only?: Side;
}

/**
 * Both sides of every table of a cut. A table of which a range was not read, on either side, is in `unread`: it is
 * neither equal nor different. A table that only one side has is different, also without rows.
 */
export function compareSums(
  cut: Cut,
  hashes: readonly TableHash[],
): { readonly tables: readonly TableSums[]; readonly unread: readonly string[] } {
  const names = [
    ...new Set([...cut.snapshots.source.tables, ...cut.snapshots.destination.tables].map((t) => t.table)),
  ].sort();
  const tables: TableSums[] = [];
  const unread: string[] = [];
  for (const table of names) {
    const only = onlyOn(cut, table);
    const source = only === 'destination' ? nothing : sumOf(hashes, table, 'source');
    const destination = only === 'source' ? nothing : sumOf(hashes, table, 'destination');
    if (!source || !destination) {
      unread.push(table);
      continue;
    }
    tables.push({
      table,
      rows: { source: source.rows, destination: destination.rows },
      equal: only === undefined && source.rows === destination.rows && source.sum === destination.sum,
      ...(only === undefined ? {} : { only }),
    });
  }
  return { tables, unread };
}

const nothing = { rows: 0, sum: 0n };

function onlyOn({ snapshots }: Cut, table: string): Side | undefined {
  const has = (side: Side): boolean => snapshots[side].tables.some((t) => t.table === table);
  if (!has('source')) return 'destination';
  return has('destination') ? undefined : 'source';
}

function sumOf(
  hashes: readonly TableHash[],
  table: string,
  side: Side,
): { readonly rows: number; readonly sum: bigint } | undefined {
  const of = hashes.filter((h) => h.table === table && h.side === side);
  if (of.length === 0 || of.some((h) => h.void)) return undefined;
  return {
    rows: of.reduce((n, h) => n + h.rows, 0),
    sum: of.reduce((n, h) => n + BigInt(h.sum), 0n),
  };
}
