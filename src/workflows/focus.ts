import type { MembersView, Target } from '../contracts/activities.js';
import { valueOf } from '../contracts/observed.js';
import type { NodeId } from '../contracts/view.js';
import type { Run } from './run.js';

/**
 * From now on the run's activities see the cluster with these nodes only: a node that is not a member yet, or not
 * any more, has nothing to say. `undefined`: every node that is declared.
 */
export function focus(run: Run, nodes: readonly NodeId[] | undefined): void {
  const { cluster } = run.state.spec;
  run.target = {
    ...run.target,
    cluster:
      nodes === undefined
        ? cluster
        : { ...cluster, nodes: cluster.nodes.filter((n) => nodes.includes(n.id)) },
  };
}

/** How long members that say nothing are looked at again before a run asks an operator. */
export const patienceMs = 30_000;

/** The target of an activity that is about a node which the step in progress may not see any more. */
export const targetWith = (run: Run, node: NodeId): Target => {
  const seen = [node, ...run.target.cluster.nodes.map((n) => n.id)];
  const { cluster } = run.state.spec;
  return { ...run.target, cluster: { ...cluster, nodes: cluster.nodes.filter((n) => seen.includes(n.id)) } };
};

/** The nodes that the member list names. */
export const membersOf = (view: MembersView): NodeId[] =>
  ((view.members && valueOf(view.members)) ?? []).flatMap((m) => (m.node === undefined ? [] : [m.node]));
