import type { FormationView } from '../contracts/activities.js';
import { valueOf } from '../contracts/observed.js';
import type { FormationInput, RunState } from '../contracts/run.js';
import { nextStage, type NextStage } from '../planning/formation/next-stage.js';
import { acceptPlan, planned } from './accept-plan.js';
import { act } from './activities.js';
import { approvalFor, attempt, type Answer } from './attempt.js';
import { installControls } from './controls.js';
import { setPhase } from './publish.js';
import { createFormationRun, failStep, formationOf, interruptible, tell, type Run } from './run.js';
import { loop } from './loop.js';
import { finish } from './steps/finish.js';
import { focus, membersOf, patienceMs } from './focus.js';
import { initSeed } from './steps/formation/init.js';
import { expandBy, removeFrom, serveSeed, transferTo, verifyMembers } from './steps/formation/members.js';
import { needsPrepare, prepareOnce } from './steps/prepare.js';
import { settleTransfer } from './steps/transfer.js';

/**
 * From a standalone to a cluster (R-FORM), or one stage of that way: plan, then observe → decide → act → verify
 * from the mode file and the member list, until no stage that was asked for is left.
 */
export async function clusterFormation(input: FormationInput): Promise<RunState> {
  const run = createFormationRun(input, { goBack, giveUp });
  installControls(run);
  if (input.rollback === true && run.state.direction === 'forward') goBack(run);
  const ended =
    run.state.direction === 'forward' ? await planned(run, () => plan(run, input.expectPlan)) : undefined;
  await finish(run, ended ?? (await loop(run, 'forming', turnOnce)));
  return run.state;
}

async function plan(run: Run, expected: string | undefined): Promise<void> {
  const { spec } = formationOf(run);
  const stages = stagesOf(run);
  const made = await act('makeFormationPlan', `plan ${stages.join(', ')} of ${spec.cluster}`, {
    ...run.target,
    formation: spec,
    stages,
  });
  run.state.nodes = made.nodes.map((n) => ({
    id: n.id,
    group: n.group,
    from: n.from,
    to: n.to,
    roleBefore: n.role,
    status: n.role === 'voter' ? 'complete' : 'pending',
  }));
  acceptPlan(run, made, expected, 'form plan');
}

const stagesOf = (run: Run) => (run.state.spec.formation ? run.state.spec.stages : []);

async function turnOnce(run: Run): Promise<Answer | 'complete'> {
  const { spec } = formationOf(run);
  const decided: { next?: NextStage; view?: FormationView } = {};
  const answer = await attempt(run, 'observe', 'Observe', undefined, async () => {
    const look = (): Promise<FormationView> => {
      focus(run, undefined);
      const what = 'look at the seed and the members';
      const input = { ...run.target, formation: spec, patienceMs };
      return interruptible(run, () => act('inspectFormation', what, input));
    };
    let view = await look();
    focus(run, membersOf(view));
    if (await settleTransfer(run)) view = await look();
    remember(run, view);
    decided.view = view;
    if (run.state.direction === 'back') return;
    decided.next = nextStage(view, spec, stagesOf(run));
    if (decided.next.stage === 'stuck') failStep('STUCK', decided.next.message, decided.next.remedy);
  });
  const { next, view } = decided;
  if (answer !== 'done' || !view) return answer;
  if (run.state.direction === 'back') return goBackToStandalone(run, view);
  if (!next || next.stage === 'stuck') return 'done';
  if (next.stage === 'complete') return verify(run, view);
  if (needsProbe(run, view)) return prepareOnce(run);
  return take(run, next, view);
}

/** Once members serve, the rest happens under the eyes of the probe. */
const needsProbe = (run: Run, view: FormationView): boolean =>
  valueOf(view.mode)?.mode === 'cluster' && needsPrepare(run);

function take(
  run: Run,
  next: Exclude<NextStage, { stage: 'complete' | 'stuck' }>,
  view: FormationView,
): Promise<Answer> {
  const id = `${next.stage}/${next.node}`;
  const title = titles[next.stage](next.node);
  return attempt(run, id, title, next.node, async () => {
    await approvalFor(run, id, title);
    switch (next.stage) {
      case 'init':
        return initSeed(run);
      case 'serve':
        return serveSeed(run);
      case 'expand':
        return expandBy(run, next.node, view);
      case 'transfer-leader':
        return transferTo(run, [next.node], next.from, view);
      case 'remove-member':
        return removeFrom(run, next.node, next.leads, view);
    }
  });
}

const titles = {
  init: (node: string) => `Make a seed of ${node}`,
  serve: (node: string) => `Let ${node} serve as a cluster of one`,
  expand: (node: string) => `Add ${node}`,
  'transfer-leader': (node: string) => `Let ${node} lead`,
  'remove-member': (node: string) => `Remove ${node}`,
} as const;

/** Nothing that was asked for is left to do: what has been made is looked at once more. */
async function verify(run: Run, view: FormationView): Promise<Answer | 'complete'> {
  const reached: { end?: 'complete' } = {};
  const answer = await attempt(run, 'finish', 'Finish', undefined, async () => {
    await approvalFor(run, 'finish', 'Finish');
    if (valueOf(view.mode)?.mode === 'cluster') await verifyMembers(run, view);
    reached.end = 'complete';
  });
  return reached.end ?? answer;
}

/** What the mode file says is what is true, whoever wrote it. */
function remember(run: Run, view: FormationView): void {
  const { state } = formationOf(run);
  const record = valueOf(view.mode);
  if (view.mode.kind === 'known') {
    state.mode = record?.mode ?? 'standalone';
    state.checkpoint = record?.checkpoint ?? '';
    if (record) run.state.resumeHint = record.resumeHint;
  }
  // A run that goes on from where another has stopped finds the standalone stopped by that one.
  if (view.standalone) state.wasRunning ??= record?.wasRunning ?? valueOf(view.standalone.running);
  for (const member of (view.members && valueOf(view.members)) ?? []) {
    const node = run.state.nodes.find((n) => n.id === member.node);
    if (node) node.roleAfter = member.role;
  }
}

async function goBackToStandalone(run: Run, view: FormationView): Promise<Answer | 'complete'> {
  const { spec, state } = formationOf(run);
  const { seed } = spec;
  const reached: { end?: 'complete' } = {};
  const answer = await attempt(run, `rollback/${seed}`, `Make ${seed} a standalone again`, seed, async () => {
    const mode = valueOf(view.mode)?.mode ?? 'standalone';
    if (view.mode.kind === 'unknown' || (mode !== 'standalone' && mode !== 'preparing')) {
      failStep(
        'STUCK',
        `${seed} is ${view.mode.kind === 'unknown' ? 'in an unknown mode' : mode}: it cannot be made a standalone again without losing what was written since`,
        'Abort: the members stay as they are. Remove members with rollgate form remove-member.',
      );
    }
    focus(run, [seed]);
    // One that runs still, by whoever's doing, is left alone.
    const runs = view.standalone && valueOf(view.standalone.running) === true;
    await act('restoreStandalone', `make ${seed} a standalone again`, {
      ...run.target,
      ...{ seed, start: state.wasRunning === true && runs !== true },
      ...{ timeoutMs: run.settings.timeouts.start, pollMs: run.settings.poll },
    });
    state.mode = 'standalone';
    state.checkpoint = '';
    reached.end = 'complete';
  });
  return reached.end ?? answer;
}

function goBack(run: Run): void {
  run.state.direction = 'back';
  setPhase(run.state, 'rolling-back');
  tell(run, 'step', 'going back to the standalone');
}

function giveUp(run: Run): 'give-up' {
  const { spec, state } = formationOf(run);
  run.state.leftUndone.push({
    what: `${spec.seed} is ${state.mode}`,
    command: run.state.resumeHint,
    error: run.state.failure?.message ?? '',
  });
  return 'give-up';
}
