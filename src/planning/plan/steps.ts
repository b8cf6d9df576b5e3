import type { Plan, PlanStep, SwitchKind } from '../../contracts/plan.js';
import type { GateName } from '../../contracts/gate.js';
import { unknown, valueOf } from '../../contracts/observed.js';
import type { GroupView, NodeId } from '../../contracts/view.js';
import { switchBefore, switchByLast, switchStepId } from '../next-step.js';
import { replacementOrder } from '../order.js';
import { compareVersions, runsLater, series } from '../version-path.js';
import { duration } from './duration.js';
import { notLearned, type PlanInput } from './input.js';
import { acceptedStop } from './windows.js';

/** The steps of a rolling upgrade, in order, as they look from here. */
export function stepsOf(input: PlanInput): PlanStep[] {
  return approved(input, [
    prepare(input),
    ...input.view.groups.flatMap((g) => groupSteps(input, g)),
    finish(input),
  ]);
}

/** The same, each with whether it waits for somebody. */
export function approved(input: PlanInput, steps: readonly Draft[]): PlanStep[] {
  const { before } = input.upgrade.approvals;
  return steps.map((step, i) => ({
    ...step,
    approval:
      before.includes(step.id) ||
      (i === 0 && before.includes('start')) ||
      (step.action.kind === 'handover' && before.includes('handover')) ||
      (step.action.kind === 'switch' && (input.upgrade.switch.approval || before.includes('switch'))),
  }));
}

export type Draft = Omit<PlanStep, 'approval'>;

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
const whileTransferring: readonly GateName[] = [
  'candidate-in-sync',
  'canary-replicated',
  'epoch-grew',
  'replicas-follow',
];
const beforeSwitching: readonly GateName[] = ['cluster-healthy', 'one-primary', 'no-obstacles'];
const atTheEnd: readonly GateName[] = ['cluster-healthy', 'one-primary', 'all-on-target'];

const saved: readonly GateName[] = ['copies-identical', 'backup-verified'];

export function prepare({ upgrade, capabilities }: PlanInput): Draft {
  const { probe } = upgrade;
  const writers = probe.writers === 1 ? '1 writer' : `${probe.writers} writers`;
  return {
    id: 'prepare',
    title: 'Prepare',
    action: { kind: 'prepare' },
    reversibility: 'free',
    gates: capabilities.backup ? saved : [],
    effects: [
      ...(capabilities.backup
        ? ['compares the copies of all nodes, saves a backup and verifies that it can be restored']
        : []),
      'creates scratch objects of its own on the primary, for canaries and the write ledger',
      probe.enabled
        ? `starts the probe: ${writers}, one write each every ${duration(probe.interval)}`
        : 'starts no probe: nothing will be proven about the writes of clients',
    ],
  };
}

export function finish(input: PlanInput): Draft {
  const { upgrade } = input;
  const levels = levelsOf(input);
  return {
    id: 'finish',
    title: 'Finish',
    action: { kind: 'finish' },
    reversibility: 'free',
    gates: levels ? [...atTheEnd, 'level-active'] : atTheEnd,
    effects: [
      `verifies that every node reports ${upgrade.to} and the cluster is healthy`,
      ...(levels ? [`verifies that every node is on level ${levels.to}`] : []),
      ...(upgrade.probe.enabled
        ? ['stops the probe and reads every write it had acknowledged back: one lost write fails the run']
        : []),
      'removes the scratch objects',
      'writes summary and report',
    ],
  };
}

function groupSteps(input: PlanInput, group: GroupView): Draft[] {
  const targets = Object.fromEntries(group.nodes.map((n) => [n.id, input.upgrade.to]));
  const order = replacementOrder(group, targets);
  const level = series(input.upgrade.to, input.rules);
  const before = input.rules.levels && switchBefore(group, level);
  return [
    ...(before && order.length > 0 ? [switchFirst(input, group, before.how)] : []),
    ...order.flatMap((id, i) => {
      const last = i === order.length - 1;
      const handover = group.primaries.includes(id);
      return [
        ...(handover ? [handOver(input, group, id)] : []),
        ...(last && raises(input, group, id) ? [switchByLastNode(input, group, id)] : []),
        handover && input.capabilities.handover !== 'transfer'
          ? replacePrimary(input, group, id)
          : replaceReplica(input, group, id),
      ];
    }),
  ];
}

const activeLevel = (group: GroupView): string | undefined => group.level && valueOf(group.level.active);

/** The last node brings the level only if it is on an earlier one by itself. */
const raises = ({ upgrade, rules }: PlanInput, group: GroupView, last: NodeId): boolean =>
  rules.levels !== undefined &&
  switchByLast(group, last, { [last]: upgrade.to }, series(upgrade.to, rules)) !== undefined;

/**
 * The levels that the former versions and the target bring. Nothing where all of them are on the one level of the
 * target. A lowering under way counts: half done by another run, each node must be asked for its own level still.
 */
export function levelsOf({ upgrade, rules, view }: PlanInput): Plan['levels'] {
  if (!rules.levels) return undefined;
  const to = series(upgrade.to, rules);
  const versions = view.groups.flatMap((g) => g.nodes.flatMap((n) => valueOf(n.version) ?? []));
  const brought = versions.map((version) => series(version, rules)).sort(compareVersions);
  const active = view.groups.map(activeLevel);
  const lowering = view.groups.map((g) => g.level && valueOf(g.level.lowering));
  const concerned =
    lowering.some((level) => level !== undefined) ||
    [...brought, ...active].some((level) => level !== undefined && level !== to);
  const [from] = brought;
  return concerned && from !== undefined ? { from, to } : undefined;
}

/** The system switches when this node changes: whoever may say no must say it before. */
export function switchByLastNode(input: PlanInput, group: GroupView, last: NodeId): Draft {
  const { upgrade, rules, capabilities } = input;
  const from = activeLevel(group) ?? notLearned;
  const to = series(upgrade.to, rules);
  const back = rules.levels?.lowered === 'by-command';
  const { burnIn } = upgrade.switch;
  return {
    id: switchStepId('by-last-node', group.id),
    title: `Let the level go ${from} → ${to}, with ${last} as the last node`,
    action: { kind: 'switch', group: group.id, from, to, how: 'by-last-node', last },
    reversibility: back ? 're-roll' : 'none',
    gates: [
      ...beforeSwitching,
      'all-on-target',
      ...(capabilities.backup ? saved : []),
      ...(burnIn > 0 ? ['soak-held'] : []),
    ],
    effects: [
      `${view(input)} raises its level by itself as soon as its last node changes: this is the last moment at which nothing has been switched`,
      ...(capabilities.backup ? ['compares the copies of all nodes and saves a verified backup'] : []),
      ...(burnIn > 0 ? [`lets every node hold for ${duration(burnIn)}`] : []),
      back
        ? `after ${last} the way back is the downgrade of ${view(input)} to ${from}, one level only: rollback takes it`
        : `after ${last} there is no way back`,
    ],
  };
}

export function switchFirst(input: PlanInput, group: GroupView, how: SwitchKind): Draft {
  const { upgrade, rules, capabilities } = input;
  // What is to be lowered may still be on its way up.
  const from = (how === 'lower' ? levelsOf(input)?.from : activeLevel(group)) ?? notLearned;
  const to = series(upgrade.to, rules);
  return {
    id: switchStepId(how, group.id),
    title: how === 'cancel' ? `Cancel the lowering of ${group.id}` : `Lower the level ${from} → ${to}`,
    action: { kind: 'switch', group: group.id, from, to, how },
    reversibility: 're-roll',
    gates: [...beforeSwitching, ...(capabilities.backup ? saved : [])],
    effects: [
      ...(capabilities.backup ? ['compares the copies of all nodes and saves a verified backup'] : []),
      how === 'cancel'
        ? `withdraws the downgrade that is under way, so that the level can be ${to}`
        : `lets ${view(input)} validate the downgrade to ${to}, then enables it; every node must be on ${to} itself before it is replaced`,
    ],
  };
}

const view = (input: PlanInput): string => input.view.system;

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

/** A program of the target knows no later level than its own: what the node holds must not be on one. */
function goesDown({ upgrade, rules }: PlanInput, group: GroupView, node: NodeId): boolean {
  const version = valueOf(group.nodes.find((n) => n.id === node)?.version ?? unknown('not observed'));
  return rules.levels !== undefined && runsLater(version, series(upgrade.to, rules));
}

function replaceReplica(input: PlanInput, group: GroupView, node: NodeId): Draft {
  const { upgrade, cluster } = input;
  const managed = cluster.routing.kind !== 'none';
  return {
    ...replace(input, group, node),
    gates: [
      ...beforeTakingOut,
      ...(goesDown(input, group, node) ? ['node-level' as const] : []),
      ...whileDraining,
      ...whileRejoining,
    ],
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
  const transfer = input.capabilities.handover === 'transfer';
  const candidates = group.nodes
    .filter((n) => n.id !== from && valueOf(n.role) !== 'learner')
    .map((n) => n.id);
  return {
    id: `handover/${group.id}`,
    title: `Hand over from ${from}`,
    action: { kind: 'handover', group: group.id, from, candidates },
    reversibility: 're-roll',
    gates: [...beforeTakingOut, ...(transfer ? whileTransferring : whileHandingOver)],
    effects: [
      ...windowEffects(input, from),
      `proves replication with a canary from ${from}`,
      ...(transfer
        ? [
            `transfers the primary to the one of ${[...candidates].sort().join(', ')} that has every entry and runs ${upgrade.to}: one committed operation, whose new epoch fences ${from}`,
            'verifies by asking every node that it leads; clients write again',
          ]
        : [
            `fences ${from}: stops it cleanly and records its final position; from here clients cannot write`,
            `promotes the one of ${[...candidates].sort().join(', ')} that has applied exactly that position and runs ${upgrade.to}`,
            'verifies the new epoch, the only primary and its replicas; clients write again',
            `puts both sides back as they were if this takes longer than ${duration(upgrade.timeouts.handover)}`,
          ]),
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
