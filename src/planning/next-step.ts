import type { NodeProgress } from '../contracts/run.js';
import { valueOf } from '../contracts/observed.js';
import type { ClusterView, GroupId, GroupView, NodeId } from '../contracts/view.js';
import { replacementOrder } from './order.js';

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
  | { readonly kind: 'stuck'; readonly message: string; readonly remedy: string };

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
}): NextStep {
  const { view, targets, progress, skipped } = input;
  const mine = progress.find((p) => outOfService.includes(p.status) && !skipped.includes(p.id));
  const target = mine && targets[mine.id];
  if (mine && target !== undefined) {
    const primary = view.groups.some((g) => g.primaries.includes(mine.id));
    // A node of ours that somebody has promoted meanwhile is no longer ours to stop: it goes the way of a primary.
    if (!primary) return { kind: 'replace', node: mine.id, group: mine.group, to: target, resume: true };
  }
  for (const group of view.groups) {
    const step = nextInGroup(group, targets, skipped, input.preferredPrimaries);
    if (step) return step;
  }
  return { kind: 'complete' };
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
