import type { ControlInput, ControlReply, RunState } from '../contracts/index.js';

export interface WaitOptions {
  /** Milliseconds; default: for ever. */
  readonly timeoutMs?: number;
  /** Ends the wait, not the run; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * One run, of an upgrade or a formation, in progress or over. It stays the same run when its workflow continues as new.
 *
 * Every method may throw a RollgateError `TEMPORAL_UNREACHABLE`. Every control throws `NO_WORKER` when no worker
 * answers, `CONTROL_REFUSED` with the run's reason when it cannot take effect now, and `RUN_NOT_FOUND` when the run
 * is gone. A control says who (`by`) and why (`reason`); both are recorded in the run.
 */
export interface RunHandle {
  readonly cluster: string;
  readonly workflowId: string;
  /** The id under which the run's artifacts are kept: that of the first execution of its workflow. */
  readonly runId: string;
  /**
   * The state of the run now: of one in progress asked from its workflow, of one that is over its result.
   *
   * @throws RollgateError `NO_WORKER` when no worker answers; it is retryable, the run itself only waits
   */
  status(): Promise<RunState>;
  /**
   * The final state. Waits as long as the run lasts, through outages of Temporal and of workers too.
   *
   * @throws RollgateError `INTERNAL` when the workflow was terminated, cancelled or failed in Temporal
   */
  result(): Promise<RunState>;
  /**
   * The final state, or an error if it has not come in time. The run goes on in any case.
   *
   * @throws RollgateError `WAIT_TIMED_OUT`; `INTERNAL` as {@link RunHandle.result}
   */
  wait(options?: WaitOptions): Promise<RunState>;
  /** Hold at the next safe point. */
  pause(input?: ControlInput): Promise<ControlReply>;
  /** Go on after a pause. */
  resume(input?: ControlInput): Promise<ControlReply>;
  /** Let the step that waits begin. `planHash` is required and must be that of the run's plan. */
  approve(input: ControlInput): Promise<ControlReply>;
  /** Refuse the step that waits; the spec's `onFailure` decides what follows. */
  reject(input?: ControlInput): Promise<ControlReply>;
  /** Try the failed step of a blocked run again. */
  retry(input?: ControlInput): Promise<ControlReply>;
  /**
   * Leave the node of the failed step as it is and go on with the others; the run then ends as failed. Of a migration
   * whose cut-back cannot reach a side: give that side up for good.
   */
  skip(input?: ControlInput): Promise<ControlReply>;
  /**
   * From the next safe point, go back to the former version with the same gates; of a formation whose seed has not
   * taken the standalone's place, make the standalone an ordinary one again.
   */
  rollback(input?: ControlInput): Promise<ControlReply>;
  /** Stop at the next safe point and give back what was borrowed; nodes keep the version they have. */
  abort(input?: ControlInput): Promise<ControlReply>;
}
