import type { ProbeBucket } from '../../contracts/ledger.js';
import type { RunState } from '../../contracts/run.js';

const most = { events: 300, samples: 300, seconds: 300 };

/**
 * A stage that has ended, for the stages after it: all that its report tells and its undoing needs, with a record
 * thin enough that many of them fit into one state.
 */
export function asChapter(state: RunState): RunState {
  const { writes } = state;
  return {
    ...state,
    pipeline: undefined,
    chapters: undefined,
    timeline: thinned(state.timeline, most.events),
    samples: thinned(state.samples, most.samples, (s) => s.at),
    ...(writes && { writes: { ...writes, buckets: merged(writes.buckets) } }),
  };
}

/** Its beginning and its end, and every nth in between; what has the same name stays together. */
function thinned<T>(list: readonly T[], limit: number, nameOf = (_: T, i: number): string => String(i)): T[] {
  if (list.length <= limit) return [...list];
  const names = [...new Set(list.map(nameOf))];
  const kept = Math.max(2, Math.floor((limit * names.length) / list.length));
  const wanted = new Set(
    Array.from({ length: kept }, (_, i) => names[Math.round((i * (names.length - 1)) / (kept - 1))]),
  );
  return list.filter((item, i) => wanted.has(nameOf(item, i)));
}

/** Neighbours as one, so that no second without a write is left out. */
function merged(buckets: readonly ProbeBucket[]): readonly ProbeBucket[] {
  if (buckets.length <= most.seconds) return buckets;
  return merged(
    buckets.flatMap((first, i) => {
      if (i % 2 === 1) return [];
      const second = buckets[i + 1];
      if (!second) return [first];
      return [
        {
          at: first.at,
          acknowledged: first.acknowledged + second.acknowledged,
          failed: first.failed + second.failed,
          longestGapMs: Math.max(first.longestGapMs, second.longestGapMs),
        },
      ];
    }),
  );
}
