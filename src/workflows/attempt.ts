import type { PlanStep } from '../contracts/plan.js';
import type { NodeProgress, RunState } from '../contracts/run.js';
import type { NodeId } from '../contracts/view.js';
import { Interrupted, now, Overtaken, setStatus, tell, type Run } from './run.js';
import { awaitApproval, awaitUnblock } from './safe-point.js';
import { compensate, failureOf } from './saga.js';

/** What only looks is no step, unless the plan has it as one. */
const looking: readonly string[] = ['plan', 'observe'];

/** `done`, or how the run ends: `abort` by the operator, `give-up` because nothing more can be tried. */
export type Answer = 'done' | 'abort' | 'give-up';

/**
 * Try one step until it is done or the run turns another way. A failure first puts back what the step had
 * changed, as far as the node still serves; then the spec's `onFailure` or the operator decides.
 */
export async function attempt(
  run: Run,
  id: string,
  title: string,
  node: NodeId | undefined,
  body: () => Promise<void>,
): Promise<Answer> {
  const { state } = run;
  const planned = state.plan?.steps.find((s) => s.id === id);
  const isStep = planned !== undefined || !looking.includes(id);
  const at = { id, node, stack: [...state.compensations], before: statusOf(state, node) };
  if (isStep) state.step = id;
  const progress: RunState['steps'][number] = {
    id,
    // The plan's titles are those of the way forward.
    title: state.direction === 'forward' ? (planned?.title ?? title) : title,
    startedAt: now(),
  };
  if (isStep) state.steps.push(progress);
  try {
    if (id === 'prepare' && planned?.approval === true) await awaitApproval(run, id, planned.title);
    await body();
    progress.endedAt = now();
    progress.result = 'done';
    state.step = undefined;
    if (state.failure?.step !== undefined) state.failure = undefined;
    return 'done';
  } catch (error) {
    progress.endedAt = now();
    progress.result = resultOf(error);
    return await afterFailure(run, error, at);
  }
}

function resultOf(error: unknown): RunState['steps'][number]['result'] {
  if (error instanceof Overtaken) return 'skipped';
  return error instanceof Interrupted ? 'interrupted' : 'failed';
}

async function afterFailure(
  run: Run,
  error: unknown,
  at: {
    readonly id: string;
    readonly node?: NodeId;
    /** Compensations that were there before the step began. */
    readonly stack: RunState['compensations'];
    /** The node's status then. */
    readonly before?: NodeProgress['status'];
  },
): Promise<Answer> {
  const { state } = run;
  if (error instanceof Overtaken) {
    tell(run, 'step', error.message);
    await compensate(run, at.stack);
    return 'done';
  }
  const interrupted = error instanceof Interrupted;
  const failure = interrupted ? undefined : { ...failureOf(error, at.node), step: at.id };
  if (failure) {
    state.failure = failure;
    tell(run, 'failure', `${failure.code}: ${failure.message}`, failure.node);
  }
  const status = statusOf(state, at.node);
  const stopped =
    at.node !== undefined && (status === 'upgrading' || status === 'rejoining' || status === 'failed');
  const handedOver = state.release !== undefined || (status === 'drained' && at.id.startsWith('handover/'));
  if (stopped && failure) setStatus(run, at.node ?? '', 'failed', failure.message);
  // A stopped node stays out of routing and the ledger keeps it so: only the way on, or back, heals it.
  if (!stopped && !handedOver) {
    await compensate(run, at.stack);
    // An old primary that the handover has stopped is out of service before its own step begins.
    const takenOut = (status === 'draining' || status === 'drained') && at.before !== 'drained';
    if (takenOut) setStatus(run, at.node ?? '', 'pending');
  }
  if (interrupted) return turn(run) ? 'done' : 'abort';
  if (at.id === 'plan') return 'give-up';
  if (run.settings.onFailure === 'rollback' && run.way.mustWait?.(run) !== true) {
    if (state.direction === 'back') return run.way.giveUp(run);
    state.cause = failure;
    run.way.goBack(run, 'failure');
    return 'done';
  }
  const answer = await awaitUnblock(run);
  if (answer === 'retry') return 'done';
  if (answer === 'skip') {
    if (at.node !== undefined) state.skipped.push(at.node);
    else run.way.leave?.take(run);
    return 'done';
  }
  return turn(run) ? 'done' : 'abort';
}

const statusOf = (state: RunState, node: NodeId | undefined): NodeProgress['status'] | undefined =>
  state.nodes.find((n) => n.id === node)?.status;

/** Obey the operator's interrupt. False: the run is to end as aborted. */
export function turn(run: Run): boolean {
  const wish = run.interrupt;
  run.interrupt = undefined;
  if (wish === 'abort') return false;
  if (wish === 'rollback') run.way.goBack(run, 'operator');
  return true;
}

/** Rolling back asks nobody: whoever asked for it wants it now. */
export async function approvalFor(run: Run, id: string, title: string): Promise<void> {
  const { state } = run;
  if (state.direction === 'back') return;
  const planned = state.plan?.steps.find((s: PlanStep) => s.id === id);
  if (planned?.approval === true) await awaitApproval(run, id, title);
}
