import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WorkflowClient } from '@temporalio/client';
import { createRollgateClient, type RollgateClient } from '../../../client/index.js';
import type { ClusterSpec } from '../../../contracts/index.js';
import { connectTemporal } from '../../../worker/connection.js';
import { samplePgDump } from '../../postgres/pg-dump.js';
import { sampleContext } from '../../postgres/sample-cluster.js';
import { createSamplePair } from '../../postgres/sample-pair.js';
import { startTemporal } from '../../temporal.js';
import { superviseWorker } from '../../worker-process.js';
import { wire } from '../../../worker/wiring.js';
import type { Sides } from './plain-work.js';
import { session } from './session.js';
import { benchTables, createTables, fillTable, finishTables } from './tables.js';

/** A pair of clusters with data in the source. */
export interface BenchPair {
  readonly cluster: ClusterSpec;
  readonly destination: ClusterSpec;
  readonly sides: Sides;
  /** Of the tables, without their indexes. */
  readonly bytes: number;
}

export interface BenchStage {
  readonly client: RollgateClient;
  readonly workflows: WorkflowClient;
  /** Below it everything of the bench is kept; removed at its end. */
  readonly work: string;
  readonly artifacts: string;
  readonly signal: AbortSignal;
  /** One line on stderr. */
  say(line: string): void;
  /** Let `body` have a pair with so many rows; it is removed afterwards. */
  withPair<T>(name: string, rows: number, body: (pair: BenchPair) => Promise<T>): Promise<T>;
  /** A run was begun: its probe is ended with the bench, also where the run is not. */
  begun(runId: string): void;
}

/** A Temporal server and a worker; nothing of them is left afterwards. */
export async function onBenchStage<T>(
  signal: AbortSignal,
  body: (stage: BenchStage) => Promise<T>,
): Promise<T> {
  const work = mkdtempSync(join(tmpdir(), 'rollgate-bench-'));
  chmodSync(work, 0o755);
  const artifacts = join(work, 'artifacts');
  const cleanUp: (() => Promise<void>)[] = [];
  const say = (line: string): void => console.error(line);
  try {
    // An interrupt of the terminal must not take it away while the rest is cleared.
    const temporal = await startTemporal({ onProgress: say, outlive: true });
    cleanUp.push(() => temporal.stop());
    process.env.TEMPORAL_ADDRESS = temporal.address;
    const { connection, namespace } = await connectTemporal();
    cleanUp.push(() => connection.close());
    const taskQueue = 'rollgate-bench';
    const worker = superviseWorker({
      log: join(work, 'worker.log'),
      env: { ROLLGATE_TASK_QUEUE: taskQueue, ROLLGATE_ARTIFACTS: artifacts },
      onDeath: (how) => signal.aborted || say(`the worker died: ${how}`),
    });
    cleanUp.push(() => worker.stop());
    const { probe } = wire({ artifacts });
    return await body({
      ...{ work, artifacts, signal, say },
      client: createRollgateClient({ connection, namespace, taskQueue }),
      workflows: new WorkflowClient({ connection, namespace }),
      withPair: (name, rows, use) => withPair({ name, rows, directory: join(work, name), signal }, use),
      begun: (runId) => void cleanUp.push(() => probe.stop(runId, sampleContext)),
    });
  } finally {
    for (const step of cleanUp.reverse()) await step();
    rmSync(work, { recursive: true, force: true });
  }
}

async function withPair<T>(
  { name, rows, directory, signal }: { name: string; rows: number; directory: string; signal: AbortSignal },
  use: (pair: BenchPair) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const pair = await createSamplePair({ name, directory });
  try {
    const pgDump = await samplePgDump();
    const withTool = (cluster: ClusterSpec): ClusterSpec => ({
      ...cluster,
      settings: { ...cluster.settings, pgDump },
    });
    const sides = {
      source: pair.source.connection(pair.source.cluster.nodes[0]?.id ?? ''),
      destination: pair.destination.connection(pair.destination.cluster.nodes[0]?.id ?? ''),
    };
    const bytes = await fill(sides, rows, signal);
    return await use({
      cluster: withTool(pair.source.cluster),
      destination: withTool(pair.destination.cluster),
      ...{ sides, bytes },
    });
  } finally {
    await pair.destroy();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function fill({ source }: Sides, rows: number, signal: AbortSignal): Promise<number> {
  const schema = 'bench';
  const run = (sql: string) => session(source, signal, (client) => client.query(sql));
  await run(createTables(schema));
  await Promise.all(benchTables.map((table) => run(fillTable(schema, table, rows))));
  await run(finishTables(schema));
  // As a table is that has been there for a while: what is known of its rows is written down in them.
  await run('VACUUM (ANALYZE)');
  return session(source, signal, async (client) => {
    const { rows: sizes } = await client.query<{ bytes: string }>(
      `SELECT sum(pg_table_size(('${schema}.' || name)::regclass)) AS bytes FROM unnest($1::text[]) AS name`,
      [benchTables],
    );
    return Number(sizes[0]?.bytes);
  });
}
