import { known } from '../../contracts/observed.js';
import type { PipelinePlan, Plan } from '../../contracts/plan.js';
import type { RollingUpgradeSpec, StorageMigrationSpec } from '../../contracts/spec.js';
import { planMigration, type MigrationPlanInput } from '../migration/plan.js';
import { hashOf } from '../plan/hash.js';
import { planRollingUpgrade, type PlanInput } from '../plan.js';
import { series } from '../version-path.js';

type SeenCluster = Omit<PlanInput, 'upgrade'>;
type SeenPair = Omit<MigrationPlanInput, 'migration'>;

/** A stage, and what was seen of the clusters that it changes. */
export type SeenStage =
  | { readonly upgrade: RollingUpgradeSpec; readonly seen: SeenCluster }
  | { readonly upgrade?: undefined; readonly migration: StorageMigrationSpec; readonly seen: SeenPair };

/**
 * The plans of all stages: the first from the observation, each later one from what the stages before would leave,
 * so that what forbids it (an artifact, a version step, an obstacle) is told before anything changes.
 */
export function planPipeline(stages: readonly SeenStage[], digest: PlanInput['digest']): PipelinePlan {
  /** Cluster → the version to which a stage before it brings it. */
  const versions = new Map<string, string>();
  const plans = stages.map((stage): PipelinePlan['stages'][number] => {
    if (!stage.upgrade) {
      const seen = pairAfter(versions.get(stage.seen.pair.source.name), stage.seen);
      return { name: stage.migration.name, plan: planMigration({ ...seen, migration: stage.migration }) };
    }
    const { upgrade } = stage;
    const seen = clusterAfter(versions.get(upgrade.cluster), stage.seen);
    versions.set(upgrade.cluster, upgrade.to);
    return { name: upgrade.name, plan: planRollingUpgrade({ ...seen, upgrade }) };
  });
  const last = plans.flatMap(({ name, plan }) => {
    const step = plan.pointOfNoReturn;
    return step === undefined ? [] : [{ stage: name, step }];
  });
  return {
    kind: kindOf(plans.map((s) => s.plan.kind)),
    hash: hashOf(
      plans.map((s) => s.plan.hash),
      digest,
    ),
    stages: plans,
    pointOfNoReturn: last[0],
  };
}

function kindOf(kinds: readonly Plan['kind'][]): Plan['kind'] {
  if (kinds.includes('refused')) return 'refused';
  return kinds.every((k) => k === 'done') ? 'done' : 'possible';
}

/** Every node on the version, and the group on its level. */
function clusterAfter(version: string | undefined, seen: SeenCluster): SeenCluster {
  if (version === undefined) return seen;
  const level = known(series(version, seen.rules));
  return {
    ...seen,
    view: {
      ...seen.view,
      groups: seen.view.groups.map((g) => ({
        ...g,
        ...(g.level ? { level: { active: level, lowering: known(undefined) } } : {}),
        nodes: g.nodes.map((n) => ({ ...n, version: known(version), ...(n.level ? { level } : {}) })),
      })),
    },
    installed: Object.fromEntries(Object.keys(seen.installed).map((id) => [id, known(version)])),
  };
}

/** The software of the source is another one by then; its data is not. */
const pairAfter = (version: string | undefined, seen: SeenPair): SeenPair =>
  version === undefined || !seen.view
    ? seen
    : { ...seen, view: { ...seen.view, versions: { ...seen.view.versions, source: version } } };
