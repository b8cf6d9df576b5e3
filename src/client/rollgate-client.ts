import type { Connection } from '@temporalio/client';
import {
  defaultTaskQueue,
  RollgateError,
  workflowIdOf,
  workflowTypes,
  type ClusterFormationSpec,
  type ClusterSpec,
  type ClusterView,
  type FormationInput,
  type FormationStage,
  type FormationView,
  type MigrationInput,
  type PipelineInput,
  type PipelinePlan,
  type Plan,
  type RollingUpgradeSpec,
  type RunInput,
  type Validation,
} from '../contracts/index.js';
import { diagnose, type Check } from './diagnose.js';
import { firstRunIdOf } from './describe-run.js';
import { followRun } from './follow-run.js';
import type { RunHandle } from './run-handle.js';
import { attributeKeys, isRun, listRuns, type RunFilter, type RunListing } from './run-list.js';
import {
  formationRun,
  migrationRun,
  pipelineRun,
  upgradeRun,
  type StartFormationInput,
  type StartInput,
  type StartMigrationInput,
  type StartPipelineInput,
} from './run-start.js';
import { runToEnd } from './run-to-end.js';
import { createSessionSource } from './session.js';
import { startRun, type RunStart } from './start-run.js';
import { workersOf, type WorkerSeen } from './task-queue.js';
import { requireNoRun, validationOf } from './validation.js';
import { asRollgateError } from './temporal-errors.js';

export interface RollgateClientOptions {
  /** Default: connected at first use by the SDK's standard environment configuration. */
  readonly connection?: Connection;
  /** Default: that of the environment configuration, or `default` beside a given connection. */
  readonly namespace?: string;
  /** Default `rollgate`; that of the workers. */
  readonly taskQueue?: string;
}

/**
 * Runs and plans of rolling upgrades, cluster formations and storage migrations, for programs such as release trains. Specs are parsed ones, as
 * {@link loadSpecs} or the zod schemas return them. All methods may throw a RollgateError `TEMPORAL_UNREACHABLE`.
 */
export interface RollgateClient {
  /**
   * What an upgrade would do. Read-only; made by a worker, which reaches the nodes.
   *
   * @throws RollgateError `NO_WORKER` within seconds when no worker serves the task queue
   */
  plan(cluster: ClusterSpec, upgrade: RollingUpgradeSpec): Promise<Plan>;
  /**
   * Start a run. It begins as soon as a worker is there and outlives this process.
   *
   * @throws RollgateError `RUN_ALREADY_RUNNING` when the cluster has one in progress; `NO_WORKER` when the namespace
   *   has never had a worker of rollgate
   */
  start(input: StartInput): Promise<RunHandle>;
  /**
   * What these stages of a formation would do. Read-only; made by a worker, which reaches the nodes.
   *
   * @throws RollgateError `NO_WORKER` within seconds when no worker serves the task queue
   */
  planFormation(
    cluster: ClusterSpec,
    formation: ClusterFormationSpec,
    stages: readonly FormationStage[],
  ): Promise<Plan>;
  /**
   * Start a run of a formation, or of some of its stages. It goes on from where the data stands, begins as soon as a
   * worker is there and outlives this process.
   *
   * @throws RollgateError as {@link RollgateClient.start}
   */
  startFormation(input: StartFormationInput): Promise<RunHandle>;
  /** The plans of all stages of a pipeline; read-only, as {@link RollgateClient.plan}. */
  planPipeline(input: StartPipelineInput): Promise<PipelinePlan>;
  /**
   * Start the stages of a pipeline as one run.
   *
   * @throws RollgateError as {@link RollgateClient.start}
   */
  startPipeline(input: StartPipelineInput): Promise<RunHandle>;
  /** What a migration would do; read-only, as {@link RollgateClient.plan}. */
  planMigration(input: StartMigrationInput): Promise<Plan>;
  /**
   * Start a storage migration.
   *
   * @throws RollgateError as {@link RollgateClient.start}
   */
  startMigration(input: StartMigrationInput): Promise<RunHandle>;
  /**
   * Compare both copies of a migration in progress at an exact cut of its own, to the row and column. Writers wait for
   * the cut, at most as long as the migration says.
   *
   * @param sample how many rows that differ are located, of each table; default: what the migration says
   * @throws RollgateError `RUN_NOT_FOUND`, `CONTROL_REFUSED` when no changes flow now, `CUT_REFUSED`
   */
  validate(clusterOrWorkflowId: string, sample?: number): Promise<Validation>;
  /**
   * Remove what a migration has left that no run goes on with.
   *
   * @throws RollgateError `RUN_ALREADY_RUNNING`; `SYSTEM_REFUSED` when the destination takes the writes
   */
  discardMigration(input: StartMigrationInput): Promise<void>;
  /**
   * A run by its cluster or workflow id: the latest, or the one of `runId`.
   *
   * @throws RollgateError `RUN_NOT_FOUND`
   */
  get(clusterOrWorkflowId: string, runId?: string): Promise<RunHandle>;
  /** Runs in progress and over, newest first. */
  list(filter?: RunFilter): Promise<readonly RunListing[]>;
  /**
   * One observation of a cluster, made by a worker.
   *
   * @throws RollgateError `NO_WORKER` within seconds when no worker serves the task queue
   */
  inspect(cluster: ClusterSpec): Promise<ClusterView>;
  /**
   * Where a formation stands, by the seed's mode file and the member list; made by a worker. Needs no run.
   *
   * @throws RollgateError `NO_WORKER` within seconds when no worker serves the task queue
   */
  inspectFormation(cluster: ClusterSpec, formation: ClusterFormationSpec): Promise<FormationView>;
  /** Workers that have polled the task queue within the last minutes. */
  workers(): Promise<readonly WorkerSeen[]>;
  /** Whether Temporal, namespace, search attributes and workers are there; it reports rather than throws. */
  diagnose(): Promise<readonly Check[]>;
  /** Close the connection if this client opened it. */
  close(): Promise<void>;
}

/** A client; nothing is connected before its first call. */
export function createRollgateClient(options: RollgateClientOptions = {}): RollgateClient {
  const sessions = createSessionSource({ ...options, taskQueue: options.taskQueue ?? defaultTaskQueue });

  async function begin(run: RunStart): Promise<RunHandle> {
    const runId = await startRun(await sessions.open(), run);
    const { name } = run.cluster;
    return followRun(sessions, { cluster: name, workflowId: workflowIdOf(name), runId });
  }

  const get: RollgateClient['get'] = async (clusterOrWorkflowId, runId) => {
    const workflowId = clusterOrWorkflowId.includes('/')
      ? clusterOrWorkflowId
      : workflowIdOf(clusterOrWorkflowId);
    const session = await sessions.open();
    const about = runId === undefined ? workflowId : `${workflowId} ${runId}`;
    try {
      const found = await session.client.workflow.getHandle(workflowId, runId).describe();
      if (!isRun(found.type)) throw notARun(about, found.type);
      const cluster = found.typedSearchAttributes.get(attributeKeys.cluster);
      return followRun(sessions, {
        cluster: cluster ?? workflowId.slice(workflowIdOf('').length),
        workflowId,
        runId: firstRunIdOf(found),
      });
    } catch (error) {
      throw asRollgateError(error, about);
    }
  };

  return {
    plan: async (cluster, upgrade) =>
      runToEnd<Plan>(await sessions.open(), {
        type: workflowTypes.plan,
        idPrefix: `rollgate-plan/${cluster.name}`,
        input: { cluster, upgrade } satisfies RunInput,
        summary: `${cluster.name}: plan ${cluster.system} to ${upgrade.to}`,
      }),

    start: (input) => begin(upgradeRun(input)),
    startFormation: (input) => begin(formationRun(input)),
    startPipeline: (input) => begin(pipelineRun(input)),
    startMigration: (input) => begin(migrationRun(input)),

    planMigration: async ({ cluster, destination, migration }) =>
      runToEnd<Plan>(await sessions.open(), {
        type: workflowTypes.planMigration,
        idPrefix: `rollgate-plan/${cluster.name}`,
        input: { cluster, destination, migration } satisfies MigrationInput,
        summary: `${cluster.name}: plan the migration to ${destination.name}`,
      }),

    planPipeline: async ({ cluster, pipeline, stages }) =>
      runToEnd<PipelinePlan>(await sessions.open(), {
        type: workflowTypes.planPipeline,
        idPrefix: `rollgate-plan/${cluster.name}`,
        input: { cluster, pipeline, stages } satisfies PipelineInput,
        summary: `${cluster.name}: plan ${pipeline.stages.join(', then ')}`,
      }),

    planFormation: async (cluster, formation, stages) =>
      runToEnd<Plan>(await sessions.open(), {
        type: workflowTypes.planFormation,
        idPrefix: `rollgate-plan/${cluster.name}`,
        input: { cluster, formation, stages } satisfies FormationInput,
        summary: `${cluster.name}: plan ${stages.join(', ')} of a cluster from ${formation.seed}`,
      }),

    get,

    validate: async (clusterOrWorkflowId, sample) => {
      const handle = await get(clusterOrWorkflowId);
      const input = validationOf(await handle.status(), sample);
      return runToEnd<Validation>(await sessions.open(), {
        type: workflowTypes.validateMigration,
        idPrefix: `rollgate-validate/${handle.cluster}`,
        input,
        summary: `${handle.cluster}: compare both copies at a cut`,
        timeout: '7d',
      });
    },

    discardMigration: async ({ cluster, destination, migration }) => {
      await requireNoRun(get, cluster.name);
      await runToEnd<unknown>(await sessions.open(), {
        type: workflowTypes.discardMigration,
        idPrefix: `rollgate-discard/${cluster.name}`,
        input: { cluster, destination, migration } satisfies MigrationInput,
        summary: `${cluster.name}: remove what the migration to ${destination.name} has left`,
        timeout: '7d',
      });
    },

    list: async (filter = {}) => listRuns(await sessions.open(), filter),

    inspect: async (cluster) =>
      runToEnd<ClusterView>(await sessions.open(), {
        type: workflowTypes.inspect,
        idPrefix: `rollgate-inspect/${cluster.name}`,
        input: { cluster },
        summary: `${cluster.name}: look at every node`,
      }),

    inspectFormation: async (cluster, formation) =>
      runToEnd<FormationView>(await sessions.open(), {
        type: workflowTypes.inspectFormation,
        idPrefix: `rollgate-inspect/${cluster.name}`,
        input: { cluster, formation },
        summary: `${cluster.name}: look at ${formation.seed} and the members`,
      }),

    workers: async () => {
      try {
        return await workersOf(await sessions.open());
      } catch (error) {
        throw asRollgateError(error, 'the workers');
      }
    },

    diagnose: () => diagnose(sessions),
    close: () => sessions.close(),
  };
}

const notARun = (about: string, type: string): RollgateError =>
  new RollgateError(
    'RUN_NOT_FOUND',
    `${about} is a workflow of type ${type}, not a run of an upgrade, a formation or a migration`,
    'rollgate list shows the runs of this namespace.',
  );
