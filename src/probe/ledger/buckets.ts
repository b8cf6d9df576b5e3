import type { ProbeBucket } from '../../contracts/index.js';
import type { Span } from './pauses.js';

const most = 1000;

interface Counts {
  acknowledged: number;
  failed: number;
  longestGapMs: number;
}

/** The record by seconds. When a run has more than a thousand, neighbours are merged, again and again. */
export function createBuckets() {
  let width = 1000;
  let buckets = new Map<number, Counts>();

  const widen = (): void => {
    width *= 2;
    const former = buckets;
    buckets = new Map();
    for (const [index, counts] of former) {
      const merged = at(Math.floor(index / 2));
      merged.acknowledged += counts.acknowledged;
      merged.failed += counts.failed;
      merged.longestGapMs = Math.max(merged.longestGapMs, counts.longestGapMs);
    }
  };
  const at = (index: number): Counts => {
    const counts = buckets.get(index) ?? { acknowledged: 0, failed: 0, longestGapMs: 0 };
    buckets.set(index, counts);
    return counts;
  };
  const bucket = (time: number): Counts => {
    const found = buckets.get(Math.floor(time / width));
    if (found) return found;
    while (buckets.size >= most) widen();
    return at(Math.floor(time / width));
  };

  return {
    acknowledged(time: number): void {
      bucket(time).acknowledged += 1;
    },
    failed(time: number): void {
      bucket(time).failed += 1;
    },
    paused(time: number, ms: number): void {
      const counts = bucket(time);
      counts.longestGapMs = Math.max(counts.longestGapMs, Math.round(ms));
    },
    /** The probe was alive in all of it: seconds in which nothing was answered are seconds with zeros. */
    observed(span: Span): void {
      for (let time = span.from; time < span.to; time += width) bucket(time);
      bucket(span.to);
    },
    list: (): ProbeBucket[] =>
      [...buckets]
        .sort(([a], [b]) => a - b)
        .map(([index, counts]) => ({ at: new Date(index * width).toISOString(), ...counts })),
  };
}
