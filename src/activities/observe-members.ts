import type { ClusterSpec, EffectContext, MembersView, NodeId, Observed } from '../contracts/index.js';
import { known, messageOf, unknown, valueOf } from '../contracts/index.js';
import { needed, type ActivityDependencies } from './dependencies.js';
import { sleep } from './sleep.js';

const pauseMs = 200;

/**
 * The member list, what each member says, and whether the directories of those that are to join are empty. A
 * connection that was cut, or an election, is no reason to hold a whole run: it is looked at again for a while.
 */
export async function observeMembers(
  deps: ActivityDependencies,
  cluster: ClusterSpec,
  joining: readonly NodeId[],
  ctx: EffectContext,
  patienceMs = 0,
): Promise<MembersView> {
  const empty = await emptyOnes(deps, cluster, joining, ctx);
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const seen = await look(deps, cluster, ctx);
    const led = seen.members.kind === 'known' && seen.view.groups[0]?.primaries.length === 1;
    if (led || Date.now() >= deadline) return { ...seen, empty };
    await sleep(pauseMs, ctx.signal);
  }
}

async function look(deps: ActivityDependencies, cluster: ClusterSpec, ctx: EffectContext) {
  const system = deps.system(cluster);
  const members = await observed(() => needed(system, 'membership').members(cluster, ctx), ctx);
  const nodes = cluster.nodes.filter((n) => valueOf(members)?.some((m) => m.node === n.id));
  const view = await system.observe(nodes.length === 0 ? cluster : { ...cluster, nodes }, ctx);
  return { members, view };
}

export async function emptyOnes(
  deps: ActivityDependencies,
  cluster: ClusterSpec,
  joining: readonly NodeId[],
  ctx: EffectContext,
): Promise<Record<NodeId, Observed<boolean>>> {
  const empty: Record<NodeId, Observed<boolean>> = {};
  for (const id of joining) {
    const node = cluster.nodes.find((n) => n.id === id);
    // One that the cluster file does not name is refused for that.
    if (!node) continue;
    empty[id] = await observed(async () => (await deps.host(node).dataFacts(node, ctx))?.empty ?? true, ctx);
  }
  return empty;
}

/** What cannot be learned is an answer as well: the planner refuses it by name. */
export async function observed<T>(look: () => Promise<T>, ctx: EffectContext): Promise<Observed<T>> {
  try {
    return known(await look());
  } catch (error) {
    ctx.signal.throwIfAborted();
    return unknown(messageOf(error));
  }
}
