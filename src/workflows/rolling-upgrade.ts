import { clusterOfRun } from '../contracts/chapter.js';
import type { RunInput, RunState } from '../contracts/run.js';
import type { ClusterView, NodeId } from '../contracts/view.js';
import { nextStep, switchStepId, type NextStep } from '../planning/next-step.js';
import { isOfSeries } from '../planning/version-path.js';
import { acceptPlan, planned } from './accept-plan.js';
import { act } from './activities.js';
import { approvalFor, attempt, type Answer } from './attempt.js';
import { rollByMembership } from './by-membership.js';
import { installControls } from './controls.js';
import { setPhase } from './publish.js';
import {
  createRun,
  failStep,
  now,
  progressOf,
  remember,
  tell,
  upgradeOf,
  type Run,
  type Way,
} from './run.js';
import { loop, type Ending } from './loop.js';
import { finish, verifyEnd } from './steps/finish.js';
import { adoptPromotion, completeHandover, handOver, putBack } from './steps/handover.js';
import { needsPrepare, prepareOnce } from './steps/prepare.js';
import { replaceNode, targetLevel } from './steps/replace.js';
import { awaitLevel, levelReached, switchLevel } from './steps/switch.js';
import { settleTransfer } from './steps/transfer.js';

/**
 * A rolling upgrade: plan, then observe → decide → act → verify until every node is on its target. Rolling back
 * is the same loop with the former versions as targets. Returns the final state of the run.
 */
export async function rollingUpgrade(input: RunInput): Promise<RunState> {
  const run = createRun(input, upgradeWay);
  await runUpgrade(run, input.expectPlan);
  return run.state;
}

/** The whole of one upgrade, alone or as a stage of a pipeline. */
export async function runUpgrade(run: Run, expected?: string): Promise<void> {
  installControls(run);
  const ended = await planned(run, () => plan(run, expected));
  await finish(run, ended ?? (await loopOf(run)));
}

/** Undo an upgrade that had completed: the same loop, with the former versions as targets. */
export async function undoUpgrade(run: Run): Promise<void> {
  installControls(run);
  const answer = await prepareOnce(run);
  if (answer !== 'done') return finish(run, answer === 'abort' ? 'aborted' : 'failed');
  goBack(run);
  await finish(run, await loopOf(run));
}

const loopOf = (run: Run): Promise<Ending> =>
  upgradeOf(run).strategy === 'by-membership' ? rollByMembership(run) : roll(run);

async function plan(run: Run, expected: string | undefined): Promise<void> {
  const { cluster } = run.state.spec;
  const upgrade = upgradeOf(run);
  const made = await act('makePlan', `plan ${cluster.name} to ${upgrade.to}`, { ...run.target, upgrade });
  run.state.nodes = made.nodes.map((n) => ({
    id: n.id,
    group: n.group,
    from: n.from,
    to: n.to,
    roleBefore: n.role,
    version: n.from,
    status: n.from === n.to ? 'complete' : 'pending',
  }));
  acceptPlan(run, made, expected, 'plan');
}

async function roll(run: Run): Promise<Ending> {
  const ending = await loop(run, 'rolling', turnOnce);
  return ending === 'completed' && run.state.skipped.length > 0 ? skippedEnding(run) : ending;
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
  if (needsPrepare(run)) return prepareOnce(run);
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
  state.resumeHint = `rollgate watch ${clusterOfRun(state)}`;
  return take(run, next, view);
}

/** Settle what a lost reply or a failed compensation has left open. Returns the view that is then true. */
async function settleOpen(run: Run, view: ClusterView): Promise<ClusterView> {
  if (run.state.fence) await adoptPromotion(run, view);
  if (run.state.release) await completeHandover(run);
  const settled = await settleTransfer(run);
  if (!(await putBack(run)) && !settled) return view;
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
    level: targetLevel(state),
    cleared: state.switches
      .filter((s) => s.how === 'by-last-node' && s.clearedAt !== undefined && s.to === targetLevel(state))
      .map((s) => s.group),
  });
  if (next.kind === 'stuck') failStep('STUCK', next.message, next.remedy);
  return next;
}

/** Nothing is left to change: the last approval, and the look at the whole cluster. */
async function verify(run: Run): Promise<Answer | 'complete'> {
  const reached: { end?: 'complete' } = {};
  const answer = await attempt(run, 'finish', 'Finish', undefined, async () => {
    await approvalFor(run, 'finish', 'Finish');
    const { state } = run;
    const level = levelAtEnd(state);
    await verifyEnd(run, { ...targetsOf(state), ...versionsOf(run, state.skipped) }, level);
    if (level !== undefined) levelReached(run, level);
    reached.end = 'complete';
  });
  return reached.end ?? answer;
}

/** A node that was skipped keeps the level where it was; so does one that ran a later series before the run. */
function levelAtEnd(state: RunState): string | undefined {
  const level = targetLevel(state);
  if (level === undefined || state.skipped.length > 0) return undefined;
  return Object.values(targetsOf(state)).every((to) => isOfSeries(to, level)) ? level : undefined;
}

async function take(
  run: Run,
  next: Extract<NextStep, { kind: 'replace' | 'handover' | 'switch' }>,
  view: ClusterView,
): Promise<Answer> {
  const { state } = run;
  if (next.kind === 'replace') {
    const id = `replace/${next.node}`;
    const title = state.direction === 'forward' ? `Replace ${next.node}` : `Put ${next.node} back`;
    return attempt(run, id, title, next.node, async () => {
      await approvalFor(run, id, title);
      await replaceNode(run, next, view);
      const left = state.nodes.some((n) => n.group === next.group && n.status !== 'complete');
      if (!left) await awaitLevel(run, next.group, levelAtEnd(state));
    });
  }
  if (next.kind === 'switch') {
    const id = switchStepId(next.how, next.group);
    const title = switchTitles[next.how](next.to);
    return attempt(run, id, title, undefined, () =>
      switchLevel(run, next, view, () => approvalFor(run, id, title)),
    );
  }
  const id = `handover/${next.group}`;
  const title = `Hand over from ${next.from}`;
  return attempt(run, id, title, next.from, async () => {
    await approvalFor(run, id, title);
    await handOver(run, next, view);
  });
}

const switchTitles = {
  'by-last-node': (to: string) => `Let the level go to ${to}`,
  lower: (to: string) => `Lower the level to ${to}`,
  cancel: (to: string) => `Cancel the lowering; level ${to}`,
} as const;

function targetsOf(state: RunState): Record<NodeId, string> {
  return Object.fromEntries(state.nodes.map((n) => [n.id, state.direction === 'forward' ? n.to : n.from]));
}

function versionsOf(run: Run, nodes: readonly NodeId[]): Record<NodeId, string> {
  return Object.fromEntries(nodes.map((n) => [n, progressOf(run, n).from]));
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

export const upgradeWay: Way = { goBack, giveUp };

function giveUp(run: Run): 'give-up' {
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
