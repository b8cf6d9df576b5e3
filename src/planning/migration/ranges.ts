import type { TableRange, TableSize } from '../../contracts/migration.js';

/** Of one range, in the units in which a table is measured (PostgreSQL: 32 MiB): what a crash costs. */
const leastPages = 4096;
/** Where that keeps too few lanes busy they are halved, down to this (PostgreSQL: 4 MiB). */
const fewestPages = 512;
/** So many ranges for each lane, or one of them works on alone at the end. */
const rangesOfLane = 4;
/** With more data the ranges grow, not their number: each is an entry in the history of the run. */
const mostRanges = 4096;
/** Of one activity: what is told at once. */
const batchRanges = 16;
const batchTables = 100;
/** An activity takes as long to begin as a few MiB to copy. */
const leastOfBatch = 4096;
/** However small a table is, its statement takes as long as that many pages. */
const leastOfTable = 64;

function rangePages(tables: readonly TableSize[], lanes: number): number {
  const all = tables.reduce((sum, t) => sum + t.pages, 0);
  let pages = leastPages;
  while (lanes > 1 && pages > fewestPages && all / pages < rangesOfLane * lanes) pages /= 2;
  return Math.max(pages, Math.ceil(all / mostRanges));
}

/**
 * Tables in parts, the last of each open-ended: what is there beyond its size at the cut is invisible or counts.
 * @param lanes how many are worked on at once
 */
export function rangesOf(tables: readonly TableSize[], lanes = 1): TableRange[] {
  const pages = rangePages(tables, lanes);
  return [...tables]
    .sort((a, b) => b.pages - a.pages || (a.table < b.table ? -1 : 1))
    .flatMap(({ table, pages: size }) => {
      const starts = Array.from({ length: Math.max(1, Math.ceil(size / pages)) }, (_, i) => i * pages);
      return starts.map((from, i) =>
        i === starts.length - 1 ? { table, from } : { table, from, below: from + pages },
      );
    });
}

/** What each range is expected to take, as pages. */
export const weigh = (ranges: readonly TableRange[], tables: readonly TableSize[]): number[] =>
  pagesOf(ranges, tables).map((pages) => Math.max(leastOfTable, pages));

/** What of the bytes of their tables lies in these ranges; all ranges of a table have all of them together. */
export function bytesOf(ranges: readonly TableRange[], tables: readonly TableSize[]): number {
  const sizes = new Map(tables.map((t) => [t.table, t]));
  return pagesOf(ranges, tables).reduce((sum, pages, i) => {
    const { from, table } = ranges[i] ?? { from: 0, table: '' };
    const { pages: all, bytes } = sizes.get(table) ?? { pages: 0, bytes: 0 };
    // Rounded at the bounds and not in between, so that nothing is missing from the sum.
    if (all === 0) return sum + bytes;
    return sum + Math.round((bytes * (from + pages)) / all) - Math.round((bytes * from) / all);
  }, 0);
}

function pagesOf(ranges: readonly TableRange[], tables: readonly TableSize[]): number[] {
  const sizes = new Map(tables.map((t) => [t.table, t.pages]));
  return ranges.map(({ table, from, below }) => Math.max(0, (below ?? sizes.get(table) ?? 0) - from));
}

/**
 * Ranges as one activity after the other takes them: many small tables are one call, a large one is several. The less
 * is left, the smaller they are, so that the lanes end at about the same time.
 * @param tables whose ranges they are
 */
export function batchesOf(
  ranges: readonly TableRange[],
  tables: readonly TableSize[] = [],
  lanes = 1,
): TableRange[][] {
  const weights = weigh(ranges, tables);
  let left = weights.reduce((sum, w) => sum + w, 0);
  const least = Math.min(leastOfBatch, Math.max(fewestPages, left / (rangesOfLane * lanes)));
  const batches: TableRange[][] = [];
  let batch: TableRange[] = [];
  let [weight, most, whole] = [0, 0, 0];
  for (const [i, range] of ranges.entries()) {
    const own = weights[i] ?? 0;
    const full = whole >= batchRanges || batch.length >= batchTables || weight + own > most;
    if (batch.length > 0 && full) {
      batches.push(batch);
      [batch, weight, whole] = [[], 0, 0];
    }
    if (batch.length === 0) most = lanes > 1 ? Math.max(least, left / (1.5 * lanes)) : Infinity;
    batch.push(range);
    weight += own;
    left -= own;
    // The last one of a table is mostly a small table itself.
    if (range.below !== undefined) whole++;
  }
  return batch.length > 0 ? [...batches, batch] : batches;
}
