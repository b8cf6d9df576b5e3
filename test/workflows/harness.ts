import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Connection, type WorkflowHandle, Client } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createActivities, type ActivityDependencies } from '../../src/activities/index.js';
import type {
  ClusterSpec,
  ControlInput,
  FormationStage,
  RunState,
  Side,
  StageSpec,
} from '../../src/contracts/index.js';
import { documentOf } from '../../src/contracts/run.js';
import {
  ClusterFormationSpec,
  PipelineSpec,
  RollingUpgradeSpec,
  StorageMigrationSpec,
  formationStages,
} from '../../src/contracts/spec.js';
import { registerSearchAttributes } from '../../src/worker/search-attributes.js';
import { migrationDependencies, MigrationModel } from '../fakes/model-migration.js';
import { modelDependencies, type Model } from '../fakes/model.js';

export interface Harness {
  readonly client: Client;
  /** Start a run on the model. */
  start(model: Model, upgrade?: Record<string, unknown>, input?: Record<string, unknown>): Promise<TestRun>;
  /** Start a formation on the model, from its first node. Runs on the same model are runs of the same cluster. */
  form(
    model: Model,
    formation?: Record<string, unknown>,
    input?: { stages?: readonly FormationStage[]; rollback?: boolean; expectPlan?: string },
  ): Promise<TestRun>;
  /** Start a migration from the source of the model to its destination, with no approvals but those asked for. */
  migrate(
    model: MigrationModel,
    migration?: Record<string, unknown>,
    input?: { expectPlan?: string; state?: RunState },
  ): Promise<TestRun>;
  /** Start a pipeline on the model: of upgrades, one a target, and of its migration where the target is `B`. */
  pipe(
    model: Model | MigrationModel,
    targets: readonly string[],
    options?: {
      pipeline?: Record<string, unknown>;
      upgrade?: Record<string, unknown>;
      migration?: Record<string, unknown>;
      expectPlan?: string;
    },
  ): Promise<TestRun>;
  close(): Promise<void>;
}

export interface TestRun {
  readonly handle: WorkflowHandle;
  status(): Promise<RunState>;
  /** Poll the status until it holds. */
  until(what: string, holds: (state: RunState) => boolean): Promise<RunState>;
  result(): Promise<RunState>;
  update(name: string, input?: ControlInput): Promise<unknown>;
}

const bundle = fileURLToPath(new URL('../../dist/workflow-bundle.js', import.meta.url));

function cachedByEnvironment(): number | undefined {
  const text = process.env.ROLLGATE_MAX_CACHED_WORKFLOWS;
  return text === undefined ? undefined : Number(text);
}

/** A worker in this process, on a task queue of its own, over the model's ports. */
export async function createHarness(
  options: { maxCachedWorkflows?: number; address?: string } = {},
): Promise<Harness> {
  const address = options.address ?? process.env.ROLLGATE_TEST_TEMPORAL;
  if (address === undefined) throw new Error('ROLLGATE_TEST_TEMPORAL is not set: run through vitest');
  const connection = await Connection.connect({ address });
  await registerSearchAttributes(connection, 'default');
  const native = await NativeConnection.connect({ address });
  const taskQueue = `test-${randomUUID()}`;
  const models = new Map<string, ActivityDependencies>();
  const of = (cluster: { name: string }): ActivityDependencies => {
    const found = models.get(cluster.name);
    if (!found) throw new Error(`no model for ${cluster.name}`);
    return found;
  };
  const byRun = (runId: string): ActivityDependencies => of({ name: runOf.get(runId) ?? '' });
  const runOf = new Map<string, string>();
  const worker = await Worker.create({
    connection: native,
    taskQueue,
    workflowBundle: { codePath: bundle },
    // The whole suite must pass with 0 as well: ROLLGATE_MAX_CACHED_WORKFLOWS=0 npm test
    maxCachedWorkflows: options.maxCachedWorkflows ?? cachedByEnvironment(),
    activities: createActivities({
      system: (cluster) => of(cluster).system(cluster),
      host: (node) => hostOf(models, node),
      router: (cluster) => of(cluster).router(cluster),
      secrets: { resolve: (ref) => Promise.resolve(ref), redact: (text) => text },
      probe: {
        start: (cluster, runId, opts, ctx) => {
          runOf.set(runId, cluster.name);
          return of(cluster).probe.start(cluster, runId, opts, ctx);
        },
        stop: (runId, ctx) => byRun(runId).probe.stop(runId, ctx),
        ledger: (cluster, runId, ctx) => of(cluster).probe.ledger(cluster, runId, ctx),
      },
      backupFile: (runId, name) => Promise.resolve(`/backups/${runId}/${name}`),
      writeArtifacts: (state) => of({ name: state.run.cluster }).writeArtifacts(state),
    }),
  });
  const running = worker.run();
  const client = new Client({ connection });
  const names = new Map<Model, string>();
  const clusterOf = (model: Model): ClusterSpec => {
    const name = names.get(model) ?? `m-${randomUUID().slice(0, 8)}`;
    names.set(model, name);
    if (!models.has(name)) models.set(name, modelDependencies(model));
    const cluster = model.cluster(name);
    // Hosts are looked up by node alone; the model's nodes carry their cluster in the host settings.
    return {
      ...cluster,
      nodes: cluster.nodes.map((n) => ({ ...n, host: { kind: 'model', cluster: name } })),
    };
  };
  const pairOf = (model: MigrationModel): { source: ClusterSpec; destination: ClusterSpec } => {
    const side = (of: Side): ClusterSpec => {
      const cluster = clusterOf(model.clusters[of]);
      models.set(cluster.name, migrationDependencies(model, of));
      return cluster;
    };
    return { source: side('source'), destination: side('destination') };
  };
  return {
    client,
    form: async (model, formation = {}, input = {}) => {
      const cluster = clusterOf(model);
      const [seed, ...others] = cluster.nodes.map((n) => n.id);
      const handle = await client.workflow.start('clusterFormation', {
        taskQueue,
        workflowId: `rollgate/${cluster.name}`,
        workflowIdConflictPolicy: 'FAIL',
        args: [
          {
            cluster,
            formation: ClusterFormationSpec.parse({
              ...{ name: 'f', cluster: cluster.name, seed, version: '3.6.0', expand: others },
              ...{ soak: '0ms', poll: '10ms' },
              timeouts: { gate: '2s', drain: '1s', rejoin: '1s', start: '1s' },
              ...formation,
            }),
            stages: formationStages,
            ...input,
          },
        ],
      });
      return testRun(handle);
    },
    migrate: async (model, migration = {}, input = {}) => {
      const { source, destination } = pairOf(model);
      const handle = await client.workflow.start('storageMigration', {
        taskQueue,
        workflowId: `rollgate/${source.name}`,
        workflowIdConflictPolicy: 'FAIL',
        args: [
          {
            cluster: source,
            destination,
            migration: migrationOf(source, destination, migration),
            ...input,
          },
        ],
      });
      return testRun(handle);
    },
    pipe: async (model, targets, { pipeline = {}, upgrade = {}, migration = {}, expectPlan } = {}) => {
      const pair = model instanceof MigrationModel ? pairOf(model) : undefined;
      const first = pair?.source ?? clusterOf(model as Model);
      let cluster = first;
      const stages = targets.map((to): StageSpec => {
        if (to === 'B' && pair) {
          cluster = pair.destination;
          return { cluster: first, destination: cluster, migration: migrationOf(first, cluster, migration) };
        }
        return {
          cluster,
          upgrade: RollingUpgradeSpec.parse({
            ...{ name: `to-${to}`, cluster: cluster.name, to, soak: '0ms', poll: '10ms' },
            timeouts: { gate: '2s', drain: '1s', rejoin: '1s', start: '1s' },
            ...upgrade,
          }),
        };
      });
      const names = stages.map((s) => documentOf(s).name);
      const handle = await client.workflow.start('pipeline', {
        taskQueue,
        workflowId: `rollgate/${first.name}`,
        workflowIdConflictPolicy: 'FAIL',
        args: [
          {
            cluster: first,
            stages,
            pipeline: PipelineSpec.parse({ name: 'p', cluster: first.name, stages: names, ...pipeline }),
            expectPlan,
          },
        ],
      });
      return testRun(handle);
    },
    start: async (model, upgrade = {}, input = {}) => {
      const cluster = clusterOf(model);
      const { name } = cluster;
      const handle = await client.workflow.start('rollingUpgrade', {
        taskQueue,
        workflowId: `rollgate/${name}`,
        workflowIdConflictPolicy: 'FAIL',
        args: [
          {
            cluster,
            upgrade: RollingUpgradeSpec.parse({
              name: 'u',
              cluster: name,
              to: '1.1',
              soak: '0ms',
              poll: '10ms',
              timeouts: { gate: '2s', drain: '1s', rejoin: '1s', start: '1s' },
              ...upgrade,
            }),
            ...input,
          },
        ],
      });
      return testRun(handle);
    },
    close: async () => {
      worker.shutdown();
      await running;
      await native.close();
      await connection.close();
    },
  };
}

const migrationOf = (
  source: ClusterSpec,
  destination: ClusterSpec,
  fields: Record<string, unknown>,
): StorageMigrationSpec =>
  StorageMigrationSpec.parse({
    ...{ name: 'm', source: source.name, destination: destination.name, poll: '10ms' },
    cutover: { approval: false },
    observe: { for: '0ms', acceptance: false },
    timeouts: { gate: '1s', handover: '1s' },
    ...fields,
  });

function hostOf(models: Map<string, ActivityDependencies>, node: { host: Record<string, unknown> }) {
  const name = String(node.host.cluster);
  const found = models.get(name);
  if (!found) throw new Error(`no model for ${name}`);
  return found.host(node as never);
}

function testRun(handle: WorkflowHandle): TestRun {
  const status = (): Promise<RunState> => handle.query<RunState>('status');
  return {
    handle,
    status,
    until: async (what, holds) => {
      const deadline = Date.now() + 50_000;
      for (;;) {
        const state = await status();
        if (holds(state)) return state;
        if (Date.now() > deadline) {
          throw new Error(
            `never: ${what}; phase ${state.phase}, failure ${state.failure?.message ?? 'none'}`,
          );
        }
        // Each question replays the whole history where no workflow is kept in memory.
        await delay(60);
      }
    },
    result: async () => {
      const state = (await handle.result()) as RunState;
      await recordHistory(handle);
      return state;
    },
    update: (name, input) => handle.executeUpdate(name, { args: [input ?? {}] }),
  };
}

/**
 * With `ROLLGATE_RECORD_HISTORIES` set to a folder, every finished run leaves its history there, without the
 * names of processes and hosts: for test/histories, when workflow code has changed on purpose.
 */
async function recordHistory(handle: WorkflowHandle): Promise<void> {
  const directory = process.env.ROLLGATE_RECORD_HISTORIES;
  if (directory === undefined) return;
  const history = historyToJSON(await handle.fetchHistory());
  const anonymous = JSON.stringify(JSON.parse(history), (key, value: unknown) =>
    key === 'identity' ? 'worker' : key === 'stackTrace' ? '' : value,
  ).replaceAll(/"\d+@[^"]+"/g, '"worker"');
  await writeFile(join(directory, `${handle.workflowId.replace('rollgate/', '')}.json`), anonymous);
}
