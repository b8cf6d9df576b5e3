import { stat } from 'node:fs/promises';
import { readJournal } from '../../../probe/journal/read.js';
import { probeLayout } from '../../../probe/layout.js';

/** When writes of any client were acknowledged, in order, ms since 1970: from the journals of the probe of a run. */
export async function acknowledgedAt(
  artifacts: string,
  runId: string,
  writers: number,
): Promise<readonly number[]> {
  const layout = probeLayout(artifacts, runId);
  const times: number[] = [];
  for (let writer = 0; writer < writers; writer++) {
    const path = layout.writer(writer);
    for await (const steps of readJournal(path, (await stat(path)).size)) {
      for (const step of steps) if (step.kind === 'acknowledged') times.push(step.at);
    }
  }
  return times.sort((a, b) => a - b);
}

/** The longest time without an acknowledged write of any client, of those times that touch [from, to], ms. */
export function longestGap(times: readonly number[], from: number, to: number): number {
  let longest = 0;
  for (const [i, at] of times.entries()) {
    const before = times[i - 1];
    if (before !== undefined && at >= from && before <= to) longest = Math.max(longest, at - before);
  }
  return longest;
}
