import { createHash } from 'node:crypto';
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
import { planPipeline } from '../planning/pipeline.js';
import { planRollingUpgrade, type PlanInput } from '../planning/plan.js';
import type { ActivityDependencies } from './dependencies.js';
import { observeMembers } from './observe-members.js';

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

/** The same for the stages of a pipeline, from one observation. */
export async function makePipelinePlan(
  deps: ActivityDependencies,
  { cluster, upgrades }: Parameters<ReadingActivities['makePipelinePlan']>[0],
  ctx: EffectContext,
): Promise<PipelinePlan> {
  const view = await deps.system(cluster).observe(cluster, ctx);
  const targets = upgrades.map((u) => u.to);
  return planPipeline(await factsOf(deps, cluster, view, targets, ctx), upgrades);
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
    digest: (text) => createHash('sha256').update(text).digest('hex'),
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
