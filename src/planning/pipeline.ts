import { known } from '../contracts/observed.js';
import type { PipelinePlan, VersionRules } from '../contracts/plan.js';
import type { RollingUpgradeSpec } from '../contracts/spec.js';
import type { ClusterView } from '../contracts/view.js';
import { hashOf } from './plan/hash.js';
import { planRollingUpgrade, type PlanInput } from './plan.js';
import { series } from './version-path.js';

/**
 * The plans of all stages: the first from the observation, each later one from what the stages before would leave,
 * so that a missing artifact or a version step that is not allowed is told before anything changes.
 */
export function planPipeline(
  input: Omit<PlanInput, 'upgrade'>,
  upgrades: readonly RollingUpgradeSpec[],
): PipelinePlan {
  let { view, installed } = input;
  const stages = upgrades.map((upgrade) => {
    const plan = planRollingUpgrade({ ...input, upgrade, view, installed });
    view = after(view, upgrade.to, input.rules);
    installed = Object.fromEntries(Object.keys(installed).map((id) => [id, known(upgrade.to)]));
    return { name: upgrade.name, plan };
  });
  const kinds = stages.map((s) => s.plan.kind);
  const kind = kinds.includes('refused') ? 'refused' : kinds.every((k) => k === 'done') ? 'done' : 'possible';
  const hash = hashOf(
    stages.map((s) => s.plan.hash),
    input.digest,
  );
  return { kind, hash, stages };
}

/** Every node on the version, and the group on its level. */
function after(view: ClusterView, version: string, rules: VersionRules): ClusterView {
  const level = known(series(version, rules));
  return {
    ...view,
    groups: view.groups.map((g) => ({
      ...g,
      ...(g.level ? { level: { active: level, lowering: known(undefined) } } : {}),
      nodes: g.nodes.map((n) => ({ ...n, version: known(version), ...(n.level ? { level } : {}) })),
    })),
  };
}
