import type { PlanNode, Refusal } from '../../contracts/plan.js';
import { valueOf } from '../../contracts/observed.js';
import type { GroupView } from '../../contracts/view.js';
import { sayPrimaries } from '../gate/primary.js';
import type { PlanInput } from './input.js';

/** Why a replication group as a whole forbids a run. `changes`: the nodes of the cluster that would be replaced. */
export function groupRefusals(
  input: PlanInput,
  group: GroupView,
  changes: readonly PlanNode[],
): readonly Refusal[] {
  const changing = changes.filter((c) => group.nodes.some((n) => n.id === c.id));
  return [
    ...(changing.length > 0 ? takeOverRefusals(group) : []),
    ...primaryRefusals(group),
    ...identityRefusals(group),
    ...unknownRefusals(input, group),
    ...handoverRefusals(input, group, changing),
  ];
}

/** A learner has no vote and cannot take over. */
function takeOverRefusals(group: GroupView): Refusal[] {
  if (group.nodes.filter((n) => valueOf(n.role) !== 'learner').length >= 2) return [];
  const ids = group.nodes.map((n) => n.id).join(', ');
  return [
    {
      code: 'SINGLE_NODE',
      node: group.nodes[0]?.id,
      message: `group ${group.id} has only ${ids || 'no node'}: no other node could take over`,
      remedy: 'Stand up a replica first, then plan again.',
    },
  ];
}

function primaryRefusals(group: GroupView): Refusal[] {
  if (group.primaries.length > 1) {
    return [
      {
        code: 'TWO_PRIMARIES',
        message: `${sayPrimaries(group)} in group ${group.id}: a split brain`,
        remedy:
          'Find out which one clients have written to, rebuild the other as its replica, then plan again.',
      },
    ];
  }
  // A node that has said nothing may be the primary: it is refused for that, and this would be a guess.
  const silent = group.nodes.some((n) => valueOf(n.reachable) !== true || n.role.kind === 'unknown');
  if (group.primaries.length === 1 || silent) return [];
  return [
    {
      code: 'NO_PRIMARY',
      message: `${sayPrimaries(group)}, although ${group.nodes.map((n) => n.id).join(', ')} answer`,
      remedy: 'Bring the group to one writable primary, then plan again.',
    },
  ];
}

function identityRefusals(group: GroupView): Refusal[] {
  const identities = new Map<string, string[]>();
  for (const node of group.nodes) {
    const identity = valueOf(node.identity);
    if (identity !== undefined) identities.set(identity, [...(identities.get(identity) ?? []), node.id]);
  }
  if (identities.size < 2) return [];
  const seen = [...identities].map(([identity, ids]) => `${ids.join(', ')}: ${identity}`).join('; ');
  return [
    {
      code: 'FOREIGN_NODE',
      message: `the nodes of group ${group.id} do not hold the data of one cluster (${seen})`,
      remedy: 'Correct the addresses in the cluster file, then plan again.',
    },
  ];
}

function unknownRefusals(input: PlanInput, group: GroupView): Refusal[] {
  // A primary that does not answer is refused by its own name already.
  if (group.nodes.some((n) => valueOf(n.reachable) !== true)) return [];
  return [...darkRefusals(group), ...(input.rules.levels ? levelRefusals(group) : [])];
}

/** Which way a run has to go, and which steps ask for an approval, is decided by the level. */
function levelRefusals({ id, level }: GroupView): Refusal[] {
  const dark = level
    ? [
        ...(level.active.kind === 'unknown' ? [`the level it is on (${level.active.reason})`] : []),
        ...(level.lowering.kind === 'unknown'
          ? [`whether it is being lowered (${level.lowering.reason})`]
          : []),
      ]
    : ['the level it is on (it tells none)'];
  if (dark.length === 0) return [];
  return [
    {
      code: 'LEVEL_UNKNOWN',
      message: `not known of group ${id}: ${dark.join('; ')}`,
      remedy:
        "Let the group come to one level and the observing user read it (the system's page in the docs says how), then plan again.",
    },
  ];
}

function darkRefusals(group: GroupView): Refusal[] {
  const dark = [
    ...(group.epoch.kind === 'unknown' ? [`its epoch (${group.epoch.reason})`] : []),
    ...(group.durability.kind === 'unknown'
      ? [`whether others must have a write before it is acknowledged (${group.durability.reason})`]
      : []),
  ];
  if (dark.length === 0) return [];
  return [
    {
      code: 'NODE_STATE_UNKNOWN',
      node: group.primaries[0],
      message: `not known of group ${group.id}: ${dark.join('; ')}`,
      remedy:
        "Let the observing user read it (the system's page in the docs lists the privileges), then plan again.",
    },
  ];
}

function handoverRefusals(input: PlanInput, group: GroupView, changing: readonly PlanNode[]): Refusal[] {
  const primary = changing.find((n) => group.primaries.includes(n.id));
  if (!primary || input.capabilities.handover !== undefined) return [];
  return [
    {
      code: 'HANDOVER_UNSUPPORTED',
      node: primary.id,
      message: `${primary.id} is the primary and must be replaced, and ${input.view.system} has no handover`,
      remedy: `Upgrade the replicas by hand, move the primary to one on ${input.upgrade.to}, then plan again.`,
    },
  ];
}
