import type { MembersView } from '../../contracts/activities.js';
import { valueOf } from '../../contracts/observed.js';
import type { Plan, PlanNode, PlanStep, Refusal } from '../../contracts/plan.js';
import { findNode, type GroupView, type NodeId } from '../../contracts/view.js';
import { planHash } from '../plan/hash.js';
import { notLearned, removed, type PlanInput } from '../plan/input.js';
import { refusalsOf } from '../plan/preconditions.js';
import {
  approved,
  finish,
  levelsOf,
  prepare,
  switchByLastNode,
  switchFirst,
  type Draft,
} from '../plan/steps.js';
import { switchBefore } from '../next-step.js';
import { compareVersions, series } from '../version-path.js';
import { pairStates, type Pair } from './pairs.js';

/** Stands for "no node here yet" in the version column of one that comes. */
export const none = 'none';

export const pairsOf = (replacements: Readonly<Record<NodeId, NodeId>>): Pair[] =>
  Object.entries(replacements).map(([old, fresh]) => ({ old, fresh }));

export interface MembershipPlanInput extends PlanInput {
  readonly seen: MembersView;
  /** All nodes of the cluster file; `cluster` and `view` are of the members alone. */
  readonly declared: readonly NodeId[];
}

/**
 * A rolling upgrade in which no node is swapped: new members on the target join, and old ones are removed
 * (R-ROLL 11).
 */
export function planByMembership(input: MembershipPlanInput): Plan {
  const { cluster, upgrade, view, seen, declared } = input;
  const [group] = view.groups;
  const pairs = pairsOf(upgrade.replacements);
  const states = pairStates(pairs, seen);
  const open = states.filter((s) => !s.joined || !s.left);
  const versionOf = (id: NodeId): string => {
    const node = findNode(view, id);
    return (node && valueOf(node.version)) ?? notLearned;
  };
  const roleOf = (id: NodeId): string => {
    const node = findNode(view, id);
    return (node && valueOf(node.role)) ?? none;
  };
  const groupId = group?.id ?? 'default';
  const nodes: PlanNode[] = states.flatMap(({ old, fresh, joined, left }) => [
    ...(left ? [] : [{ id: old, group: groupId, role: roleOf(old), from: versionOf(old), to: removed }]),
    {
      id: fresh,
      group: groupId,
      role: roleOf(fresh),
      from: joined ? versionOf(fresh) : none,
      to: upgrade.to,
    },
  ]);
  // What goes away is what would be replaced: its quorum, its version path and its way back are asked for.
  const changes = open
    .filter((s) => !s.left)
    .map(({ old }) => ({ id: old, group: groupId, role: roleOf(old), from: versionOf(old), to: removed }));
  const steps = group && open.length > 0 ? stepsOf(input, group, open) : [];
  const refusals = [
    ...pairRefusals(input, states),
    ...downRefusals(input, group),
    ...targetRefusals(input, states),
    ...(open.length === 0 ? [] : refusalsOf(input, changes, [...steps, ...everyStep(input, states)])),
  ];
  const kind = refusals.length > 0 ? 'refused' : open.length === 0 ? 'done' : 'possible';
  const plan = { kind, nodes, steps: kind === 'possible' ? steps : [], refusals, windows: [] } as const;
  return {
    ...plan,
    hash: planHash(input, plan),
    cluster: cluster.name,
    system: cluster.system,
    target: upgrade.to,
    notes: declared
      .filter((id) => !nodes.some((n) => n.id === id) && !findNode(view, id))
      .map((id) => `${id} is no member and takes no part`),
    means: { handover: input.capabilities.handover, backup: input.capabilities.backup },
    levels: kind === 'possible' ? levelsOf(input) : undefined,
    pointOfNoReturn: plan.steps.find((s) => s.reversibility === 'none')?.id,
    observedAt: view.observedAt,
  };
}

/** Those that have been taken by now as well: the spec of a run that is started again stays valid. */
const everyStep = (input: PlanInput, states: ReturnType<typeof pairStates>): PlanStep[] =>
  approved(
    input,
    states.flatMap(({ old, fresh }) => [add(input, fresh), remove(old)]),
  );

function stepsOf(input: PlanInput, group: GroupView, open: ReturnType<typeof pairStates>): PlanStep[] {
  const { upgrade, rules } = input;
  const level = series(upgrade.to, rules);
  const active = group.level && valueOf(group.level.active);
  const before = rules.levels && switchBefore(group, level);
  const raised = rules.levels !== undefined && compareVersions(level, active ?? level) > 0;
  const drafts: Draft[] = [
    prepare(input),
    ...(before ? [switchFirst(input, group, before.how)] : []),
    ...open.flatMap(({ old, fresh, joined, left }, i) => [
      ...(joined ? [] : [add(input, fresh)]),
      ...(group.primaries.includes(old)
        ? [
            handOver(
              group,
              old,
              open.map((s) => s.fresh),
            ),
          ]
        : []),
      ...(raised && i === open.length - 1 ? [lastSwitch(input, group, old)] : []),
      ...(left ? [] : [remove(old)]),
    ]),
    finish(input),
  ];
  return approved(input, drafts);
}

/** The same moment as in place, with another way back: members join on the target only, never below it. */
function lastSwitch(input: PlanInput, group: GroupView, old: NodeId): Draft {
  const draft = switchByLastNode(input, group, old);
  if (input.rules.levels?.joinsWhileLowering === true) return draft;
  return {
    ...draft,
    reversibility: 'none',
    effects: [
      ...draft.effects.slice(0, -1),
      `after ${old} this run cannot go back: no member of the lower version can join while the level is lowered. The way down is a run of its own, with strategy in-place (${input.rules.levels?.source ?? ''})`,
    ],
  };
}

const add = ({ upgrade }: PlanInput, node: NodeId): Draft => ({
  id: `add/${node}`,
  title: `Add ${node} on ${upgrade.to}`,
  action: { kind: 'form', stage: 'expand', node },
  reversibility: 're-roll',
  gates: [
    'cluster-healthy',
    'one-primary',
    'no-obstacles',
    'learner-caught-up',
    'node-healthy',
    'version-reported',
    'caught-up',
    'canary-replicated',
  ],
  effects: [
    `installs ${upgrade.to} on ${node}, enters it as a learner, and starts it on an empty data directory`,
    `gives it its vote when it is at most ${upgrade.learnerLag} behind; an interruption before takes it out again`,
    'verifies it in the member list and on the node itself, and proves replication with a canary',
  ],
});

const remove = (node: NodeId): Draft => ({
  id: `remove/${node}`,
  title: `Remove ${node}`,
  action: { kind: 'form', stage: 'remove-member', node },
  reversibility: 're-roll',
  gates: ['quorum-without-node', 'others-in-sync'],
  effects: [
    `takes ${node} out of the member list, and verifies that it is gone and serves nobody`,
    'leaves its data directory where it is; a rollback lets it join again as a new member',
  ],
});

const handOver = (group: GroupView, from: NodeId, candidates: readonly NodeId[]): Draft => ({
  id: `handover/${group.id}`,
  title: `Hand over from ${from}`,
  action: { kind: 'handover', group: group.id, from, candidates },
  reversibility: 're-roll',
  gates: [
    'cluster-healthy',
    'one-primary',
    'candidate-in-sync',
    'canary-replicated',
    'epoch-grew',
    'replicas-follow',
  ],
  effects: [
    `transfers the primary to the one of ${candidates.join(', ')} that has every entry: one committed operation, whose new epoch fences ${from}`,
    'verifies by asking every node that it leads; clients write again',
  ],
});

function downRefusals({ upgrade, rules }: PlanInput, group: GroupView | undefined): Refusal[] {
  const active = group?.level && valueOf(group.level.active);
  const to = series(upgrade.to, rules);
  if (active === undefined || !(compareVersions(to, active) < 0)) return [];
  if (rules.levels?.joinsWhileLowering === true) return [];
  return [
    {
      code: 'DOWNGRADE_IN_PLACE_ONLY',
      message: `the level goes ${active} → ${to}, and no member of the lower version can join meanwhile (${rules.levels?.source ?? ''})`,
      remedy: 'Use strategy in-place.',
    },
  ];
}

/** Every member goes or is on the target already; nobody takes two places. */
function pairRefusals(
  { upgrade, cluster, view, capabilities, declared }: PlanInput & { declared: readonly NodeId[] },
  states: ReturnType<typeof pairStates>,
): Refusal[] {
  if (!capabilities.membership) {
    return [
      {
        code: 'STRATEGY_UNSUPPORTED',
        message: `${view.system} has no member list that a run could change`,
        remedy: 'Use strategy in-place.',
      },
    ];
  }
  const named = states.flatMap((s) => [s.old, s.fresh]);
  const twice = named.filter((id, i) => named.indexOf(id) !== i);
  const unknown = named.filter((id) => !declared.includes(id));
  const missing = cluster.nodes.filter((n) => {
    const seen = findNode(view, n.id);
    return !named.includes(n.id) && (!seen || valueOf(seen.version) !== upgrade.to);
  });
  return [
    ...twice.map((id) => ({
      code: 'REPLACEMENT_CLASH',
      node: id,
      message: `replacements names ${id} more than once`,
      remedy: 'Let each old member have one new node, and each new node one old member.',
    })),
    ...unknown.map((id) => ({
      code: 'UNKNOWN_NODE',
      node: id,
      message: `replacements names ${id}, which is no node of cluster ${cluster.name}`,
      remedy: `Add ${id} to the nodes of the cluster file, with its address and host.`,
    })),
    ...missing.map((n) => ({
      code: 'REPLACEMENT_MISSING',
      node: n.id,
      message: `${n.id} is a member on another version than ${upgrade.to}, and replacements names nobody in its place`,
      remedy: `Add "${n.id}: <new node>" to replacements.`,
    })),
  ];
}

/** A new node brings no data, and its host has the target. */
function targetRefusals(
  { upgrade, artifacts, seen }: PlanInput & { seen: MembersView },
  states: ReturnType<typeof pairStates>,
): Refusal[] {
  const members = (seen.members && valueOf(seen.members)) ?? [];
  return states
    .filter((s) => !members.some((m) => m.node === s.fresh))
    .flatMap(({ fresh }): Refusal[] => {
      const empty = seen.empty[fresh];
      const artifact = artifacts.find((a) => a.node === fresh && a.version === upgrade.to)?.state;
      return [
        ...(empty && valueOf(empty) === true
          ? []
          : [
              {
                code: 'TARGET_NOT_EMPTY',
                node: fresh,
                message: `the data directory of ${fresh} ${empty?.kind === 'unknown' ? `cannot be read: ${empty.reason}` : 'is not empty'}`,
                remedy: 'Move what is in it away, or name another node, then plan again.',
              },
            ]),
        ...(artifact?.kind === 'ok'
          ? []
          : [
              {
                code: 'ARTIFACT_ABSENT',
                node: fresh,
                message: `${upgrade.to} is not on the host of ${fresh} as declared (${artifact?.kind ?? 'not verified'})`,
                remedy: `Put the declared artifact of ${upgrade.to} there, then plan again.`,
              },
            ]),
      ];
    });
}
