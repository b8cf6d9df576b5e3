import { defineQuery, defineSignal, defineUpdate, setHandler } from '@temporalio/workflow';
import { ApplicationFailure } from '@temporalio/common';
import { controlActions, statusQuery, type ControlInput, type ControlReply } from '../contracts/control.js';
import type { ControlAction, RunState } from '../contracts/run.js';
import { now, tell, type Run } from './run.js';
import { publish } from './publish.js';

/**
 * Every control exists as a validated update (the CLI and the client) and as a signal of the same name (the
 * Temporal UI and CLI). An update that cannot take effect is refused before it enters the history; a signal
 * cannot be refused, so it is recorded as a decision that did not take effect.
 */
export function installControls(run: Run): void {
  setHandler(defineQuery<RunState>(statusQuery), () => run.state);
  for (const action of controlActions) {
    setHandler(
      defineUpdate<ControlReply, [ControlInput?]>(action),
      (input: ControlInput = {}) => decide(run, action, input),
      {
        validator: (input: ControlInput = {}) => {
          const objection = objectionTo(run, action, input, 'update');
          if (objection !== undefined) throw ApplicationFailure.nonRetryable(objection, 'CONTROL_REFUSED');
        },
      },
    );
    setHandler(defineSignal<[ControlInput?]>(action), (input?: ControlInput) => {
      const given = input ?? {};
      const objection = objectionTo(run, action, given, 'signal');
      if (objection === undefined) decide(run, action, given);
      else record(run, action, given, false, objection);
    });
  }
}

/** Why a control cannot take effect now, or `undefined`. */
function objectionTo(
  run: Run,
  action: ControlAction,
  input: ControlInput,
  by: 'update' | 'signal',
): string | undefined {
  const { state } = run;
  if (state.run.outcome !== 'running' || state.phase === 'finishing' || state.phase === 'finished') {
    return `the run is ${state.phase === 'finishing' ? 'finishing' : `over (${state.run.outcome})`}`;
  }
  switch (action) {
    case 'pause':
      return state.pauseRequested ? 'the run is paused already' : undefined;
    case 'resume':
      return state.pauseRequested ? undefined : 'the run is not paused';
    case 'approve':
    case 'reject':
      return approvalObjection(state, action, input, by);
    case 'retry':
      return state.phase === 'blocked' ? undefined : `nothing has failed: the run is ${state.phase}`;
    case 'skip': {
      if (state.phase !== 'blocked') return `nothing has failed: the run is ${state.phase}`;
      if (run.way.leave) return run.way.leave.objection(run);
      const node = state.nodes.find((n) => state.failure?.step === `replace/${n.id}`);
      if (!node) return 'only the replacement of a node can be skipped';
      return node.status !== 'pending'
        ? `${node.id} has been stopped already and cannot be left like that: retry or roll back`
        : undefined;
    }
    case 'rollback':
      return state.direction === 'back'
        ? 'the run is rolling back already'
        : run.way.objectionTo?.(run, action);
    case 'abort':
      return run.interrupt === 'abort'
        ? 'the run is being aborted already'
        : run.way.objectionTo?.(run, action);
  }
}

function approvalObjection(
  state: RunState,
  action: 'approve' | 'reject',
  input: ControlInput,
  by: 'update' | 'signal',
): string | undefined {
  if (!state.waiting) return `no approval is waiting: the run is ${state.phase}`;
  if (input.step !== undefined && input.step !== state.waiting.step) {
    return `${input.step} does not wait for approval; ${state.waiting.step} does`;
  }
  if (action === 'reject') return undefined;
  const hash = state.plan?.hash;
  // A bare signal is pressed in the Temporal UI, beside the hash that waits: it can only mean that one.
  if (input.planHash === undefined && by === 'signal') return undefined;
  if (input.planHash !== hash) {
    return `the approval is for plan ${input.planHash ?? '(none named)'}, the run follows plan ${hash ?? '(none)'}: read the plan again`;
  }
  return undefined;
}

function decide(run: Run, action: ControlAction, input: ControlInput): ControlReply {
  const { state } = run;
  const effect = apply(run, action);
  record(run, action, { ...input, step: input.step ?? state.waiting?.step ?? state.step }, true);
  return { accepted: true, effect };
}

function apply(run: Run, action: ControlAction): string {
  const { state } = run;
  const atOnce =
    state.phase === 'blocked' || state.phase === 'waiting-for-approval' || state.phase === 'paused';
  const safePoint = atOnce
    ? 'at once'
    : `after the step in progress${state.step === undefined ? '' : ` (${state.step})`}`;
  switch (action) {
    case 'pause':
      state.pauseRequested = true;
      return state.phase === 'blocked' ? 'before the next step' : safePoint;
    case 'resume':
      state.pauseRequested = false;
      return 'at once';
    case 'approve':
      run.verdict = 'approved';
      return 'at once';
    case 'reject':
      run.verdict = 'rejected';
      return 'at once';
    case 'retry':
    case 'skip':
      run.unblock = action;
      return 'at once';
    case 'rollback':
    case 'abort':
      run.interrupt = action;
      run.unblock = action;
      // What waits at a gate may be left at once; an effect in progress is always finished first.
      run.waiting?.cancel();
      return atOnce || run.waiting ? 'at once' : safePoint;
  }
}

function record(
  run: Run,
  action: ControlAction,
  input: ControlInput,
  accepted: boolean,
  note?: string,
): void {
  const by = input.by ?? 'signal without a name';
  run.state.decisions.push({
    action,
    by,
    reason: input.reason ?? '',
    at: now(),
    step: input.step,
    accepted,
    note,
  });
  tell(run, 'decision', `${action} by ${by}${accepted ? '' : `, without effect: ${note ?? ''}`}`);
  publish(run.state);
}
