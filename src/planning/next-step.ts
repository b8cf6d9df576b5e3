import type { NodeProgress } from '../contracts/run.js';
import { valueOf } from '../contracts/observed.js';
import type { ClusterView, GroupId, GroupView, NodeId } from '../contracts/view.js';
import type { SwitchKind } from '../contracts/plan.js';
import { replacementOrder } from './order.js';
import { compareVersions } from './version-path.js';

export type NextStep =
  /** Every node that is to change is on its target. */
  | { readonly kind: 'complete' }
  | {
      readonly kind: 'replace';
      readonly node: NodeId;
      readonly group: GroupId;
      readonly to: string;
      /** The node is already out of service by our own doing: only the way forward heals it. */
      readonly resume: boolean;
    }
  | {
      readonly kind: 'handover';
      readonly group: GroupId;
      readonly from: NodeId;
      /** Replicas on the version the old primary is to get, the preferred first. */
      readonly candidates: readonly NodeId[];
    }
  | {
      readonly kind: 'switch';
      readonly group: GroupId;
      readonly how: SwitchKind;
      readonly to: string;
      /** by-last-node: the node whose replacement switches. */
      readonly last?: NodeId;
    }
  | { readonly kind: 'stuck'; readonly message: string; readonly remedy: string };

type Switch = Extract<NextStep, { kind: 'switch' }>;

const outOfService: readonly NodeProgress['status'][] = ['drained', 'upgrading', 'rejoining', 'failed'];

/**
 * The next safe step from *here*: decided from a fresh observation and from which nodes the run itself has
 * taken out of service, never from a script. A primary that moved by itself is thereby just another start.
 */
export function nextStep(input: {
  readonly view: ClusterView;
  /** Node → the version it shall run; forward the target, back the version it came from. */
  readonly targets: Readonly<Record<NodeId, string>>;
  readonly progress: readonly NodeProgress[];
  /** Nodes the operator has told us to leave alone. */
  readonly skipped: readonly NodeId[];
  /** Who should be primary where there is a choice: when rolling back, who it was before. */
  readonly preferredPrimaries: readonly NodeId[];
  /** The level that the targets bring, where the system has levels. */
  readonly level?: string;
  /** Groups whose switch by their last node has been cleared. */
  readonly cleared?: readonly GroupId[];
}): NextStep {
  const { view, targets, progress, skipped } = input;
  const mine = progress.find((p) => outOfService.includes(p.status) && !skipped.includes(p.id));
  const target = mine && targets[mine.id];
  if (mine && target !== undefined) {
    const primary = view.groups.some((g) => g.primaries.includes(mine.id));
    const group = view.groups.find((g) => g.id === mine.group);
    const down = group && input.level !== undefined ? switchBefore(group, input.level) : undefined;
    // With the last node the level may have gone up: no program that does not know it is started on its data.
    if (down?.how === 'lower') return down;
    // A node of ours that somebody has promoted meanwhile is no longer ours to stop: it goes the way of a primary.
    if (!primary) return { kind: 'replace', node: mine.id, group: mine.group, to: target, resume: true };
  }
  for (const group of view.groups) {
    const down = input.level === undefined ? undefined : switchBefore(group, input.level);
    if (down) return down;
    const step = nextInGroup(group, targets, skipped, input.preferredPrimaries);
    if (step?.kind === 'replace' && input.level !== undefined && !input.cleared?.includes(group.id)) {
      const up = switchByLast(group, step.node, targets, input.level);
      if (up) return up;
    }
    if (step) return step;
  }
  return { kind: 'complete' };
}

/**
 * What must be said to the system before any node changes: that it is to go down, or that it is not to any more.
 * A level that is not known asks for nothing here, unless every node allows a higher one: it may rise at any
 * moment then, and the step waits until it has.
 */
export function switchBefore(group: GroupView, level: string): Switch | undefined {
  if (!group.level) return undefined;
  const active = valueOf(group.level.active);
  const lowering = valueOf(group.level.lowering);
  const step = { kind: 'switch', group: group.id, to: level } as const;
  if (lowering !== undefined) {
    return compareVersions(lowering, level) < 0 ? { ...step, how: 'cancel' } : undefined;
  }
  const above = active !== undefined && compareVersions(active, level) > 0;
  return above || everyNodeAbove(group, level) ? { ...step, how: 'lower' } : undefined;
}

/** Whether no node is left whose version holds the group down on this level. */
const everyNodeAbove = (group: GroupView, level: string): boolean =>
  group.nodes.every((n) => {
    const version = valueOf(n.version);
    return version !== undefined && compareVersions(levelLike(version, level), level) > 0;
  });

/** The level that a version brings, with as many components as another level has. */
const levelLike = (version: string, level: string): string =>
  version.split('.').slice(0, level.split('.').length).join('.');

/** A withdrawal has a step of its own: whoever approves it has not approved that the level goes up later. */
export const switchStepId = (how: SwitchKind, group: GroupId): string =>
  how === 'cancel' ? `cancel/${group}` : `switch/${group}`;

/**
 * Whether replacing this node, the last that is not on its target, raises the level of the group. What the group
 * says of its level is not asked: where it says nothing, nobody may be passed over.
 */
export function switchByLast(
  group: GroupView,
  node: NodeId,
  targets: Readonly<Record<NodeId, string>>,
  level: string,
): Switch | undefined {
  const old = group.nodes.filter((n) => valueOf(n.version) !== (targets[n.id] ?? valueOf(n.version)));
  const [last] = old;
  if (old.length !== 1 || last?.id !== node) return undefined;
  const version = valueOf(last.version);
  // A version that is not known may be the one that holds the level down.
  if (version !== undefined && !(compareVersions(version, level) < 0)) return undefined;
  return { kind: 'switch', group: group.id, how: 'by-last-node', to: level, last: node };
}

function nextInGroup(
  group: GroupView,
  targets: Readonly<Record<NodeId, string>>,
  skipped: readonly NodeId[],
  preferred: readonly NodeId[],
): NextStep | undefined {
  const pending = replacementOrder(group, targets).filter((id) => !skipped.includes(id));
  const first = pending[0];
  if (first === undefined) return undefined;
  const to = targets[first] ?? '';
  if (!group.primaries.includes(first)) {
    return { kind: 'replace', node: first, group: group.id, to, resume: false };
  }
  const ready = group.nodes
    .filter(
      (n) =>
        n.id !== first &&
        !skipped.includes(n.id) &&
        valueOf(n.role) === 'replica' &&
        valueOf(n.version) === targets[n.id],
    )
    .map((n) => n.id)
    .sort((a, b) => rank(preferred, a) - rank(preferred, b) || (a < b ? -1 : 1));
  if (ready.length === 0) {
    return {
      kind: 'stuck',
      message: `${first} is the primary and no other node of ${group.id} is on its target version`,
      remedy: 'Bring a replica to the target version, then retry; or roll back.',
    };
  }
  return { kind: 'handover', group: group.id, from: first, candidates: ready };
}

const rank = (preferred: readonly NodeId[], id: NodeId): number => {
  const at = preferred.indexOf(id);
  return at < 0 ? preferred.length : at;
};
