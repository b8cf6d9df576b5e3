import type { MembersView } from '../contracts/activities.js';
import type { Gate } from '../contracts/gate.js';
import { compareVersions } from '../planning/version-path.js';
import { findNode, type NodeId } from '../contracts/view.js';
import { valueOf } from '../contracts/observed.js';
import { nextReplacement, type NextReplacement } from '../planning/membership/next-replacement.js';
import type { Pair } from '../planning/membership/pairs.js';
import { switchStepId } from '../planning/next-step.js';
import { act } from './activities.js';
import { approvalFor, attempt, type Answer } from './attempt.js';
import { focus, membersOf, patienceMs } from './focus.js';
import { failStep, interruptible, progressOf, remember, upgradeOf, type Run } from './run.js';
import { loop, type Ending } from './loop.js';
import { verifyEnd } from './steps/finish.js';
import { addMember, moveLeader, takeOutMember } from './steps/membership.js';
import { needsPrepare, prepareOnce } from './steps/prepare.js';
import { targetLevel } from './steps/replace.js';
import { awaitLevel, levelReached, switchLevel } from './steps/switch.js';
import { settleTransfer } from './steps/transfer.js';

type Step = Exclude<NextReplacement, { kind: 'stuck' | 'complete' }>;

/**
 * R-ROLL 11: new members on the target join, old ones are removed, one at a time, the former leader last. Rolling
 * back is the same with old and new exchanged; an old member joins again on an empty directory.
 */
export const rollByMembership = (run: Run): Promise<Ending> => loop(run, 'rolling', turnOnce);

async function turnOnce(run: Run): Promise<Answer | 'complete'> {
  const { state } = run;
  const decided: { next?: NextReplacement; seen?: MembersView } = {};
  const pairs = pairsOf(run);
  const answer = await attempt(run, 'observe', 'Observe', undefined, async () => {
    const look = async (): Promise<MembersView> => {
      focus(run, undefined);
      const joining = pairs.map((p) => p.fresh);
      const input = { ...run.target, joining, patienceMs };
      const seen = await interruptible(run, () => act('observeMembers', 'look at the members', input));
      focus(run, membersOf(seen));
      return seen;
    };
    let seen = await look();
    if (await settleTransfer(run)) seen = await look();
    if (seen.view) remember(run, seen.view);
    decided.seen = seen;
    decided.next = nextReplacement({
      seen,
      pairs,
      level: targetLevel(state),
      cleared: state.switches
        .filter((s) => s.how === 'by-last-node' && s.clearedAt !== undefined && s.to === targetLevel(state))
        .map((s) => s.group),
    });
    if (decided.next.kind === 'stuck') failStep('STUCK', decided.next.message, decided.next.remedy);
  });
  const { next, seen } = decided;
  if (answer !== 'done' || !next || !seen) return answer;
  if (needsPrepare(run)) return prepareOnce(run);
  if (next.kind === 'complete') return verify(run, seen);
  if (next.kind === 'stuck') return 'done';
  return take(run, next, seen);
}

/** Who goes, and who comes in its place, in the direction of the run. */
function pairsOf(run: Run): Pair[] {
  const { replacements } = upgradeOf(run);
  return Object.entries(replacements).map(([old, fresh]) =>
    run.state.direction === 'forward' ? { old, fresh } : { old: fresh, fresh: old },
  );
}

/** What a node that joins is to run: forward the target, back what this node ran before. */
function versionFor(run: Run, node: NodeId): string {
  return run.state.direction === 'forward' ? upgradeOf(run).to : progressOf(run, node).from;
}

function take(run: Run, next: Step, seen: MembersView): Promise<Answer> {
  const learnerLag = upgradeOf(run).learnerLag;
  switch (next.kind) {
    case 'add':
      return step(run, `add/${next.node}`, `Add ${next.node}`, next.node, () =>
        addMember(run, next.node, seen, {
          version: versionFor(run, next.node),
          learnerLag,
          gates: levelGates(run, membersOf(seen)),
        }),
      );
    case 'remove':
      return step(run, `remove/${next.node}`, `Remove ${next.node}`, next.node, async () => {
        await takeOutMember(run, next.node, seen);
        const left = membersOf(seen).filter((id) => id !== next.node);
        await awaitLevel(run, progressOf(run, next.node).group, targetLevel(run.state), left);
      });
    case 'handover': {
      const [first] = next.candidates;
      const version = first === undefined ? '' : versionFor(run, first);
      return step(run, `handover/${next.group}`, `Hand over from ${next.from}`, next.from, () =>
        moveLeader(run, { candidates: next.candidates, from: next.from, version }, seen),
      );
    }
    case 'switch': {
      const id = switchStepId(next.how, next.group);
      const title = `Level ${next.to}`;
      const { view } = seen;
      if (!view) return Promise.resolve('done');
      return attempt(run, id, title, undefined, () =>
        switchLevel(run, next, view, () => approvalFor(run, id, title), targetsOf(run, view)),
      );
    }
  }
}

/** Going down: what a member sends to one that knows no later level must be on the lower one. */
function levelGates(run: Run, members: readonly NodeId[]): Gate[] {
  const { levels } = run.state.plan ?? {};
  const level = targetLevel(run.state);
  if (!levels || level === undefined) return [];
  const down = [levels.from, levels.to].some((other) => compareVersions(level, other) < 0);
  return down ? members.map((node) => ({ gate: 'node-level', node, level })) : [];
}

function step(run: Run, id: string, title: string, node: NodeId, body: () => Promise<void>): Promise<Answer> {
  return attempt(run, id, title, node, async () => {
    await approvalFor(run, id, title);
    await body();
  });
}

/** What each member is to report before the level changes: those that stay and those that have come. */
function targetsOf(run: Run, view: NonNullable<MembersView['view']>): Record<NodeId, string> {
  const pairs = pairsOf(run);
  return Object.fromEntries(
    view.groups.flatMap((g) =>
      g.nodes.map((n) => {
        const comes = pairs.some((p) => p.fresh === n.id);
        const seen = findNode(view, n.id);
        return [n.id, comes ? versionFor(run, n.id) : ((seen && valueOf(seen.version)) ?? '')];
      }),
    ),
  );
}

async function verify(run: Run, seen: MembersView): Promise<Answer | 'complete'> {
  const reached: { end?: 'complete' } = {};
  const answer = await attempt(run, 'finish', 'Finish', undefined, async () => {
    await approvalFor(run, 'finish', 'Finish');
    const members = membersOf(seen);
    focus(run, members);
    const { view } = seen;
    if (!view) failStep('STUCK', 'the members do not answer', 'Let them elect a leader, then retry.');
    const level = targetLevel(run.state);
    await verifyEnd(run, targetsOf(run, view), level, members);
    if (level !== undefined) levelReached(run, level, members);
    reached.end = 'complete';
  });
  return reached.end ?? answer;
}
