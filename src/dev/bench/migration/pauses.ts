import { setTimeout as delay } from 'node:timers/promises';
import type { RunState } from '../../../contracts/index.js';
import { acknowledgedAt, longestGap } from './acknowledged.js';
import { startRun } from './run.js';
import type { BenchPair, BenchStage } from './stage.js';

export const writers = 8;
export const intervalMs = 5;

/** What writers have seen, ms each. */
export interface Pauses {
  /** As the cut itself tells it: from the locks until writers may go on. */
  readonly cuts: readonly number[];
  /** The longest time without an acknowledged write of any writer, while the cut was made. */
  readonly gapsAtCuts: readonly number[];
  readonly cutovers: readonly number[];
  readonly cutBacks: readonly number[];
  /** As the run itself tells it, of both: until the other side was open, without the writers' way there. */
  readonly told: readonly number[];
  readonly acknowledged: number;
}

/** One run under writers: cuts, then the writes to B and back again, so many times. */
export async function measurePauses(
  stage: BenchStage,
  pair: BenchPair,
  { cuts, switches }: { readonly cuts: number; readonly switches: number },
): Promise<Pauses> {
  const { client, artifacts, signal, say } = stage;
  const run = await startRun(stage, pair, { probe: { writers, interval: `${intervalMs}ms` } });
  await run.untilWaiting();
  const made: { from: number; to: number; pauseMs: number }[] = [];
  for (let i = 0; i < cuts; i++) {
    const from = Date.now();
    const { startedAt, writePauseMs, mismatches } = await client.validate(pair.cluster.name);
    if (mismatches > 0) throw new Error(`${mismatches} rows differ at a cut under write load`);
    made.push({ from, to: Date.parse(startedAt), pauseMs: writePauseMs });
  }
  if (cuts > 0) say(`${cuts} cuts: ${made.map((cut) => cut.pauseMs.toFixed(1)).join(' ')} ms`);
  for (let i = 1; i <= switches; i++) {
    await run.cutOver();
    await delay(1000, undefined, { signal });
    await run.cutBack();
    await delay(500, undefined, { signal });
    say(`cutover and cut-back ${i} of ${switches}`);
  }
  const state = await run.discard();
  const { writes } = state;
  if (writes?.lost !== 0) throw new Error(`writes were lost, or not counted: ${JSON.stringify(writes)}`);
  const times = await acknowledgedAt(artifacts, run.handle.runId, writers);
  const gaps = (direction: 'forward' | 'back'): number[] => gapsOf(state, direction, times);
  return {
    cuts: made.map((cut) => cut.pauseMs),
    gapsAtCuts: made.map(({ from, to }) => longestGap(times, from, to)),
    ...{ cutovers: gaps('forward'), cutBacks: gaps('back') },
    told: (state.migration?.switches ?? []).flatMap((s) =>
      s.writeGapMs === undefined ? [] : [s.writeGapMs],
    ),
    acknowledged: times.length,
  };
}

/** A writer that finds its new side late is in it as well. */
const afterOpeningMs = 500;

function gapsOf(state: RunState, direction: 'forward' | 'back', times: readonly number[]): number[] {
  const moved = state.migration?.switches.filter((s) => s.direction === direction && s.result === 'done');
  return (moved ?? []).map(({ startedAt, openedAt }) =>
    longestGap(times, Date.parse(startedAt), Date.parse(openedAt ?? startedAt) + afterOpeningMs),
  );
}
