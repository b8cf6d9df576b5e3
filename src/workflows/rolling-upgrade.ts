import type { PlanStep } from '../contracts/plan.js';
import type { NodeProgress, RunInput, RunState } from '../contracts/run.js';
import type { ClusterView, NodeId } from '../contracts/view.js';
import { nextStep, type NextStep } from '../planning/next-step.js';
import { act } from './activities.js';
import { installControls } from './controls.js';
import { setPhase } from './publish.js';
import {
  createRun,
  failStep,
  Interrupted,
  Overtaken,
  now,
  progressOf,
  remember,
  setStatus,
  tell,
  type Run,
} from './run.js';
import { awaitApproval, awaitUnblock, safePoint } from './safe-point.js';
import { compensate, failureOf } from './saga.js';
import { finish, verifyEnd } from './steps/finish.js';
import { adoptPromotion, completeHandover, handOver, putBack } from './steps/handover.js';
import { prepare } from './steps/prepare.js';
import { replaceNode } from './steps/replace.js';

/**
 * A rolling upgrade: plan, then observe → decide → act → verify until every node is on its target. Rolling back
 * is the same loop with the former versions as targets. Returns the final state of the run.
 */
export async function rollingUpgrade(input: RunInput): Promise<RunState> {
  const run = createRun(input);
  installControls(run);
  const { state } = run;
  if (!state.plan) {
    const goOn = await attempt(run, 'plan', 'Plan', undefined, () => plan(run, input.expectPlan));
    if (goOn !== 'done') {
      await finish(run, goOn === 'abort' ? 'aborted' : 'failed');
      return state;
    }
    const kind = planKind(state);
    if (kind !== 'possible') {
      await finish(run, kind === 'done' ? 'completed' : 'failed');
      return state;
    }
  }
  await finish(run, await roll(run));
  return state;
}

const planKind = (state: RunState): string => state.plan?.kind ?? 'refused';

async function plan(run: Run, expected: string | undefined): Promise<void> {
  const { state } = run;
  const { cluster, upgrade } = state.spec;
  const made = await act('makePlan', `plan ${cluster.name} to ${upgrade.to}`, { ...run.target, upgrade });
  if (expected !== undefined && expected !== made.hash) {
    state.failure = {
      code: 'PLAN_CHANGED',
      message: `the plan is ${made.hash} now; ${expected} was expected`,
      remedy: 'Run plan again and read what has changed. Nothing was changed by this run.',
      at: now(),
    };
    state.plan = { ...made, kind: 'refused' };
    return;
  }
  state.plan = made;
  state.resumeHint = `rollgate watch ${cluster.name}`;
  if (made.kind === 'refused') {
    state.failure = {
      code: 'PLAN_REFUSED',
      message: made.refusals.map((r) => `${r.code}: ${r.message}`).join('; '),
      remedy: made.refusals.map((r) => r.remedy).join(' '),
      at: now(),
    };
  }
  state.nodes = made.nodes.map((n) => ({
    id: n.id,
    group: n.group,
    from: n.from,
    to: n.to,
    roleBefore: n.role,
    version: n.from,
    status: n.from === n.to ? 'complete' : 'pending',
  }));
  tell(run, 'step', `plan ${made.hash} is ${made.kind}`);
}

type Ending = 'completed' | 'rolled-back' | 'aborted' | 'failed';

async function roll(run: Run): Promise<Ending> {
  const { state } = run;
  const prepared = (): boolean => state.steps.some((s) => s.id === 'prepare' && s.result === 'done');
  for (;;) {
    try {
      await safePoint(run, state.direction === 'forward' ? 'rolling' : 'rolling-back');
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      if (!turn(run)) return 'aborted';
      continue;
    }
    if (!prepared() && state.direction === 'forward') {
      const answer = await attempt(run, 'prepare', 'Prepare', undefined, () => prepare(run));
      if (answer === 'give-up') return 'failed';
      if (answer === 'abort') return 'aborted';
      continue;
    }
    const answer = await turnOnce(run);
    switch (answer) {
      case 'done':
        break;
      case 'complete':
        if (state.skipped.length > 0 && state.direction === 'forward') return skippedEnding(run);
        return state.direction === 'forward' ? 'completed' : 'rolled-back';
      case 'abort':
        return 'aborted';
      case 'give-up':
        return 'failed';
    }
  }
}

function skippedEnding(run: Run): Ending {
  run.state.failure ??= {
    code: 'STUCK',
    message: `skipped by the operator and still on the former version: ${run.state.skipped.join(', ')}`,
    remedy: 'Start the upgrade again once the cause is gone: nodes on the target are left alone.',
    at: now(),
  };
  return 'failed';
}

/** One turn of the loop: observe, decide, act, verify. */
async function turnOnce(run: Run): Promise<Answer | 'complete'> {
  const { state } = run;
  const decided: { next?: NextStep; view?: ClusterView } = {};
  const answer = await attempt(run, 'observe', 'Observe', undefined, async () => {
    const seen = await act('observeCluster', 'observe the cluster', run.target);
    remember(run, seen);
    const view = await settleOpen(run, seen);
    decided.view = view;
    decided.next = decide(run, view);
  });
  const { next, view } = decided;
  if (answer !== 'done' || next === undefined || view === undefined) return answer;
  if (next.kind === 'complete') return verify(run);
  if (next.kind === 'stuck') return 'done';
  state.resumeHint = `rollgate watch ${state.run.cluster}`;
  return take(run, next, view);
}

/** Settle what a lost reply or a failed compensation has left open. Returns the view that is then true. */
async function settleOpen(run: Run, view: ClusterView): Promise<ClusterView> {
  if (run.state.fence) await adoptPromotion(run, view);
  if (run.state.release) await completeHandover(run);
  if (!(await putBack(run))) return view;
  return act('observeCluster', 'observe the cluster', run.target);
}

function decide(run: Run, view: ClusterView): NextStep {
  const { state } = run;
  const next = nextStep({
    view,
    targets: targetsOf(state),
    progress: state.nodes,
    skipped: state.skipped,
    preferredPrimaries: state.nodes.filter((n) => n.roleBefore === 'primary').map((n) => n.id),
  });
  if (next.kind === 'stuck') failStep('STUCK', next.message, next.remedy);
  return next;
}

/** Nothing is left to change: the last approval, and the look at the whole cluster. */
async function verify(run: Run): Promise<Answer | 'complete'> {
  const reached: { end?: 'complete' } = {};
  const answer = await attempt(run, 'finish', 'Finish', undefined, async () => {
    await approvalFor(run, 'finish', 'Finish');
    await verifyEnd(run, { ...targetsOf(run.state), ...versionsOf(run, run.state.skipped) });
    reached.end = 'complete';
  });
  return reached.end ?? answer;
}

async function take(
  run: Run,
  next: Extract<NextStep, { kind: 'replace' | 'handover' }>,
  view: ClusterView,
): Promise<Answer> {
  const { state } = run;
  if (next.kind === 'replace') {
    const id = `replace/${next.node}`;
    const title = state.direction === 'forward' ? `Replace ${next.node}` : `Put ${next.node} back`;
    return attempt(run, id, title, next.node, async () => {
      await approvalFor(run, id, title);
      await replaceNode(run, next, view);
    });
  }
  const id = `handover/${next.group}`;
  const title = `Hand over from ${next.from}`;
  return attempt(run, id, title, next.from, async () => {
    await approvalFor(run, id, title);
    await handOver(run, next, view);
  });
}

/** Rolling back asks nobody: whoever asked for it wants it now. */
async function approvalFor(run: Run, id: string, title: string): Promise<void> {
  const { state } = run;
  if (state.direction === 'back') return;
  const planned = state.plan?.steps.find((s: PlanStep) => s.id === id);
  if (planned?.approval === true) await awaitApproval(run, id, title);
}

function targetsOf(state: RunState): Record<NodeId, string> {
  return Object.fromEntries(state.nodes.map((n) => [n.id, state.direction === 'forward' ? n.to : n.from]));
}

function versionsOf(run: Run, nodes: readonly NodeId[]): Record<NodeId, string> {
  return Object.fromEntries(nodes.map((n) => [n, progressOf(run, n).from]));
}

/** `done`, or how the run ends: `abort` by the operator, `give-up` because nothing more can be tried. */
type Answer = 'done' | 'abort' | 'give-up';

/**
 * Try one step until it is done or the run turns another way. A failure first puts back what the step had
 * changed, as far as the node still serves; then the spec's `onFailure` or the operator decides.
 */
async function attempt(
  run: Run,
  id: string,
  title: string,
  node: NodeId | undefined,
  body: () => Promise<void>,
): Promise<Answer> {
  const { state } = run;
  const planned = state.plan?.steps.find((s) => s.id === id);
  const isStep = planned !== undefined || id.includes('/');
  const at = { id, node, depth: state.compensations.length, before: statusOf(state, node) };
  if (isStep || id === 'prepare') state.step = id;
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
    readonly depth: number;
    /** The node's status then. */
    readonly before?: NodeProgress['status'];
  },
): Promise<Answer> {
  const { state } = run;
  if (error instanceof Overtaken) {
    tell(run, 'step', error.message);
    await compensate(run, at.depth);
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
    await compensate(run, at.depth);
    // An old primary that the handover has stopped is out of service before its own step begins.
    const takenOut = (status === 'draining' || status === 'drained') && at.before !== 'drained';
    if (takenOut) setStatus(run, at.node ?? '', 'pending');
  }
  if (interrupted) return turn(run) ? 'done' : 'abort';
  if (at.id === 'plan') return 'give-up';
  if (state.spec.upgrade.onFailure === 'rollback') {
    if (state.direction === 'back') return giveUp(run);
    goBack(run);
    return 'done';
  }
  const answer = await awaitUnblock(run);
  if (answer === 'retry') return 'done';
  if (answer === 'skip') {
    if (at.node !== undefined) state.skipped.push(at.node);
    return 'done';
  }
  return turn(run) ? 'done' : 'abort';
}

const statusOf = (state: RunState, node: NodeId | undefined): NodeProgress['status'] | undefined =>
  state.nodes.find((n) => n.id === node)?.status;

/** Obey the operator's interrupt. False: the run is to end as aborted. */
function turn(run: Run): boolean {
  const wish = run.interrupt;
  run.interrupt = undefined;
  if (wish === 'abort') return false;
  if (wish === 'rollback') goBack(run);
  return true;
}

/** From here on the same loop runs towards the former versions. */
function goBack(run: Run): void {
  const { state } = run;
  state.direction = 'back';
  state.skipped = [];
  setPhase(state, 'rolling-back');
  for (const node of state.nodes) {
    if (node.status === 'complete' && node.from !== node.to) node.status = 'pending';
    node.endedAt = undefined;
  }
  tell(run, 'step', 'rolling back to the former version');
}

function giveUp(run: Run): Answer {
  const { state } = run;
  for (const node of state.nodes.filter((n) => n.status !== 'pending' || n.version !== n.from)) {
    if (node.version === node.from && node.status === 'complete') continue;
    state.leftUndone.push({
      what: `${node.id} is not back on ${node.from} (${node.status})`,
      command: `rollgate start with ${node.from} as target once the cause is gone`,
      error: state.failure?.message ?? '',
    });
  }
  return 'give-up';
}
