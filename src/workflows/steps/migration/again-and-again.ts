import { isCancellation, sleep } from '@temporalio/workflow';
import type { GateName, GateVerdict } from '../../../contracts/gate.js';
import { now, recordVerdicts, type Run } from '../../run.js';
import { failureOf } from '../../saga.js';

/**
 * Look again and again until it is cancelled, and show what was seen. What a look that fails was about is unknown then:
 * what was seen before does not stand for it.
 *
 * @param leastPauseMs at first; later a fiftieth part of the time, so that the history does not grow with it
 */
export async function againAndAgain(
  run: Run,
  leastPauseMs: number,
  gates: readonly GateName[],
  look: () => Promise<readonly GateVerdict[]>,
): Promise<void> {
  const began = Date.parse(now());
  try {
    for (;;) {
      recordVerdicts(run, await seen(gates, look));
      await sleep(Math.max(leastPauseMs, (Date.parse(now()) - began) / 50));
    }
  } catch (error) {
    if (!isCancellation(error)) throw error;
  }
}

async function seen(
  gates: readonly GateName[],
  look: () => Promise<readonly GateVerdict[]>,
): Promise<readonly GateVerdict[]> {
  try {
    return await look();
  } catch (error) {
    if (isCancellation(error)) throw error;
    const { message } = failureOf(error);
    return gates.map((name) => ({
      ...{ name, verdict: 'unknown' as const, observed: message, at: now() },
      required: 'an answer of both sides',
    }));
  }
}
