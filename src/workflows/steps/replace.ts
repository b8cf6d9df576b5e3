import { valueOf } from '../../contracts/observed.js';
import type { Gate } from '../../contracts/gate.js';
import { findNode, type ClusterView, type NodeId } from '../../contracts/view.js';
import type { NextStep } from '../../planning/next-step.js';
import { act } from '../activities.js';
import { passGates, requirePass } from '../gates.js';
import { now, Overtaken, progressOf, setStatus, tell, type Run } from '../run.js';
import type { RunState } from '../../contracts/run.js';
import { runsLater } from '../../planning/version-path.js';
import { borrow, borrowSettings, giveBackSettings, settle } from '../saga.js';
import { settleLowering } from './switch.js';

type Replace = Extract<NextStep, { kind: 'replace' }>;

/** Take one node out, swap its software, bring it back: R-ROLL 2 to 6. Rolling back is the same with another target. */
export async function replaceNode(run: Run, step: Replace, view: ClusterView): Promise<void> {
  const { node } = step;
  progressOf(run, node).startedAt ??= now();
  let seen = view;
  if (!step.resume) seen = await takeOut(run, step, view);

  const found = findNode(seen, node);
  const onTarget =
    found !== undefined && valueOf(found.reachable) === true && valueOf(found.version) === step.to;
  const upstream = primaryOf(seen, step.group);
  if (!onTarget && step.resume && found !== undefined && valueOf(found.reachable) === true) {
    await levelOf(run, node);
  }
  if (!onTarget) await swap(run, step, upstream);
  await rejoin(run, step);
}

async function takeOut(run: Run, step: Replace, view: ClusterView): Promise<ClusterView> {
  const { settings } = run;
  const { node, group, to } = step;
  const seen = await passGates(run, {
    what: `before ${node} is replaced`,
    timeoutMs: settings.timeouts.gate,
    node,
    gates: gatesBefore(run, step),
  });
  if (seen?.groups.some((g) => g.primaries.includes(node))) {
    throw new Overtaken(`${node} has become the primary`);
  }
  const artifact = await act('verifyArtifact', `verify ${to} on the host of ${node}`, {
    ...run.target,
    node,
    version: to,
  });
  requirePass(
    run,
    artifact,
    'ARTIFACT_MISMATCH',
    `Put the declared artifact of ${to} on the host of ${node}, then retry.`,
  );

  const window = findNode(seen ?? view, node)?.stop;
  if (window?.verdict === 'hold' && window.window) await borrowSettings(run, window.window.borrow);

  setStatus(run, node, 'draining');
  const id = `routing/${node}`;
  borrow(
    run,
    {
      id,
      kind: 'routing',
      node,
      name: 'client routing',
      formerValue: 'routed',
      value: 'drained',
      borrowedAt: now(),
      giveBack: `put ${node} back into client routing`,
    },
    { id, kind: 'restore-routing', node },
  );
  await act('drainNode', `drain ${node}`, { ...run.target, node });
  const since = now();
  const drained = await passGates(run, {
    what: `${node} drains`,
    timeoutMs: settings.timeouts.drain,
    node,
    gates: [
      { gate: 'in-flight-finished', node, since },
      { gate: 'lag-zero', node },
      { gate: 'nothing-else-drained', node },
      { gate: 'one-primary', group },
      // Asked again directly before the stop: with the last node the level goes up by itself, some time after it.
      ...levelGates(run, node),
    ],
  });
  setStatus(run, node, 'drained');
  return drained ?? view;
}

function gatesBefore(run: Run, step: Replace): Gate[] {
  const { settings } = run;
  const { node, group } = step;
  return [
    { gate: 'cluster-healthy', group, except: [] },
    { gate: 'one-primary', group },
    { gate: 'no-obstacles', group, accepted: settings.accept },
    { gate: 'quorum-without-node', node, acceptedWindows: settings.accept },
    { gate: 'others-in-sync', node, maxLag: settings.maxLag, except: [] },
    { gate: 'version-skew', group, versions: allowedVersions(run) },
    { gate: 'nothing-else-drained', node },
    ...levelGates(run, node),
  ];
}

/** The level that the targets of this direction bring, where the plan goes between two. */
export const targetLevel = (state: RunState): string | undefined =>
  state.direction === 'forward' ? state.plan?.levels?.to : state.plan?.levels?.from;

/** Going down: the node's own data must be on the lower level before a program sees it that knows no later one. */
function levelGates(run: Run, node: NodeId): Gate[] {
  const level = targetLevel(run.state);
  const down = level !== undefined && runsLater(progressOf(run, node).version, level);
  return down ? [{ gate: 'node-level', node, level }] : [];
}

/** A node that a failure has left out of service and that answers is asked as well before it is stopped. */
async function levelOf(run: Run, node: NodeId): Promise<void> {
  const gates = levelGates(run, node);
  if (gates.length === 0) return;
  await passGates(run, {
    what: `before ${node} is put back`,
    timeoutMs: run.settings.timeouts.gate,
    node,
    gates,
  });
}

/** Every version that the plan lets run side by side. */
export const allowedVersions = (run: Run): string[] => [
  ...new Set(run.state.nodes.flatMap((n) => [n.from, n.to])),
];

async function swap(run: Run, step: Replace, upstream: NodeId | undefined): Promise<void> {
  const { settings } = run;
  const { node, to } = step;
  setStatus(run, node, 'upgrading');
  const stop = { timeoutMs: settings.timeouts.stop, pollMs: settings.poll };
  await act('stopNode', `stop ${node}`, { ...run.target, node, ...stop });
  await act('installArtifact', `install ${to} on ${node}`, { ...run.target, node, version: to });
  await act('startNode', `start ${node} on ${to}`, { ...run.target, node, asReplicaOf: upstream });
  settle(run, `rejoin/${node}`);
  await passGates(run, {
    what: `${node} comes up on ${to}`,
    timeoutMs: settings.timeouts.start,
    node,
    gates: [
      { gate: 'node-healthy', node },
      { gate: 'version-reported', node, version: to },
    ],
  });
}

async function rejoin(run: Run, step: Replace): Promise<void> {
  const { settings } = run;
  const { node } = step;
  setStatus(run, node, 'rejoining');
  await catchUp(run, step);
  await act('tidyNode', `remove what a former role left on ${node}`, { ...run.target, node });
  await act('restoreNode', `put ${node} back into routing`, { ...run.target, node });
  settle(run, `routing/${node}`);
  await passGates(run, {
    what: `${node} holds for ${settings.soak} ms`,
    timeoutMs: settings.timeouts.gate + settings.soak,
    node,
    gates: [{ gate: 'soak-held', node, forMs: settings.soak }],
  });
  await giveBackSettings(run);
  settleLowering(run, step.group);
  setStatus(run, node, 'complete');
  tell(run, 'step', `${node} is on ${step.to}`, node);
}

/**
 * Caught up with whoever is the primary now, which may have moved by itself since the node was taken out; and what is
 * written there is read on the node. One that has become the primary itself has nobody to receive from.
 */
async function catchUp(run: Run, { node, group }: Replace): Promise<void> {
  const { timeouts, poll } = run.settings;
  for (;;) {
    const seen = await passGates(run, {
      what: `${node} catches up`,
      timeoutMs: timeouts.rejoin,
      node,
      gates: [{ gate: 'caught-up', node }],
    });
    const primary = seen && primaryOf(seen, group);
    if (primary === undefined || primary === node) return;
    const canary = await act('proveReplication', `a canary from ${primary} is read on ${node}`, {
      ...run.target,
      token: `rejoin/${node}/${now()}`,
      from: primary,
      on: [node],
      timeoutMs: timeouts.rejoin,
      pollMs: poll,
    });
    if (canary.verdict !== 'pass') {
      // A primary that is gone has written nothing: that says nothing about the node.
      const view = await act('observeCluster', 'observe the cluster', run.target);
      if (primaryOf(view, group) !== primary) continue;
    }
    requirePass(
      run,
      { ...canary, node },
      'CANARY_MISSING',
      `Find out why ${node} does not receive what ${primary} writes, then retry.`,
    );
    return;
  }
}

const primaryOf = (view: ClusterView, group: string): NodeId | undefined =>
  view.groups.find((g) => g.id === group)?.primaries[0];
