import type { ArtifactReport, Means, PlanNode, VersionRules } from '../../contracts/plan.js';
import { valueOf, type Observed } from '../../contracts/observed.js';
import type { ClusterSpec, RollingUpgradeSpec } from '../../contracts/spec.js';
import { findNode, type ClusterView, type NodeId } from '../../contracts/view.js';

export interface PlanInput {
  readonly cluster: ClusterSpec;
  readonly upgrade: RollingUpgradeSpec;
  readonly view: ClusterView;
  /** For every node: what its host found of the target and of the version it runs now. */
  readonly artifacts: readonly ArtifactReport[];
  /** Node → the version that its host would start, by the host's own record. */
  readonly installed: Readonly<Record<NodeId, Observed<string | undefined>>>;
  readonly rules: VersionRules;
  /** The optional facets that the system has. */
  readonly capabilities: Means & { readonly probe: boolean; readonly membership?: boolean };
  /** A cryptographic digest, hexadecimal: passed in, because planning is pure. */
  readonly digest: (text: string) => string;
}

/** Stands for a version or role that could not be learned, in tables only. */
export const notLearned = 'unknown';

/** Stands for "no node here any more" in the version column of one that leaves: nothing is installed on it. */
export const removed = 'removed';

/** Every node of the cluster file, whether it was observed or not, and then any that only the observation has. */
export function planNodes({ cluster, upgrade, view }: PlanInput): PlanNode[] {
  const declared = cluster.nodes.map((n) => ({ id: n.id, group: n.group }));
  const surplus = view.groups
    .flatMap((g) => g.nodes.map((n) => ({ id: n.id, group: g.id })))
    .filter((n) => !declared.some((d) => d.id === n.id));
  return [...declared, ...surplus].map(({ id, group }) => {
    const seen = findNode(view, id);
    return {
      id,
      group: seen?.group ?? group,
      role: (seen && valueOf(seen.role)) ?? notLearned,
      from: (seen && valueOf(seen.version)) ?? notLearned,
      to: upgrade.to,
    };
  });
}
