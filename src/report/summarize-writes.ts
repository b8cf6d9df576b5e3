import { documentOf } from '../contracts/index.js';
import type { Gap, HandoverRecord, RunState, WriteLedger } from '../contracts/index.js';
import { during, overlapMs } from './during.js';
import type { Summary } from './summary-schema.js';

/** Whether there are figures on writes, and if not, why. */
export function measurementOf(state: RunState): Summary['measurement'] {
  const { writes, spec, run } = state;
  if (writes) return 'measured';
  if (!documentOf(spec).probe.enabled || neverProbed(state)) return 'off';
  return run.outcome === 'running' ? 'pending' : 'missing';
}

/** A formation has a probe from `prepare` on, to which it comes only when members are to change. */
function neverProbed({ spec, steps, timeline, plan, direction, run }: RunState): boolean {
  if (!spec.formation) return false;
  const begun = steps.some((s) => s.id === 'prepare') || timeline.some((e) => e.kind === 'probe');
  if (begun || run.outcome !== 'running') return !begun;
  return direction === 'back' || plan?.steps.every((s) => s.action.kind !== 'prepare') === true;
}

export function writesOf(
  writes: WriteLedger,
  { steps }: RunState,
  asOf: string,
): NonNullable<Summary['writes']> {
  const when = (gap: Gap | undefined): string | null => (gap ? during(gap, steps, asOf) : null);
  const write = longest(writes.writeGaps);
  const read = longest(writes.readGaps);
  return {
    acknowledged: writes.acknowledged,
    lost: writes.lost,
    unknown: writes.unknown,
    resurrected: writes.resurrected,
    lostKeys: [...writes.lostKeys],
    lostBetween: writes.lostBetween && { ...writes.lostBetween },
    longestGapMs: write?.ms ?? null,
    longestGapDuring: when(write),
    longestReadGapMs: read?.ms ?? null,
    longestReadGapDuring: when(read),
    longestWaitMs: writes.longestWait?.ms ?? null,
    longestWaitDuring: when(writes.longestWait),
    gaps: writes.writeGaps.map((gap) => ({ ...gap, during: during(gap, steps, asOf) })),
    unobserved: (writes.unobserved ?? []).map((gap) => ({ ...gap, during: during(gap, steps, asOf) })),
    reads: writes.reads,
    writers: writes.writers,
    linearizability: writes.linearizability && {
      verdict: writes.linearizability.verdict,
      operations: writes.linearizability.operations,
      registers: writes.linearizability.registers,
      reason: writes.linearizability.reason,
    },
    startedAt: writes.startedAt,
    endedAt: writes.endedAt,
  };
}

const longest = (gaps: readonly Gap[]): Gap | undefined =>
  gaps.reduce<Gap | undefined>((best, gap) => (best && best.ms >= gap.ms ? best : gap), undefined);

/**
 * The longest write gap that overlaps a handover, or a move of the writes to the other side. The ledger keeps its longest gaps only: when none of them
 * overlaps, the seconds of the probe's record say how long the pauses were that ended in that time.
 */
export function gapDuring(
  pause: Pick<HandoverRecord, 'startedAt' | 'endedAt'>,
  writes: WriteLedger,
  asOf: string,
): number | undefined {
  const span = { from: pause.startedAt, to: pause.endedAt ?? asOf };
  // What nobody watched has no figure, however short the pauses were that somebody saw.
  if (writes.unobserved?.some((g) => overlapMs(g, span) > 0) === true) return undefined;
  const gap = longest(writes.writeGaps.filter((g) => overlapMs(g, span) > 0));
  if (gap) return gap.ms;
  const ended = writes.buckets.filter((bucket, i) => {
    const next = writes.buckets[i + 1]?.at ?? writes.endedAt;
    return overlapMs({ from: bucket.at, to: next }, span) > 0;
  });
  return ended.length === 0 ? undefined : Math.max(...ended.map((b) => b.longestGapMs));
}
