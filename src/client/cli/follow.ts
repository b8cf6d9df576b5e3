import { setTimeout as delay } from 'node:timers/promises';
import { isOver, RollgateError, type RunState } from '../../contracts/index.js';
import type { RunHandle } from '../run-handle.js';
import { untilInterrupted } from './interrupted.js';

export interface FollowOptions {
  readonly handle: RunHandle;
  readonly signal: AbortSignal;
  /** Milliseconds; default: as long as the run lasts. */
  readonly timeoutMs?: number;
  readonly exitOnApproval?: boolean;
  readonly pollMs: number;
  onState(state: RunState): void;
  /** Nobody answered; told once until somebody answers again. */
  onSilence(error: RollgateError): void;
}

/**
 * Look at a run again and again until it is over (or waits for approval, with `exitOnApproval`). A worker or a
 * Temporal server that is away for a while is waited for.
 *
 * @throws Interrupted; RollgateError `WAIT_TIMED_OUT`
 */
export async function follow(options: FollowOptions): Promise<RunState> {
  const { handle, signal, timeoutMs } = options;
  const goesOn = `The run goes on by itself: rollgate watch ${handle.cluster}`;
  const deadline = timeoutMs === undefined ? Infinity : performance.now() + timeoutMs;
  let silent = false;
  for (;;) {
    const left = deadline - performance.now();
    if (left <= 0) throw timedOut(handle, timeoutMs ?? 0, goesOn);
    const looked = await untilInterrupted(look(handle, left), signal, goesOn);
    if (looked instanceof RollgateError) {
      if (!silent) options.onSilence(looked);
      silent = true;
    } else if (looked) {
      silent = false;
      options.onState(looked);
      const ends = options.exitOnApproval === true && looked.waiting !== undefined;
      if (ends || isOver(looked)) return looked;
    }
    await untilInterrupted(
      delay(Math.min(options.pollMs, Math.max(0, deadline - performance.now()))),
      signal,
      goesOn,
    );
  }
}

/** The state; an error that time may heal; or nothing when the time to wait is over. */
async function look(handle: RunHandle, leftMs: number): Promise<RunState | RollgateError | undefined> {
  const over = new AbortController();
  try {
    const asked = handle.status();
    if (leftMs === Infinity) return await asked;
    return await Promise.race([asked, delay(leftMs, undefined, { signal: over.signal })]);
  } catch (error) {
    if (error instanceof RollgateError && error.retryable) return error;
    throw error;
  } finally {
    over.abort();
  }
}

const timedOut = (handle: RunHandle, timeoutMs: number, goesOn: string): RollgateError =>
  new RollgateError(
    'WAIT_TIMED_OUT',
    `${handle.workflowId} has not ended within ${timeoutMs / 1000} s`,
    goesOn,
  );
