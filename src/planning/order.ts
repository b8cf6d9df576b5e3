import { valueOf } from '../contracts/observed.js';
import type { GroupView, NodeId, NodeView } from '../contracts/view.js';

/**
 * The order in which the nodes of a group are replaced (R-ROLL 1): replicas that are in sync first, then the
 * others, each by lag and then by id, the primary last. Nodes that report their target are left out; a node
 * whose version is unknown is not.
 */
export function replacementOrder(
  group: GroupView,
  targets: Readonly<Record<NodeId, string>>,
): readonly NodeId[] {
  return group.nodes
    .filter((n) => targets[n.id] !== undefined && valueOf(n.version) !== targets[n.id])
    .sort((a, b) => rank(group, a) - rank(group, b) || compare(lag(a), lag(b)) || compare(a.id, b.id))
    .map((n) => n.id);
}

function rank(group: GroupView, node: NodeView): number {
  if (group.primaries.includes(node.id) || valueOf(node.role) === 'primary') return 2;
  return valueOf(node.inSync) === true ? 0 : 1;
}

function lag(node: NodeView): number {
  const seen = valueOf(node.lag);
  return seen !== undefined && Number.isFinite(seen) && seen >= 0 ? seen : Number.POSITIVE_INFINITY;
}

/** Not by locale: replayed code must sort alike on every worker. */
const compare = <T extends string | number>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);
