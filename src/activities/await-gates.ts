import type { ActivityDependencies } from './dependencies.js';
import type { ClusterView, EffectContext, NodeId, ReadingActivities } from '../contracts/index.js';
import { findNode, messageOf, nodeSpec } from '../contracts/index.js';
import type { RoutingState } from '../contracts/index.js';
import { allPass, evaluateGates, sameVerdicts } from '../planning/gates.js';
import { sleep } from './sleep.js';

type Input = Parameters<ReadingActivities['awaitGates']>[0];

/** A hold must last this long before it is reported back, so that a flapping gate does not fill the history. */
const reportAfterMs = 1000;

/**
 * Observe, evaluate, wait, again: until all gates pass, a verdict differs from what was reported last, or the
 * deadline is over. An observation that fails makes every gate `unknown`, which never passes.
 */
export async function awaitGates(
  deps: ActivityDependencies,
  input: Input,
  ctx: EffectContext,
): ReturnType<ReadingActivities['awaitGates']> {
  const began = Date.now();
  const deadline = Date.parse(input.deadline);
  const heldSince: Record<NodeId, string> = {};
  for (;;) {
    const { view, failure } = await tryObserve(deps, input, ctx);
    const routing = await routingStates(deps, input, ctx);
    trackHealth(heldSince, view);
    const verdicts = evaluateGates(input.gates, view, {
      now: new Date().toISOString(),
      maxAgeMs: input.maxAgeMs,
      drained: input.drained,
      routing,
      heldSince,
      failure,
    });
    if (allPass(verdicts)) return { verdicts, view, result: 'passed' };
    ctx.heartbeat(verdicts.filter((v) => v.verdict !== 'pass'));
    if (Date.now() >= deadline) return { verdicts, view, result: 'timed-out' };
    if (Date.now() - began >= reportAfterMs && !sameVerdicts(verdicts, input.reported)) {
      return { verdicts, view, result: 'changed' };
    }
    await sleep(input.pollMs, ctx.signal);
  }
}

async function tryObserve(
  deps: ActivityDependencies,
  input: Input,
  ctx: EffectContext,
): Promise<{ view?: ClusterView; failure?: string }> {
  try {
    return { view: await deps.system(input.cluster).observe(input.cluster, ctx) };
  } catch (error) {
    ctx.signal.throwIfAborted();
    return { failure: deps.secrets.redact(messageOf(error)) };
  }
}

async function routingStates(
  deps: ActivityDependencies,
  input: Input,
  ctx: EffectContext,
): Promise<Record<NodeId, RoutingState>> {
  if (!input.gates.some((g) => g.gate === 'nothing-else-drained')) return {};
  const router = deps.router(input.cluster);
  const states = await Promise.all(
    input.cluster.nodes.map(async (node): Promise<[NodeId, RoutingState]> => {
      try {
        return [node.id, await router.state(input.cluster, nodeSpec(input.cluster, node.id), ctx)];
      } catch {
        ctx.signal.throwIfAborted();
        return [node.id, 'unknown'];
      }
    }),
  );
  return Object.fromEntries(states);
}

/** Since when each node has been seen healthy and in sync without interruption. */
function trackHealth(heldSince: Record<NodeId, string>, view: ClusterView | undefined): void {
  if (!view) {
    for (const id of Object.keys(heldSince)) Reflect.deleteProperty(heldSince, id);
    return;
  }
  for (const node of view.groups.flatMap((g) => g.nodes)) {
    const seen = findNode(view, node.id);
    const holds =
      seen?.reachable.kind === 'known' &&
      seen.reachable.value &&
      seen.serving.kind === 'known' &&
      seen.serving.value &&
      (view.groups.some((g) => g.primaries.length === 1 && g.primaries[0] === node.id) ||
        (seen.inSync.kind === 'known' && seen.inSync.value));
    if (!holds) Reflect.deleteProperty(heldSince, node.id);
    else heldSince[node.id] ??= view.observedAt;
  }
}
