import { WorkflowExecutionAlreadyStartedError, type Connection } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import {
  defaultTaskQueue,
  RollgateError,
  workflowIdOf,
  workflowTypes,
  type ClusterSpec,
  type ClusterView,
  type Plan,
  type RollingUpgradeSpec,
  type RunInput,
} from '../contracts/index.js';
import type { rollingUpgrade } from '../workflows/rolling-upgrade.js';
import { diagnose, type Check } from './diagnose.js';
import { firstRunIdOf } from './describe-run.js';
import { followRun } from './follow-run.js';
import type { RunHandle } from './run-handle.js';
import { attributeKeys, listRuns, type RunFilter, type RunListing } from './run-list.js';
import { runToEnd } from './run-to-end.js';
import { createSessionSource, type Session } from './session.js';
import { workersOf, type WorkerSeen } from './task-queue.js';
import { asRollgateError } from './temporal-errors.js';

export interface RollgateClientOptions {
  /** Default: connected at first use by the SDK's standard environment configuration. */
  readonly connection?: Connection;
  /** Default: that of the environment configuration, or `default` beside a given connection. */
  readonly namespace?: string;
  /** Default `rollgate`; that of the workers. */
  readonly taskQueue?: string;
}

export interface StartInput {
  readonly cluster: ClusterSpec;
  readonly upgrade: RollingUpgradeSpec;
  /** The hash of a plan that was read: the run stops before it changes anything if its own plan differs. */
  readonly expectPlan?: string;
}

/**
 * Runs and plans of rolling upgrades, for programs such as release trains. Specs are parsed ones, as
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

  return {
    plan: async (cluster, upgrade) =>
      runToEnd<Plan>(await sessions.open(), {
        type: workflowTypes.plan,
        idPrefix: `rollgate-plan/${cluster.name}`,
        input: { cluster, upgrade } satisfies RunInput,
        summary: `${cluster.name}: plan ${cluster.system} to ${upgrade.to}`,
      }),

    start: async (input) => {
      const session = await sessions.open();
      const runId = await startRun(session, input);
      const { name } = input.cluster;
      return followRun(sessions, { cluster: name, workflowId: workflowIdOf(name), runId });
    },

    get: async (clusterOrWorkflowId, runId) => {
      const workflowId = clusterOrWorkflowId.includes('/')
        ? clusterOrWorkflowId
        : workflowIdOf(clusterOrWorkflowId);
      const session = await sessions.open();
      const about = runId === undefined ? workflowId : `${workflowId} ${runId}`;
      try {
        const found = await session.client.workflow.getHandle(workflowId, runId).describe();
        if (found.type !== workflowTypes.rollingUpgrade) throw notARun(about, found.type);
        const cluster = found.typedSearchAttributes.get(attributeKeys.cluster);
        return followRun(sessions, {
          cluster: cluster ?? workflowId.slice(workflowIdOf('').length),
          workflowId,
          runId: firstRunIdOf(found),
        });
      } catch (error) {
        throw asRollgateError(error, about);
      }
    },

    list: async (filter = {}) => listRuns(await sessions.open(), filter),

    inspect: async (cluster) =>
      runToEnd<ClusterView>(await sessions.open(), {
        type: workflowTypes.inspect,
        idPrefix: `rollgate-inspect/${cluster.name}`,
        input: { cluster },
        summary: `${cluster.name}: look at every node`,
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

async function startRun(session: Session, input: StartInput): Promise<string> {
  const { cluster, upgrade, expectPlan } = input;
  const workflowId = workflowIdOf(cluster.name);
  try {
    const handle = await session.client.workflow.start<typeof rollingUpgrade>(workflowTypes.rollingUpgrade, {
      workflowId,
      taskQueue: session.taskQueue,
      workflowIdConflictPolicy: 'FAIL',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: `${cluster.name}: ${cluster.system} to ${upgrade.to}`,
      memo: { upgrade: upgrade.name, to: upgrade.to },
      typedSearchAttributes: new TypedSearchAttributes([
        { key: attributeKeys.cluster, value: cluster.name },
        { key: attributeKeys.system, value: cluster.system },
        { key: attributeKeys.target, value: upgrade.to },
        { key: attributeKeys.phase, value: 'planning' },
      ]),
      args: [{ cluster, upgrade, expectPlan }],
    });
    return handle.firstExecutionRunId;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) {
      throw new RollgateError(
        'RUN_ALREADY_RUNNING',
        `cluster ${cluster.name} has a run in progress (${workflowId})`,
        `rollgate watch ${cluster.name} follows it; abort ends it at its next safe point.`,
        { cause: error },
      );
    }
    throw asRollgateError(error, workflowId);
  }
}

const notARun = (about: string, type: string): RollgateError =>
  new RollgateError(
    'RUN_NOT_FOUND',
    `${about} is a workflow of type ${type}, not a run of an upgrade`,
    'rollgate list shows the runs of this namespace.',
  );
