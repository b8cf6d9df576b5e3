import type {
  ArtifactReport,
  ClusterSpec,
  ClusterView,
  EffectContext,
  Host,
  MembersView,
  NodeId,
  NodeSpec,
  Observed,
  PipelinePlan,
  Plan,
  ReadingActivities,
} from '../contracts/index.js';
import { known, nodesOf, RollgateError, unknown, valueOf } from '../contracts/index.js';
import { planByMembership } from '../planning/membership/plan.js';
import { planPipeline, type SeenStage } from '../planning/pipeline/plan.js';
import { planRollingUpgrade, type PlanInput } from '../planning/plan.js';
import type { ActivityDependencies } from './dependencies.js';
import { observeMembers } from './observe-members.js';
import { seePair } from './see-pair.js';
import { sha256 } from './sha256.js';

/** Everything that a plan is made from, and the plan. Changes nothing. */
export async function makePlan(
  deps: ActivityDependencies,
  { cluster, upgrade }: Parameters<ReadingActivities['makePlan']>[0],
  ctx: EffectContext,
): Promise<Plan> {
  const system = deps.system(cluster);
  if (upgrade.strategy !== 'by-membership') {
    const view = await system.observe(cluster, ctx);
    return planRollingUpgrade({ ...(await factsOf(deps, cluster, view, [upgrade.to], ctx)), upgrade });
  }
  const joining = Object.values(upgrade.replacements).filter((id) => cluster.nodes.some((n) => n.id === id));
  const seen: MembersView = system.membership
    ? await observeMembers(deps, cluster, joining, ctx)
    : { view: await system.observe(cluster, ctx), empty: {} };
  const view = seen.view ?? (await system.observe(cluster, ctx));
  const ids = nodesOf(view).map((n) => n.id);
  return planByMembership({
    ...(await factsOf(deps, cluster, view, [upgrade.to], ctx)),
    upgrade,
    cluster: { ...cluster, nodes: cluster.nodes.filter((n) => ids.includes(n.id)) },
    seen,
    declared: cluster.nodes.map((n) => n.id),
  });
}

/** The same for all stages of a pipeline; what they share is looked at once. */
export async function makePipelinePlan(
  deps: ActivityDependencies,
  { stages }: Parameters<ReadingActivities['makePipelinePlan']>[0],
  ctx: EffectContext,
): Promise<PipelinePlan> {
  const facts = new Map<string, Promise<Omit<PlanInput, 'upgrade'>>>();
  const upgrades = stages.flatMap((s) => s.upgrade ?? []);
  const seen = stages.map(async (stage): Promise<SeenStage> => {
    const { cluster } = stage;
    if (stage.migration) {
      const { migration, destination } = stage;
      return { migration, seen: await seePair(deps, { source: cluster, destination }, ctx) };
    }
    const targets = upgrades.filter((u) => u.cluster === cluster.name).map((u) => u.to);
    const look = async () => {
      const view = await deps.system(cluster).observe(cluster, ctx);
      return factsOf(deps, cluster, view, targets, ctx);
    };
    const found = facts.get(cluster.name) ?? look();
    facts.set(cluster.name, found);
    return { upgrade: stage.upgrade, seen: await found };
  });
  return planPipeline(await Promise.all(seen), sha256);
}

async function factsOf(
  deps: ActivityDependencies,
  cluster: ClusterSpec,
  view: ClusterView,
  targets: readonly string[],
  ctx: EffectContext,
): Promise<Omit<PlanInput, 'upgrade'>> {
  const system = deps.system(cluster);
  const running = nodesOf(view).flatMap((n) => valueOf(n.version) ?? []);
  const artifacts: ArtifactReport[] = [];
  const installed: Record<NodeId, Observed<string | undefined>> = {};
  for (const node of cluster.nodes) {
    installed[node.id] = await installedOn(deps.host(node), node, ctx);
    for (const version of new Set([...targets, ...running])) {
      artifacts.push(await deps.host(node).verifyArtifact(node, version, cluster.artifacts[version], ctx));
    }
  }
  return {
    cluster,
    view,
    artifacts,
    installed,
    rules: system.versionRules,
    capabilities: {
      handover: system.transfer ? 'transfer' : system.handover ? 'fence' : undefined,
      backup: system.backup !== undefined,
      probe: system.probe !== undefined,
      membership: system.membership !== undefined,
    },
    digest: sha256,
  };
}

/** A host that cannot say it is a reason to refuse, among all the others, and no failure of the planning. */
async function installedOn(
  host: Host,
  node: NodeSpec,
  ctx: EffectContext,
): Promise<Observed<string | undefined>> {
  try {
    return known(await host.installed(node, ctx));
  } catch (error) {
    if (error instanceof RollgateError && error.code === 'HOST_UNKNOWN') return unknown(error.message);
    throw error;
  }
}
