import { randomUUID } from 'node:crypto';
import { asRollgateError } from './temporal-errors.js';
import type { Session } from './session.js';
import { noWorker, requireWorker, unclaimedTask } from './task-queue.js';

/** No reading of a cluster takes longer; a workflow that nobody waits for any more must not stay behind. */
const executionTimeout = '20m';

/**
 * Run a short workflow and wait for its result; without a worker it is given up rather than waited for.
 *
 * @throws RollgateError `NO_WORKER`; and what the workflow failed with
 */
export async function runToEnd<T>(
  session: Session,
  workflow: {
    readonly type: string;
    /** `<prefix>/<uuid>` becomes its id. */
    readonly idPrefix: string;
    readonly input: unknown;
    readonly summary: string;
    /** Default 20m. */
    readonly timeout?: '7d';
  },
): Promise<T> {
  const workflowId = `${workflow.idPrefix}/${randomUUID()}`;
  const watched = new AbortController();
  const left = { unclaimed: false };
  try {
    await requireWorker(session);
    const handle = await session.client.workflow.start<(input: unknown) => Promise<T>>(workflow.type, {
      workflowId,
      taskQueue: session.taskQueue,
      workflowExecutionTimeout: workflow.timeout ?? executionTimeout,
      staticSummary: workflow.summary,
      args: [workflow.input],
    });
    const result = handle.result();
    const abandoned = unclaimedTask(handle, watched.signal).then(async () => {
      if (watched.signal.aborted) return;
      left.unclaimed = true;
      await handle.terminate('no worker claimed it');
    });
    return await Promise.race([result, abandoned.then(() => result)]);
  } catch (error) {
    if (left.unclaimed) throw noWorker(session, 'its last worker has not claimed a task for 8 s');
    throw asRollgateError(error, workflowId);
  } finally {
    watched.abort();
  }
}
