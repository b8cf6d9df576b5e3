import type { Plan, PlanNode, PlanStep } from '../../contracts/plan.js';
import { valueOf } from '../../contracts/observed.js';
import { findNode } from '../../contracts/view.js';
import type { PlanInput } from './input.js';

/**
 * What an approval is bound to: everything the plan decides, and nothing that moves by itself. Lists are
 * sorted and keys ordered, because the order of replicas follows their lag, and that of a file its author.
 */
export function planHash(
  input: PlanInput,
  plan: Pick<Plan, 'kind' | 'nodes' | 'steps' | 'windows' | 'refusals'>,
): string {
  const { cluster, upgrade, view } = input;
  const artifactsOf = (node: PlanNode): unknown =>
    [node.from, node.to].map((version) => [version, cluster.artifacts[version]]);
  const decided = {
    cluster: {
      name: cluster.name,
      system: cluster.system,
      settings: cluster.settings,
      routing: cluster.routing,
      nodes: byId(cluster.nodes),
    },
    target: upgrade.to,
    strategy: upgrade.strategy,
    kind: plan.kind,
    nodes: byId(plan.nodes).map((node) => {
      const seen = findNode(view, node.id);
      return { ...node, identity: seen && valueOf(seen.identity), artifacts: artifactsOf(node) };
    }),
    steps: decidedSteps(plan.steps),
    // By name alone: their wording may carry figures of the moment.
    windows: plan.windows.map((w) => w.name).sort(),
    refusals: plan.refusals.map((r) => `${r.code} ${r.node ?? ''}`).sort(),
  };
  return hashOf(decided, input.digest);
}

/** The hash of a plan of any kind, over everything that it decides. */
export const hashOf = (decided: object, digest: PlanInput['digest']): string =>
  digest(JSON.stringify(canonical(decided))).slice(0, 16);

/** What a step does and waits for; not its words, nor how long it may take. */
export const decidedSteps = (steps: readonly PlanStep[]): readonly unknown[] =>
  byId(steps).map(({ id, effects, gates, reversibility, approval }) => ({
    id,
    effects,
    gates,
    reversibility,
    approval,
  }));

const byId = <T extends { readonly id: string }>(items: readonly T[]): readonly T[] =>
  [...items].sort((a, b) => (a.id < b.id ? -1 : 1));

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, canonical(inner)]));
}
