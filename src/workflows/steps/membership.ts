import type { MembersView } from '../../contracts/activities.js';
import type { Gate } from '../../contracts/gate.js';
import { valueOf } from '../../contracts/observed.js';
import type { NodeId } from '../../contracts/view.js';
import { act } from '../activities.js';
import { focus, membersOf } from '../focus.js';
import { passGates, requirePass } from '../gates.js';
import { failStep, now, progressOf, setStatus, tell, type Run } from '../run.js';
import { push, settle } from '../saga.js';
import { handOver } from './handover.js';

/** R-FORM 4, R-ROLL 11: the member list is changed one node at a time, and each change is verified. */

/** That a node serves on its version. */
export const up = (node: NodeId, version: string): Gate[] => [
  { gate: 'node-healthy', node },
  { gate: 'version-reported', node, version },
];

/** Learner, caught up by an absolute distance, vote; an interruption before the vote takes it out again. */
export async function addMember(
  run: Run,
  node: NodeId,
  seen: MembersView,
  { version, learnerLag, gates = [] }: { version: string; learnerLag: number; gates?: readonly Gate[] },
): Promise<void> {
  const { timeouts, accept } = run.settings;
  const others = membersOf(seen).filter((id) => id !== node);
  const group = progressOf(run, node).group;
  const upstream = seen.view?.groups[0]?.primaries[0];
  const joined = membersOf(seen).includes(node);
  focus(run, others);
  await passGates(run, {
    what: `before ${node} joins`,
    timeoutMs: timeouts.gate,
    node,
    gates: [
      { gate: 'cluster-healthy', group, except: [] },
      { gate: 'one-primary', group },
      // A learner of ours that an interruption has left is no obstacle: it is gone on with.
      ...(joined ? [] : [{ gate: 'no-obstacles' as const, group, accepted: accept }]),
      ...gates,
    ],
  });
  focus(run, [...others, node]);
  const learner = learnerId(node);
  push(run, { id: learner, kind: 'remove-learner', node });
  await act('installArtifact', `install ${version} on ${node}`, { ...run.target, node, version });
  setStatus(run, node, 'upgrading');
  await act('addLearner', `enter ${node} as a learner`, { ...run.target, node });
  await act('startMember', `start ${node} on an empty directory`, { ...run.target, node });
  setStatus(run, node, 'rejoining');
  await passGates(run, {
    what: `${node} catches up as a learner`,
    timeoutMs: timeouts.start + timeouts.rejoin,
    node,
    gates: [{ gate: 'learner-caught-up', node, maxLag: learnerLag }],
  });
  await act('promoteLearner', `give ${node} its vote`, { ...run.target, node });
  settle(run, learner);
  await passGates(run, {
    what: `${node} is a member`,
    timeoutMs: timeouts.rejoin,
    node,
    gates: [...up(node, version), { gate: 'caught-up', node }],
  });
  if (upstream !== undefined) await prove(run, upstream, node);
  progressOf(run, node).roleAfter = 'replica';
  setStatus(run, node, 'complete');
}

const learnerId = (node: NodeId): string => `learner/${node}`;

async function prove(run: Run, from: NodeId, on: NodeId): Promise<void> {
  const { timeouts, poll } = run.settings;
  const canary = await act('proveReplication', `a canary from ${from} is read on ${on}`, {
    ...run.target,
    ...{ token: `member/${on}/${now()}`, from, on: [on], timeoutMs: timeouts.rejoin, pollMs: poll },
  });
  const remedy = `Find out why ${on} does not receive what ${from} writes, then retry.`;
  requirePass(run, { ...canary, node: on }, 'CANARY_MISSING', remedy);
}

/** By the same handover as in place; nothing is stopped, so nothing is asked of the others' redundancy. */
export async function moveLeader(
  run: Run,
  { candidates, from, version }: { candidates: readonly NodeId[]; from: NodeId; version: string },
  seen: MembersView,
): Promise<void> {
  if (!seen.view) failStep('STUCK', 'the members do not answer', 'Let them elect a leader, then retry.');
  focus(run, membersOf(seen));
  const group = progressOf(run, from).group;
  const { maxLag } = run.settings;
  await handOver(run, { kind: 'handover', group, from, candidates }, seen.view, [
    { gate: 'cluster-healthy', group, except: [] },
    { gate: 'one-primary', group },
    { gate: 'candidate-in-sync', group, candidates, maxLag, version },
  ]);
}

/** Everybody who has a vote but one. */
export const otherVoters = (seen: MembersView, node: NodeId): NodeId[] =>
  ((seen.members && valueOf(seen.members)) ?? []).flatMap((m) =>
    m.role === 'voter' && m.node !== undefined && m.node !== node ? [m.node] : [],
  );

/** Out of the member list, and out of service; one that does not answer any more can be removed as well. */
export async function takeOutMember(run: Run, node: NodeId, seen: MembersView): Promise<void> {
  const { timeouts, poll, accept, maxLag } = run.settings;
  const members = membersOf(seen);
  focus(run, members);
  await passGates(run, {
    what: `before ${node} is removed`,
    timeoutMs: timeouts.gate,
    node,
    gates: [
      { gate: 'quorum-without-node', node, acceptedWindows: accept },
      { gate: 'others-in-sync', node, maxLag, except: [] },
    ],
  });
  await act('removeMember', `remove ${node}`, {
    ...run.target,
    ...{ node, timeoutMs: timeouts.stop, pollMs: poll },
  });
  focus(
    run,
    members.filter((id) => id !== node),
  );
  // A learner that a rollback has removed needs no undoing any more.
  settle(run, learnerId(node));
  progressOf(run, node).roleAfter = 'removed';
  setStatus(run, node, 'complete');
  tell(run, 'step', `${node} is no member any more`, node);
}
