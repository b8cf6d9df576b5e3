import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createRollgateClient, type RunHandle } from '../../../src/client/index.js';
import { RollgateError, type NodeId, type RunState } from '../../../src/contracts/index.js';
import { RollingUpgradeSpec } from '../../../src/contracts/spec.js';
import { createSampleCluster, type SampleClusterOptions } from '../../../src/dev/postgres/cluster.js';
import type { SampleCluster } from '../../../src/dev/postgres/sample-cluster.js';
import { superviseWorker } from '../../../src/dev/worker-process.js';
import { readJournal, type JournalLine } from '../../../src/hosts/local/journal.js';
import { layoutOf } from '../../../src/hosts/local/layout.js';
import { connectTemporal } from '../../../src/worker/connection.js';

/** A run in progress. */
export interface Going {
  readonly handle: RunHandle;
  /** Poll the status until it holds; a run that is blocked or over meanwhile is an error that says why. */
  until(what: string, holds: (state: RunState) => boolean): Promise<RunState>;
}

/** One real cluster and one worker, for several runs one after the other: what a run leaves meets the next. */
export interface Bench {
  readonly sample: SampleCluster;
  /** Where the worker writes the artifacts of all runs. */
  readonly artifacts: string;
  /** One run to its end. Failures wait for an operator, so that no rollback is anybody's but his. */
  run(upgrade: Record<string, unknown>, during?: (going: Going) => Promise<void>): Promise<RunState>;
  /** What a run has changed on each node's host. */
  changes(runId: string): Promise<Readonly<Record<NodeId, readonly JournalLine['action'][]>>>;
  close(): Promise<void>;
}

const patienceMs = 60_000;

export async function createBench(options: SampleClusterOptions = {}): Promise<Bench> {
  const work = await mkdtemp(join(tmpdir(), 'rollgate-bench-'));
  const cleanUp: (() => Promise<void>)[] = [() => rm(work, { recursive: true, force: true })];
  const close = async (): Promise<void> => {
    for (const step of cleanUp.splice(0).reverse()) await step();
  };
  try {
    await chmod(work, 0o755);
    const name = `b-${Math.random().toString(36).slice(2, 10)}`;
    const sample = await createSampleCluster({ name, directory: join(work, 'cluster'), ...options });
    cleanUp.push(() => sample.destroy());
    const artifacts = join(work, 'artifacts');
    const log = join(work, 'worker.log');
    const taskQueue = `bench-${name}`;
    let death: string | undefined;
    const worker = superviseWorker({
      log,
      onDeath: (how) => {
        death = how;
      },
      env: { ROLLGATE_TASK_QUEUE: taskQueue, ROLLGATE_ARTIFACTS: artifacts },
    });
    cleanUp.push(() => worker.stop());
    const { connection, namespace } = await connectTemporal();
    cleanUp.push(() => connection.close());
    const client = createRollgateClient({ connection, namespace, taskQueue });

    const until = async (
      handle: RunHandle,
      what: string,
      holds: (state: RunState) => boolean,
    ): Promise<RunState> => {
      const deadline = Date.now() + patienceMs;
      for (;;) {
        const state = await statusOrNothing(handle);
        if (state && holds(state)) return state;
        if (death !== undefined) throw new Error(`the worker died (${death}): ${await tail(log)}`);
        const stuck = state?.phase === 'blocked' || (state && state.run.outcome !== 'running');
        if (stuck || Date.now() > deadline) throw new Error(`never: ${what}; ${told(state)}`);
        await delay(50);
      }
    };

    return {
      sample,
      artifacts,
      close,
      async run(fields, during) {
        const upgrade = RollingUpgradeSpec.parse({
          name: 'u',
          cluster: name,
          to: '17.10',
          soak: '500ms',
          onFailure: 'wait',
          probe: { writers: 4, interval: '10ms' },
          ...fields,
        });
        const handle = await client.start({ cluster: sample.cluster, upgrade });
        await during?.({ handle, until: (what, holds) => until(handle, what, holds) });
        await until(handle, 'the run has ended', (s) => s.run.outcome !== 'running');
        // The outcome stands before the last effect, the report, has been written.
        return handle.result();
      },
      async changes(runId) {
        const nodes = sample.cluster.nodes.map(async (node) => {
          const lines = await readJournal(layoutOf(node));
          return [node.id, lines.filter((l) => l.runId === runId).map((l) => l.action)] as const;
        });
        return Object.fromEntries(await Promise.all(nodes));
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Nobody answers the query before the worker is up. */
async function statusOrNothing(handle: RunHandle): Promise<RunState | undefined> {
  try {
    return await handle.status();
  } catch (error) {
    if (error instanceof RollgateError && error.retryable) return undefined;
    throw error;
  }
}

const tail = async (file: string): Promise<string> => (await readFile(file, 'utf8')).slice(-2000);

function told(state: RunState | undefined): string {
  if (!state) return 'the run never answered';
  const { phase, step, failure, run } = state;
  return `outcome ${run.outcome}, phase ${phase}, step ${step ?? 'none'}, failure ${failure?.message ?? 'none'}`;
}
