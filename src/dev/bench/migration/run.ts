import { setTimeout as delay } from 'node:timers/promises';
import type { RunHandle } from '../../../client/index.js';
import { RollgateError, type RunState } from '../../../contracts/index.js';
import { StorageMigrationSpec } from '../../../contracts/spec.js';
import type { BenchPair, BenchStage } from './stage.js';

const by = 'the bench';

/** One real run of a migration, with what an operator does in it. */
export interface BenchRun {
  readonly handle: RunHandle;
  /** Wait until the state is so. @throws Error when the run is blocked or over instead */
  until(what: string, holds: (state: RunState) => boolean): Promise<RunState>;
  /** Wait until a step waits for its approval, and leave it so. */
  untilWaiting(): Promise<RunState>;
  /** Approve whatever waits until B takes the writes. */
  cutOver(): Promise<void>;
  /** Go back until A takes the writes, and the next cutover could begin. */
  cutBack(): Promise<void>;
  /** End it from before a cutover, so that both sides are as they were. */
  discard(): Promise<RunState>;
}

export async function startRun(
  { client, signal, begun }: BenchStage,
  { cluster, destination }: BenchPair,
  fields: Record<string, unknown>,
): Promise<BenchRun> {
  const migration = StorageMigrationSpec.parse({
    ...{ name: 'bench', source: cluster.name, destination: destination.name, onFailure: 'wait' },
    ...{ observe: { for: '24h' } },
    ...fields,
  });
  const handle = await firstServed(() => client.startMigration({ cluster, destination, migration }), signal);
  begun(handle.runId);

  const until: BenchRun['until'] = async (what, holds) => {
    for (;;) {
      const state = await status(handle);
      if (state && holds(state)) return state;
      if (state && (state.phase === 'blocked' || state.run.outcome !== 'running')) {
        const { failure } = state;
        throw new Error(`never: ${what}; ${failure?.code ?? state.run.outcome}: ${failure?.message ?? ''}`);
      }
      await delay(100, undefined, { signal });
    }
  };
  const approve = async ({ waiting, plan }: RunState): Promise<void> => {
    if (waiting && plan) await handle.approve({ by, step: waiting.step, planHash: plan.hash });
  };
  const untilWaiting = () =>
    until('the cutover waits', (s) => s.waiting?.step.startsWith('cutover') === true);
  return {
    ...{ handle, until, untilWaiting },
    async cutOver() {
      for (let state = await untilWaiting(); state.migration?.phase !== 'observing';) {
        await approve(state);
        const { waiting } = state;
        state = await until(
          'B takes the writes',
          (s) =>
            s.migration?.phase === 'observing' ||
            (s.waiting !== undefined && s.waiting.since !== waiting?.since),
        );
      }
    },
    async cutBack() {
      await handle.rollback({ by });
      await until(
        'A takes the writes',
        (s) => s.migration?.authority === 'source' && s.waiting?.step.startsWith('cutover') === true,
      );
    },
    async discard() {
      await handle.rollback({ by });
      const state = await handle.wait({ signal });
      if (state.run.outcome !== 'rolled-back' || state.leftUndone.length > 0) {
        throw new Error(`the run is ${state.run.outcome}: ${state.failure?.message ?? 'something is left'}`);
      }
      return state;
    },
  };
}

/** The worker has just been started: no worker yet is no failure here. */
async function firstServed<T>(start: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof RollgateError) || error.code !== 'NO_WORKER' || tries >= 60) throw error;
      await delay(500, undefined, { signal });
    }
  }
}

/** A worker that is busy answers later. */
async function status(handle: RunHandle): Promise<RunState | undefined> {
  try {
    return await handle.status();
  } catch (error) {
    if (error instanceof RollgateError && error.retryable) return undefined;
    throw error;
  }
}
