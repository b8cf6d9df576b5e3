import type { PlanStep } from '../../contracts/plan.js';
import type { GateName } from '../../contracts/gate.js';
import { valueOf } from '../../contracts/observed.js';
import type { GroupView, NodeId } from '../../contracts/view.js';
import { replacementOrder } from '../order.js';
import { duration } from './duration.js';
import { notLearned, type PlanInput } from './input.js';
import { acceptedStop } from './windows.js';

/** The steps of a rolling upgrade, in order, as they look from here. */
export function stepsOf(input: PlanInput): PlanStep[] {
  const steps = [prepare(input), ...input.view.groups.flatMap((g) => groupSteps(input, g)), finish(input)];
  const { before } = input.upgrade.approvals;
  return steps.map((step, i) => ({
    ...step,
    approval:
      before.includes(step.id) ||
      (i === 0 && before.includes('start')) ||
      (step.action.kind === 'handover' && before.includes('handover')),
  }));
}

type Draft = Omit<PlanStep, 'approval'>;

/** In the order in which they are asked; a gate that is asked twice is named where it is asked first. */
const beforeTakingOut: readonly GateName[] = [
  'cluster-healthy',
  'one-primary',
  'no-obstacles',
  'quorum-without-node',
  'others-in-sync',
  'version-skew',
  'nothing-else-drained',
];
const whileDraining: readonly GateName[] = ['artifact-verified', 'in-flight-finished', 'lag-zero'];
const whileRejoining: readonly GateName[] = [
  'node-healthy',
  'version-reported',
  'caught-up',
  'canary-replicated',
  'soak-held',
];
const whileHandingOver: readonly GateName[] = [
  'candidate-in-sync',
  'canary-replicated',
  'candidate-at-fence',
  'epoch-grew',
  'replicas-follow',
];
const atTheEnd: readonly GateName[] = ['cluster-healthy', 'one-primary', 'all-on-target'];

function prepare({ upgrade }: PlanInput): Draft {
  const { probe } = upgrade;
  const writers = probe.writers === 1 ? '1 writer' : `${probe.writers} writers`;
  return {
    id: 'prepare',
    title: 'Prepare',
    action: { kind: 'prepare' },
    reversibility: 'free',
    gates: [],
    effects: [
      'creates a scratch schema on the primary, for canaries and the write ledger',
      probe.enabled
        ? `starts the probe: ${writers}, one write each every ${duration(probe.interval)}`
        : 'starts no probe: nothing will be proven about the writes of clients',
    ],
  };
}

function finish({ upgrade }: PlanInput): Draft {
  return {
    id: 'finish',
    title: 'Finish',
    action: { kind: 'finish' },
    reversibility: 'free',
    gates: atTheEnd,
    effects: [
      `verifies that every node reports ${upgrade.to} and the cluster is healthy`,
      ...(upgrade.probe.enabled
        ? ['stops the probe and reads every write it had acknowledged back: one lost write fails the run']
        : []),
      'removes the scratch schema',
      'writes summary and report',
    ],
  };
}

function groupSteps(input: PlanInput, group: GroupView): Draft[] {
  const targets = Object.fromEntries(group.nodes.map((n) => [n.id, input.upgrade.to]));
  return replacementOrder(group, targets).flatMap((id) =>
    group.primaries.includes(id)
      ? [handOver(input, group, id), replacePrimary(input, group, id)]
      : [replaceReplica(input, group, id)],
  );
}

function replace(
  input: PlanInput,
  group: GroupView,
  node: NodeId,
): Pick<Draft, 'id' | 'title' | 'action' | 'reversibility'> {
  const seen = group.nodes.find((n) => n.id === node);
  const from = (seen && valueOf(seen.version)) ?? notLearned;
  const { to } = input.upgrade;
  return {
    id: `replace/${node}`,
    title: `Replace ${node}: ${from} → ${to}`,
    action: { kind: 'replace', node, from, to },
    reversibility: 're-roll',
  };
}

function replaceReplica(input: PlanInput, group: GroupView, node: NodeId): Draft {
  const { upgrade, cluster } = input;
  const managed = cluster.routing.kind !== 'none';
  return {
    ...replace(input, group, node),
    gates: [...beforeTakingOut, ...whileDraining, ...whileRejoining],
    effects: [
      ...windowEffects(input, node),
      managed ? `takes ${node} out of client routing (${cluster.routing.kind})` : unmanaged,
      `waits up to ${duration(upgrade.timeouts.drain)} for its client transactions and for lag 0`,
      `stops ${node} cleanly, verifies and installs ${upgrade.to}, starts it`,
      `waits up to ${duration(upgrade.timeouts.rejoin)} until it has caught up and shows a canary`,
      ...(managed ? [`puts ${node} back into client routing`] : []),
      `lets it hold for ${duration(upgrade.soak)}`,
    ],
  };
}

/** The fence has stopped it already, and it comes back once, as a replica, on the new version. */
function replacePrimary(input: PlanInput, group: GroupView, node: NodeId): Draft {
  const { upgrade } = input;
  return {
    ...replace(input, group, node),
    gates: whileRejoining,
    effects: [
      `finds ${node} stopped by the handover, verifies and installs ${upgrade.to}`,
      `starts it once, as a replica of the new primary`,
      `waits up to ${duration(upgrade.timeouts.rejoin)} until it has caught up and shows a canary`,
      `lets it hold for ${duration(upgrade.soak)}`,
    ],
  };
}

function handOver(input: PlanInput, group: GroupView, from: NodeId): Draft {
  const { upgrade, cluster } = input;
  const candidates = group.nodes
    .filter((n) => n.id !== from && valueOf(n.role) !== 'learner')
    .map((n) => n.id);
  return {
    id: `handover/${group.id}`,
    title: `Hand over from ${from}`,
    action: { kind: 'handover', group: group.id, from, candidates },
    reversibility: 're-roll',
    gates: [...beforeTakingOut, ...whileHandingOver],
    effects: [
      ...windowEffects(input, from),
      `proves replication with a canary from ${from}`,
      `fences ${from}: stops it cleanly and records its final position; from here clients cannot write`,
      `promotes the one of ${[...candidates].sort().join(', ')} that has applied exactly that position and runs ${upgrade.to}`,
      'verifies the new epoch, the only primary and its replicas; clients write again',
      `puts both sides back as they were if this takes longer than ${duration(upgrade.timeouts.handover)}`,
      ...(cluster.routing.kind === 'none' ? [unmanaged] : []),
    ],
  };
}

const unmanaged = 'client routing is not managed: clients must find the primary themselves';

function windowEffects(input: PlanInput, node: NodeId): string[] {
  const window = acceptedStop(input, node);
  if (!window) return [];
  return [
    `opens the window ${window.name}, which the spec accepts`,
    ...window.borrow.map(
      (b) => `borrows ${b.setting} of ${b.node}: "${b.value}" for the time, the former value afterwards`,
    ),
  ];
}
