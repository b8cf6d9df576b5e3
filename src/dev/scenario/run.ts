import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createRollgateClient, type RollgateClient, type RunHandle } from '../../client/index.js';
import {
  isOver,
  RollgateError,
  type ClusterSpec,
  type NodeId,
  type RunState,
} from '../../contracts/index.js';
import { RollingUpgradeSpec } from '../../contracts/spec.js';
import { readJournal, type JournalLine } from '../../hosts/local/journal.js';
import { layoutOf } from '../../hosts/local/layout.js';
import { connectTemporal } from '../../worker/connection.js';
import { faultFiles, firedFaults, startedCalls, type FiredFault, type PlannedFault } from '../faults.js';
import { createSampleCluster, type SampleClusterOptions } from '../postgres/cluster.js';
import type { SampleCluster } from '../postgres/sample-cluster.js';
import { superviseWorker, type WorkerProcess } from '../worker-process.js';

/** What every sample cluster has. */
export interface Sample {
  readonly directory: string;
  readonly cluster: ClusterSpec;
  destroy(): Promise<void>;
}

export interface ScenarioContext<S extends Sample = SampleCluster> {
  readonly sample: S;
  readonly cluster: ClusterSpec;
  readonly client: RollgateClient;
  readonly handle: RunHandle;
  readonly worker: WorkerProcess;
  readonly artifacts: string;
  /** Poll the status until it holds; a dead worker is waited for. */
  until(what: string, holds: (state: RunState) => boolean): Promise<RunState>;
}

/** How a kind of run is set up: its sample cluster, and its start. */
export interface Stage<S extends Sample> {
  make(where: { readonly name: string; readonly directory: string }): Promise<S>;
  start(client: RollgateClient, cluster: ClusterSpec): Promise<RunHandle>;
  /** Environment of the worker. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface ScenarioSteps<S extends Sample = SampleCluster> {
  readonly faults?: readonly PlannedFault[];
  /** Environment of the worker. */
  readonly env?: Record<string, string>;
  /** Change the cluster's spec or its nodes before the run. */
  readonly before?: (sample: S) => Promise<ClusterSpec> | ClusterSpec;
  /** What happens while the run goes on. */
  readonly during?: (context: ScenarioContext<S>) => Promise<void>;
  /** Look at what the run has left, while the cluster still runs. */
  readonly after?: (context: ScenarioContext<S>, result: ScenarioResult) => Promise<void>;
}

/** A rolling upgrade of PostgreSQL 17.5 to 17.10. */
export interface Scenario extends ScenarioSteps {
  readonly sample?: SampleClusterOptions;
  /** Fields of the RollingUpgrade, as a user writes them. */
  readonly upgrade?: Record<string, unknown>;
}

export interface ScenarioResult {
  readonly state: RunState;
  readonly fired: readonly FiredFault[];
  /** Names of the activities that were called. */
  readonly called: readonly string[];
  /** What was changed on each node's host by this run. */
  readonly journals: Readonly<Record<NodeId, readonly JournalLine[]>>;
  readonly artifacts: string;
}

/** A real PostgreSQL cluster and its rolling upgrade: for the tests and the crash matrix. */
export const runScenario = (scenario: Scenario): Promise<ScenarioResult> =>
  runOn(
    {
      make: (where) => createSampleCluster({ ...where, ...scenario.sample }),
      start: (client, cluster) =>
        client.start({
          cluster,
          upgrade: RollingUpgradeSpec.parse({
            name: 'u',
            cluster: cluster.name,
            to: '17.10',
            soak: '500ms',
            onFailure: 'rollback',
            probe: { writers: 4, interval: '10ms' },
            ...scenario.upgrade,
          }),
        }),
    },
    scenario,
  );

/** A real cluster, a worker in a process of its own, one run. */
export async function runOn<S extends Sample>(
  stage: Stage<S>,
  steps: ScenarioSteps<S>,
): Promise<ScenarioResult> {
  const work = mkdtempSync(join(tmpdir(), 'rollgate-scenario-'));
  chmodSync(work, 0o755);
  const faults = join(work, 'faults');
  mkdirSync(faults);
  writeFileSync(join(faults, faultFiles.planFile), JSON.stringify(steps.faults ?? []));
  const artifacts = join(work, 'artifacts');
  const cleanUp: (() => Promise<void>)[] = [];
  try {
    const name = `s-${Math.random().toString(36).slice(2, 10)}`;
    const sample = await stage.make({ name, directory: join(work, 'cluster') });
    cleanUp.push(() => sample.destroy());
    const cluster = (await steps.before?.(sample)) ?? sample.cluster;
    const taskQueue = `scenario-${name}`;
    let failure: string | undefined;
    const worker = superviseWorker({
      log: join(work, 'worker.log'),
      onDeath: (how) => {
        if (how !== 'SIGKILL')
          failure = `the worker ended with ${how}: ${readFileSync(join(work, 'worker.log'), 'utf8').slice(-2000)}`;
      },
      env: {
        ROLLGATE_FAULTS: faults,
        ROLLGATE_TASK_QUEUE: taskQueue,
        ROLLGATE_ARTIFACTS: artifacts,
        ...stage.env,
        ...steps.env,
      },
    });
    cleanUp.push(() => worker.stop());
    const { connection, namespace } = await connectTemporal();
    cleanUp.push(() => connection.close());
    const client = createRollgateClient({ connection, namespace, taskQueue });
    const handle = await stage.start(client, cluster);
    const context: ScenarioContext<S> = {
      sample,
      cluster,
      client,
      handle,
      worker,
      artifacts,
      until: (what, holds) => until(handle, what, holds, () => failure),
    };
    await steps.during?.(context);
    await until(handle, 'the run has ended', isOver, () => failure);
    // The outcome stands before the last effect, the report, has been written.
    const state = await handle.result();
    const result: ScenarioResult = {
      state,
      fired: firedFaults(faults),
      called: [...new Set(startedCalls(faults).map((c) => c.activity))],
      journals: Object.fromEntries(
        await Promise.all(
          cluster.nodes.map(async (node) => {
            const lines = await readJournal(layoutOf(node));
            return [node.id, lines.filter((l) => l.runId === state.run.id)] as const;
          }),
        ),
      ),
      artifacts: join(artifacts, state.run.id),
    };
    await steps.after?.(context, result);
    return result;
  } finally {
    for (const step of cleanUp.reverse()) await step();
    rmSync(work, { recursive: true, force: true });
  }
}

const patience = 600_000;

async function until(
  handle: RunHandle,
  what: string,
  holds: (state: RunState) => boolean,
  failed: () => string | undefined,
): Promise<RunState> {
  const deadline = Date.now() + patience;
  let last: RunState | undefined;
  for (;;) {
    last = (await statusOrNothing(handle)) ?? last;
    if (last && holds(last)) return last;
    const failure = failed();
    if (failure !== undefined) throw new Error(failure);
    if (Date.now() > deadline) {
      const { phase, step, failure } = last ?? {};
      throw new Error(
        `never: ${what}; phase ${phase ?? 'unknown'}, step ${step ?? 'none'}, failure ${failure?.message ?? 'none'}`,
      );
    }
    // Every question costs the worker a workflow task, in the middle of what is measured.
    await delay(250);
  }
}

/** While the worker is dead nobody answers the query. */
async function statusOrNothing(handle: RunHandle): Promise<RunState | undefined> {
  try {
    return await handle.status();
  } catch (error) {
    if (error instanceof RollgateError && error.retryable) return undefined;
    throw error;
  }
}
