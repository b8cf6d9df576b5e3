import { valueOf } from '../../contracts/observed.js';
import type { Gate } from '../../contracts/gate.js';
import { findNode, type ClusterView, type NodeId } from '../../contracts/view.js';
import type { NextStep } from '../../planning/next-step.js';
import { act } from '../activities.js';
import { passGates, requirePass } from '../gates.js';
import { now, Overtaken, progressOf, setStatus, tell, type Run } from '../run.js';
import { borrow, borrowSettings, giveBackSettings, settle } from '../saga.js';

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
  const upstream = seen.groups.find((g) => g.id === step.group)?.primaries[0];
  if (!onTarget) await swap(run, step, upstream);
  await rejoin(run, step, upstream);
}

async function takeOut(run: Run, step: Replace, view: ClusterView): Promise<ClusterView> {
  const { upgrade } = run.state.spec;
  const { node, group, to } = step;
  const seen = await passGates(run, {
    what: `before ${node} is replaced`,
    timeoutMs: upgrade.timeouts.gate,
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
    timeoutMs: upgrade.timeouts.drain,
    node,
    gates: [
      { gate: 'in-flight-finished', node, since },
      { gate: 'lag-zero', node },
      { gate: 'nothing-else-drained', node },
      { gate: 'one-primary', group },
    ],
  });
  setStatus(run, node, 'drained');
  return drained ?? view;
}

function gatesBefore(run: Run, step: Replace): Gate[] {
  const { upgrade } = run.state.spec;
  const { node, group } = step;
  return [
    { gate: 'cluster-healthy', group, except: [] },
    { gate: 'one-primary', group },
    { gate: 'no-obstacles', group, accepted: upgrade.accept },
    { gate: 'quorum-without-node', node, acceptedWindows: upgrade.accept },
    { gate: 'others-in-sync', node, maxLag: upgrade.maxLag, except: [] },
    { gate: 'version-skew', group, versions: allowedVersions(run) },
    { gate: 'nothing-else-drained', node },
  ];
}

/** Every version that the plan lets run side by side. */
export const allowedVersions = (run: Run): string[] => [
  ...new Set(run.state.nodes.flatMap((n) => [n.from, n.to])),
];

async function swap(run: Run, step: Replace, upstream: NodeId | undefined): Promise<void> {
  const { upgrade } = run.state.spec;
  const { node, to } = step;
  setStatus(run, node, 'upgrading');
  const stop = { timeoutMs: upgrade.timeouts.stop, pollMs: upgrade.poll };
  await act('stopNode', `stop ${node}`, { ...run.target, node, ...stop });
  await act('installArtifact', `install ${to} on ${node}`, { ...run.target, node, version: to });
  await act('startNode', `start ${node} on ${to}`, { ...run.target, node, asReplicaOf: upstream });
  settle(run, `rejoin/${node}`);
  await passGates(run, {
    what: `${node} comes up on ${to}`,
    timeoutMs: upgrade.timeouts.start,
    node,
    gates: [
      { gate: 'node-healthy', node },
      { gate: 'version-reported', node, version: to },
    ],
  });
}

async function rejoin(run: Run, step: Replace, upstream: NodeId | undefined): Promise<void> {
  const { upgrade } = run.state.spec;
  const { node } = step;
  setStatus(run, node, 'rejoining');
  await passGates(run, {
    what: `${node} catches up`,
    timeoutMs: upgrade.timeouts.rejoin,
    node,
    gates: [{ gate: 'caught-up', node }],
  });
  if (upstream !== undefined) {
    const canary = await act('proveReplication', `a canary from ${upstream} is read on ${node}`, {
      ...run.target,
      token: `rejoin/${node}/${now()}`,
      from: upstream,
      on: [node],
      timeoutMs: upgrade.timeouts.rejoin,
      pollMs: upgrade.poll,
    });
    requirePass(
      run,
      { ...canary, node },
      'CANARY_MISSING',
      `Find out why ${node} does not receive what ${upstream} writes, then retry.`,
    );
  }
  await act('tidyNode', `remove what a former role left on ${node}`, { ...run.target, node });
  await act('restoreNode', `put ${node} back into routing`, { ...run.target, node });
  settle(run, `routing/${node}`);
  await passGates(run, {
    what: `${node} holds for ${upgrade.soak} ms`,
    timeoutMs: upgrade.timeouts.gate + upgrade.soak,
    node,
    gates: [{ gate: 'soak-held', node, forMs: upgrade.soak }],
  });
  await giveBackSettings(run);
  setStatus(run, node, 'complete');
  tell(run, 'step', `${node} is on ${step.to}`, node);
}
