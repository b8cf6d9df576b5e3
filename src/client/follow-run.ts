import { setTimeout as delay } from 'node:timers/promises';
import {
  QueryNotRegisteredError,
  type WorkflowExecutionDescription,
  type WorkflowHandle,
} from '@temporalio/client';
import {
  RollgateError,
  statusQuery,
  type ControlAction,
  type ControlInput,
  type ControlReply,
  type RunState,
} from '../contracts/index.js';
import { controlRun } from './control-run.js';
import { answerMs, describeLatest, isOpen, type RunKey, type RunWorkflow } from './describe-run.js';
import type { RunHandle, WaitOptions } from './run-handle.js';
import type { Session, SessionSource } from './session.js';
import { noWorker, requireWorker } from './task-queue.js';
import { asRollgateError, grpcCode, grpcStatusOf } from './temporal-errors.js';

/** An answer that takes longer than this makes one ask whether there is a worker at all. */
const slowMs = 1000;

/** A handle on the run whose first execution is `runId`. */
export function followRun(sessions: SessionSource, run: RunKey): RunHandle {
  const { cluster, workflowId, runId } = run;

  async function status(): Promise<RunState> {
    const session = await sessions.open();
    try {
      const latest = await describeLatest(session, run);
      const execution = session.client.workflow.getHandle<RunWorkflow>(workflowId, latest.runId);
      if (isOpen(latest)) return await query(session, execution);
      const { name } = latest.status;
      if (name === 'COMPLETED' || name === 'CONTINUED_AS_NEW') return await execution.result();
      return endedInTemporal(await query(session, execution), latest);
    } catch (error) {
      throw asRollgateError(error, workflowId);
    }
  }

  async function wait(options: WaitOptions = {}): Promise<RunState> {
    const { signal, timeoutMs } = options;
    const timeout = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
    const ends = AbortSignal.any([signal, timeout].filter((s) => s !== undefined));
    for (;;) {
      try {
        const session = await sessions.open();
        ends.throwIfAborted();
        const ended = session.connection.withAbortSignal(ends, () =>
          session.client.workflow.getHandle<RunWorkflow>(workflowId, runId).result(),
        );
        // The SDK does not see a signal that is aborted between two of its long polls.
        return await Promise.race([ended, aborted(ends)]);
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        if (timeout?.aborted) throw timedOut(workflowId, cluster, timeoutMs ?? 0);
        const known = asRollgateError(error, workflowId);
        if (known.code !== 'TEMPORAL_UNREACHABLE') throw known;
        // The run outlives an outage of Temporal, and so does the wait for it.
        await delay(1000);
      }
    }
  }

  const control = async (action: ControlAction, input: ControlInput = {}): Promise<ControlReply> =>
    controlRun(await sessions.open(), run, action, input);

  return {
    cluster,
    workflowId,
    runId,
    status,
    result: () => wait(),
    wait,
    pause: (input) => control('pause', input),
    resume: (input) => control('resume', input),
    approve: (input) => control('approve', input),
    reject: (input) => control('reject', input),
    retry: (input) => control('retry', input),
    skip: (input) => control('skip', input),
    rollback: (input) => control('rollback', input),
    abort: (input) => control('abort', input),
  };
}

async function query(session: Session, execution: WorkflowHandle<RunWorkflow>): Promise<RunState> {
  const over = new AbortController();
  try {
    const asked = session.connection.withDeadline(Date.now() + answerMs, () =>
      execution.query<RunState>(statusQuery),
    );
    // Temporal holds a query for a worker that may come; without one we need not wait for the deadline.
    const unserved = delay(slowMs, undefined, { signal: over.signal }).then(() => requireWorker(session));
    return await Promise.race([asked, unserved.then(() => asked)]);
  } catch (error) {
    const grpc = grpcStatusOf(error);
    if (grpc === grpcCode.deadlineExceeded || grpc === grpcCode.failedPrecondition) {
      throw noWorker(session, `nobody answered the query ${statusQuery} of ${execution.workflowId}`);
    }
    if (error instanceof QueryNotRegisteredError) {
      throw noWorker(session, `its worker does not know the run's query: ${error.message}`);
    }
    throw error;
  } finally {
    over.abort();
  }
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const stop = (): void => reject(new Error('aborted'));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });

/** The last state of a run whose workflow did not end by itself: it says `running`, but nothing runs any more. */
function endedInTemporal(state: RunState, description: WorkflowExecutionDescription): RunState {
  const at = (description.closeTime ?? new Date()).toISOString();
  return {
    ...state,
    phase: 'finished',
    run: { ...state.run, outcome: 'failed', endedAt: at },
    ...(state.pipeline && { pipeline: { ...state.pipeline, outcome: 'failed' } }),
    failure: {
      code: 'INTERNAL',
      message: `the workflow was ended in Temporal (${description.status.name.toLowerCase()})${state.failure ? `; before: ${state.failure.message}` : ''}`,
      remedy:
        'Its compensation has not run. Look at the cluster, then start the run again: it goes on from what it finds.',
      step: state.step,
      at,
    },
    leftUndone: [
      ...state.leftUndone,
      ...state.compensations.map((c) => ({
        what: c.id,
        command: `rollgate doctor -f FILE, then start the run of ${state.run.cluster} again`,
        error: 'the workflow was ended in Temporal before it was undone',
      })),
    ],
  };
}

const timedOut = (workflowId: string, cluster: string, timeoutMs: number): RollgateError =>
  new RollgateError(
    'WAIT_TIMED_OUT',
    `${workflowId} has not ended within ${timeoutMs / 1000} s`,
    `The run goes on: rollgate watch ${cluster}`,
  );
