import { randomUUID } from 'node:crypto';
import {
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import {
  messageOf,
  RollgateError,
  type ControlAction,
  type ControlInput,
  type ControlReply,
} from '../contracts/index.js';
import { answerMs, describeLatest, isOpen, type RunKey, type RunWorkflow } from './describe-run.js';
import type { Session } from './session.js';
import { noWorker, requireWorker } from './task-queue.js';
import { asRollgateError } from './temporal-errors.js';

/** Send a control as an update: it takes effect or is refused with the run's own reason. */
export async function controlRun(
  session: Session,
  run: RunKey,
  action: ControlAction,
  input: ControlInput,
): Promise<ControlReply> {
  // The first execution's id keeps a control from reaching a later run of the same cluster.
  const chain = session.client.workflow.getHandle<RunWorkflow>(run.workflowId, undefined, {
    firstExecutionRunId: run.runId,
  });
  try {
    await requireOpen(session, run, action);
    await requireWorker(session);
    return await session.connection.withDeadline(Date.now() + answerMs, () =>
      chain.executeUpdate<ControlReply, [ControlInput]>(action, {
        args: [input],
        updateId: randomUUID(),
      }),
    );
  } catch (error) {
    throw controlError(error, session, run, action);
  }
}

async function requireOpen(session: Session, run: RunKey, action: ControlAction): Promise<void> {
  const latest = await describeLatest(session, run);
  if (isOpen(latest)) return;
  throw new RollgateError(
    'CONTROL_REFUSED',
    `${action} refused: run ${run.runId} of ${run.workflowId} is over (${latest.status.name.toLowerCase()})`,
    'rollgate list shows which runs are in progress.',
  );
}

function controlError(error: unknown, session: Session, run: RunKey, action: ControlAction): RollgateError {
  if (error instanceof WorkflowUpdateFailedError) {
    return new RollgateError(
      'CONTROL_REFUSED',
      `${action} refused: ${messageOf(error.cause ?? error)}`,
      `rollgate status ${run.cluster} shows what the run does and waits for.`,
      { cause: error },
    );
  }
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) {
    return noWorker(
      session,
      `nobody answered ${action} within ${answerMs / 1000} s. It may still take effect once a worker is there: look at the status before repeating it`,
    );
  }
  if (error instanceof WorkflowNotFoundError) {
    return new RollgateError(
      'RUN_NOT_FOUND',
      `${action}: run ${run.runId} of ${run.workflowId} is over or unknown`,
      'rollgate list shows which runs are in progress.',
      { cause: error },
    );
  }
  return asRollgateError(error, run.workflowId);
}
