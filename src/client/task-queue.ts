import { setTimeout as delay } from 'node:timers/promises';
import proto from '@temporalio/proto';
import type { WorkflowHandle } from '@temporalio/client';
import { RollgateError } from '../contracts/index.js';
import type { Session } from './session.js';

const { TASK_QUEUE_TYPE_WORKFLOW, TASK_QUEUE_TYPE_ACTIVITY } = proto.temporal.api.enums.v1.TaskQueueType;
const { PENDING_WORKFLOW_TASK_STATE_STARTED } = proto.temporal.api.enums.v1.PendingWorkflowTaskState;
const { PENDING_ACTIVITY_STATE_SCHEDULED } = proto.temporal.api.enums.v1.PendingActivityState;

export interface WorkerSeen {
  /** `<process id>@<host>` unless the worker names itself otherwise. */
  readonly identity: string;
  /** When it last asked for work, ISO 8601, by the server's clock. */
  readonly lastSeen: string;
}

/**
 * Workers that have polled the task queue lately. Temporal forgets a poller only after five minutes, so one in
 * this list may be dead; none in it is certain.
 */
export async function workersOf(
  session: Session,
  kind: 'workflow' | 'activity' = 'workflow',
): Promise<readonly WorkerSeen[]> {
  const { pollers } = await session.connection.workflowService.describeTaskQueue({
    namespace: session.namespace,
    taskQueue: { name: session.taskQueue },
    taskQueueType: kind === 'workflow' ? TASK_QUEUE_TYPE_WORKFLOW : TASK_QUEUE_TYPE_ACTIVITY,
  });
  return pollers.map((p) => ({
    identity: p.identity ?? '',
    lastSeen: new Date(Number(p.lastAccessTime?.seconds ?? 0) * 1000).toISOString(),
  }));
}

export const noWorker = (session: Session, seen: string): RollgateError =>
  new RollgateError(
    'NO_WORKER',
    `no worker serves task queue ${session.taskQueue} in namespace ${session.namespace}: ${seen}`,
    `Start one: rollgate worker --task-queue ${session.taskQueue}`,
  );

/** A worker that has just been started asks for work a moment later. */
const graceMs = 2000;

/** @throws RollgateError `NO_WORKER` when nobody has polled the queue lately, nor begins to within 2 s */
export async function requireWorker(session: Session): Promise<void> {
  const deadline = performance.now() + graceMs;
  while ((await workersOf(session)).length === 0) {
    if (performance.now() >= deadline) throw noWorker(session, 'nobody polls it');
    await delay(200);
  }
}

/** Longer than a worker needs to be started again, short enough for a person who waits. */
const unclaimedMs = 8000;

/**
 * Ends when one of the workflow's tasks has lain unclaimed for 8 s: the workers in the list of pollers are dead.
 * Measured by this process's clock alone, so that clocks need not agree.
 */
export async function unclaimedTask(handle: WorkflowHandle, signal: AbortSignal): Promise<void> {
  let seen = '';
  let since = performance.now();
  while (!signal.aborted) {
    const waiting = await waitingTasks(handle);
    if (waiting === '' || waiting !== seen) {
      seen = waiting;
      since = performance.now();
    }
    if (performance.now() - since >= unclaimedMs) return;
    await delay(1000, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}

/** The tasks that lie in the queue, by name; empty when there is none. */
async function waitingTasks(handle: WorkflowHandle): Promise<string> {
  const { raw } = await handle.describe();
  const workflowTask = raw.pendingWorkflowTask;
  const lying = (raw.pendingActivities ?? [])
    .filter((a) => a.state === PENDING_ACTIVITY_STATE_SCHEDULED)
    .map((a) => `${a.activityId ?? ''}/${a.attempt ?? 0}`);
  if (workflowTask && workflowTask.state !== PENDING_WORKFLOW_TASK_STATE_STARTED) {
    lying.push(`workflow/${workflowTask.attempt ?? 0}`);
  }
  return lying.join(' ');
}
