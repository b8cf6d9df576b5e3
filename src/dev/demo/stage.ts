import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createRollgateClient, type RollgateClient, type RunHandle } from '../../client/index.js';
import { isOver, RollgateError, type Outcome, type Plan, type RunState } from '../../contracts/index.js';
import { describePlan } from '../../planning/describe.js';
import { writeArtifacts } from '../../report/write-artifacts.js';
import { connectTemporal } from '../../worker/connection.js';
import { faultFiles, firedFaults, type PlannedFault } from '../faults.js';
import { startTemporal, type TemporalServer } from '../temporal.js';
import { superviseWorker } from '../worker-process.js';
import { describeFault, printEnd, say, tellProgress } from './print.js';

/** What a run is to come to, and what the demo does where an operator would decide. */
export interface Wanted {
  readonly expected: Outcome;
  readonly kills: number;
  /** Instead of the approval that waits; false: it is given. */
  readonly instead?: (handle: RunHandle, state: RunState) => Promise<boolean>;
}

/** What every demo stands on: a Temporal server with its UI, and a worker that can be killed. */
export interface DemoStage {
  readonly temporal: TemporalServer;
  readonly client: RollgateClient;
  /** Below it everything of the demo is kept; removed at its end. */
  readonly work: string;
  /** Where summaries and reports go. */
  readonly artifacts: string;
  /** Take back at the end, last first. */
  later(step: () => Promise<void>): void;
  /** Kill the worker at these points of the runs to come. */
  plan(kills: readonly PlannedFault[], env?: Readonly<Record<string, string>>): void;
  /** Ask for a plan, waiting for the worker that has just been started, and show it. */
  show(plan: () => Promise<Plan>): Promise<Plan>;
  /** Follow a run to its end, approving what waits, and show what it has come to. */
  follow(handle: RunHandle, wanted: Wanted): Promise<boolean>;
}

export interface DemoOptions {
  /** Leave everything running until this is aborted. */
  readonly keep: boolean;
  readonly interrupt: AbortSignal;
}

/** Set the stage, let the demo play, clear it away. @returns the exit code */
export async function onStage(
  play: (stage: DemoStage) => Promise<boolean>,
  { keep, interrupt }: DemoOptions,
): Promise<number> {
  const artifacts = resolve('artifacts');
  const work = mkdtempSync(join(tmpdir(), 'rollgate-demo-'));
  chmodSync(work, 0o755);
  const faults = join(work, 'faults');
  mkdirSync(faults);
  mkdirSync(artifacts, { recursive: true });
  const cleanUp: (() => Promise<void>)[] = [];
  let code = 1;
  try {
    say('Temporal');
    const temporal = await startTemporal({
      ui: true,
      outlive: true,
      onProgress: (line) => console.log(`  ${line}`),
    });
    cleanUp.push(() => temporal.stop());
    process.env.TEMPORAL_ADDRESS = temporal.address;
    process.env.TEMPORAL_NAMESPACE = temporal.namespace;
    console.log(
      `  server ${temporal.address}${temporal.uiUrl === undefined ? '' : `, UI ${temporal.uiUrl}`}`,
    );
    const { connection, namespace } = await connectTemporal();
    cleanUp.push(() => connection.close());
    const client = createRollgateClient({ connection, namespace });
    let told = 0;

    const good = await play({
      temporal,
      client,
      work,
      artifacts,
      later: (step) => void cleanUp.push(step),
      plan: (kills, env = {}) => {
        writeFileSync(join(faults, faultFiles.planFile), JSON.stringify(kills));
        const worker = superviseWorker({
          log: join(work, 'worker.log'),
          env: {
            ROLLGATE_FAULTS: faults,
            ROLLGATE_TASK_QUEUE: 'rollgate',
            ROLLGATE_ARTIFACTS: artifacts,
            ...env,
          },
          onDeath: (how) => console.log(`  ✗ the worker died (${how}); it is started again`),
        });
        cleanUp.push(() => worker.stop());
      },
      show: async (plan) => {
        say('Plan');
        const made = await planWhenServed(plan);
        console.log(describePlan(made).replace(/^/gm, '  '));
        return made;
      },
      follow: async (handle, wanted) => {
        if (temporal.uiUrl !== undefined) {
          const path = `namespaces/${namespace}/workflows/${encodeURIComponent(`rollgate/${handle.cluster}`)}`;
          console.log(`  watch it: ${temporal.uiUrl}/${path}`);
        }
        const ended = await followToEnd(handle, interrupt, wanted.instead);
        const fired = firedFaults(faults);
        const state = {
          ...ended,
          faults: fired.slice(told).map((f) => ({
            kind: 'worker killed with SIGKILL',
            during: describeFault(f),
            at: f.firedAt,
          })),
        };
        told = fired.length;
        const { directory } = await writeArtifacts(state, artifacts);
        const ok = printEnd(state, wanted);
        console.log(`\n${join(directory, 'summary.json')}`);
        return ok;
      },
    });
    code = good ? 0 : 1;
    while (keep && good && !interrupt.aborted) await delay(200);
    return code;
  } catch (error) {
    if (!(error instanceof RollgateError)) throw error;
    console.error(`error ${error.code}: ${error.message}\n  remedy: ${error.remedy}`);
    return error.exitCode;
  } finally {
    for (const step of cleanUp.reverse()) await step();
    rmSync(work, { recursive: true, force: true });
  }
}

/** The worker has just been started: no worker yet is no failure here. */
async function planWhenServed<T>(plan: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await plan();
    } catch (error) {
      if (!(error instanceof RollgateError) || error.code !== 'NO_WORKER' || tries >= 30) throw error;
      await delay(500);
    }
  }
}

async function followToEnd(
  handle: RunHandle,
  interrupt: AbortSignal,
  instead: Wanted['instead'],
): Promise<RunState> {
  let told = 0;
  let asked: string | undefined;
  for (;;) {
    if (interrupt.aborted) throw new RollgateError('WAIT_TIMED_OUT', 'interrupted', 'Start the demo again.');
    const state = await statusOrNothing(handle);
    if (state) {
      told = tellProgress(state, told);
      if (isOver(state)) return handle.result();
      if (state.waiting && state.waiting.step !== asked) {
        asked = state.waiting.step;
        if ((await instead?.(handle, state)) !== true) await approve(handle, state);
      }
    }
    await delay(200);
  }
}

/** What an operator would do after reading the plan; shown, because it is the point at which a person decides. */
async function approve(handle: RunHandle, { waiting, plan }: RunState): Promise<void> {
  if (!waiting || !plan) return;
  const { step } = waiting;
  console.log(
    `  → the demo approves: rollgate approve ${handle.cluster} --step ${step} --plan-hash ${plan.hash}`,
  );
  await handle.approve({ by: 'the demo', reason: 'the plan was read', step, planHash: plan.hash });
}

/** While the worker is dead nobody answers the query; that is part of the show. */
async function statusOrNothing(handle: RunHandle): Promise<RunState | undefined> {
  try {
    return await handle.status();
  } catch (error) {
    if (error instanceof RollgateError && error.retryable) return undefined;
    throw error;
  }
}
