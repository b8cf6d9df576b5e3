import type { TableRange, TableSize } from '../../contracts/migration.js';

/** Of one range, in the units in which a table is measured (PostgreSQL: 32 MiB): what a crash costs. */
const leastPages = 4096;
/** With more data the ranges grow, not their number: each is an entry in the history of the run. */
const mostRanges = 4096;
/** Of one activity: what is told at once. */
const batchRanges = 16;
const batchTables = 100;

const rangePages = (tables: readonly TableSize[]): number =>
  Math.max(leastPages, Math.ceil(tables.reduce((sum, t) => sum + t.pages, 0) / mostRanges));

/** Tables in parts, the last of each open-ended: what is there beyond its size at the cut is invisible or counts. */
export const rangesOf = (tables: readonly TableSize[], pages = rangePages(tables)): TableRange[] =>
  [...tables]
    .sort((a, b) => b.pages - a.pages || (a.table < b.table ? -1 : 1))
    .flatMap(({ table, pages: size }) => {
      const starts = Array.from({ length: Math.max(1, Math.ceil(size / pages)) }, (_, i) => i * pages);
      return starts.map((from, i) =>
        i === starts.length - 1 ? { table, from } : { table, from, below: from + pages },
      );
    });

/** Ranges as one activity after the other takes them: many small tables are one call, a large one is several. */
export function batchesOf(ranges: readonly TableRange[]): TableRange[][] {
  const batches: TableRange[][] = [];
  let batch: TableRange[] = [];
  let whole = 0;
  for (const range of ranges) {
    // The last one of a table is mostly a small table itself.
    const size = range.below === undefined ? 0 : 1;
    if (batch.length > 0 && (whole + size > batchRanges || batch.length >= batchTables)) {
      batches.push(batch);
      [batch, whole] = [[], 0];
    }
    batch.push(range);
    whole += size;
  }
  return batch.length > 0 ? [...batches, batch] : batches;
}
