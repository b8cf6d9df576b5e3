import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import {
  RollgateError,
  workflowIdOf,
  type ClusterSpec,
  type FormationInput,
  type MigrationInput,
  type PipelineInput,
  type RunInput,
  type RunState,
} from '../contracts/index.js';
import { attributeKeys } from './run-list.js';
import type { Session } from './session.js';
import { asRollgateError } from './temporal-errors.js';

/** The workflow of one run, and how it is shown. */
export interface RunStart {
  readonly type: string;
  readonly cluster: ClusterSpec;
  /** Where it is going, in a few words; a search attribute. */
  readonly target: string;
  readonly summary: string;
  readonly memo: Readonly<Record<string, unknown>>;
  readonly input: RunInput | FormationInput | MigrationInput | PipelineInput;
}

/**
 * @returns the id of the run: that of the first execution
 * @throws RollgateError `RUN_ALREADY_RUNNING`; `NO_WORKER` when the namespace has never had a worker of rollgate
 */
export async function startRun(session: Session, run: RunStart): Promise<string> {
  const { cluster, target } = run;
  const workflowId = workflowIdOf(cluster.name);
  try {
    const handle = await session.client.workflow.start<(input: unknown) => Promise<RunState>>(run.type, {
      workflowId,
      taskQueue: session.taskQueue,
      workflowIdConflictPolicy: 'FAIL',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: run.summary,
      memo: run.memo,
      typedSearchAttributes: new TypedSearchAttributes([
        { key: attributeKeys.cluster, value: cluster.name },
        { key: attributeKeys.system, value: cluster.system },
        { key: attributeKeys.target, value: target },
        { key: attributeKeys.phase, value: 'planning' },
      ]),
      args: [run.input],
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
