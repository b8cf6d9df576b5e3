import {
  valueOf,
  type ClusterView,
  type EffectContext,
  type Obstacle,
  type Pair,
} from '../contracts/index.js';
import type { MigrationPlanInput } from '../planning/migration/plan.js';
import type { ActivityDependencies } from './dependencies.js';
import { sha256 } from './sha256.js';

/** Everything that the plan of a migration is made from. Changes nothing. */
export async function seePair(
  deps: ActivityDependencies,
  pair: Pair,
  ctx: EffectContext,
): Promise<Omit<MigrationPlanInput, 'migration'>> {
  const { source, destination } = pair;
  const facet = source.system === destination.system ? deps.system(source).migration : undefined;
  const views = await Promise.all(
    [source, destination].map((cluster) => deps.system(cluster).observe(cluster, ctx)),
  );
  return {
    pair,
    view: await facet?.inspect(pair, ctx),
    obstacles: views.flatMap(unwell),
    observedAt: new Date().toISOString(),
    digest: sha256,
  };
}

/** One primary that serves, and every node known: a copy is not begun beside a failover. */
function unwell(view: ClusterView): Obstacle[] {
  return view.groups.flatMap((group) => {
    const silent = group.nodes.filter((n) => valueOf(n.serving) !== true).map((n) => n.id);
    if (group.primaries.length === 1 && silent.length === 0) return [];
    return [
      {
        code: 'CLUSTER_UNHEALTHY',
        message: `${view.cluster}: ${group.primaries.length} primaries${silent.length > 0 ? `; ${silent.join(', ')} not seen to serve` : ''}`,
        remedy: 'Bring every node up, with one primary, then plan again.',
      },
    ];
  });
}
