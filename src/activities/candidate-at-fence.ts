import type {
  Applied,
  ClusterSpec,
  EffectContext,
  Fence,
  HandoverFacet,
  NodeId,
} from '../contracts/index.js';
import { sleep } from './sleep.js';

/** How much longer the first candidate is waited for when another one is there already, ms. */
const preference = 30;

/**
 * Poll until a candidate has applied exactly what the fence holds; the first of `candidates` is preferred.
 * Without one at the deadline: what each had applied.
 */
export async function candidateAtFence(
  handover: HandoverFacet,
  input: {
    readonly cluster: ClusterSpec;
    readonly candidates: readonly NodeId[];
    readonly fence: Fence;
    /** ms since 1970. */
    readonly deadline: number;
    readonly pollMs: number;
  },
  ctx: EffectContext,
): Promise<{ readonly chosen?: Applied; readonly applied: readonly Applied[] }> {
  const { cluster, candidates, fence, deadline, pollMs } = input;
  const preferredUntil = Date.now() + preference;
  for (;;) {
    const applied = await handover.applied(cluster, candidates, ctx);
    const there = candidates.flatMap(
      (id) => applied.find((a) => a.node === id && a.position.offset === fence.position.offset) ?? [],
    );
    const [chosen] = there;
    if (chosen && (chosen.node === candidates[0] || Date.now() >= preferredUntil)) return { chosen, applied };
    if (Date.now() >= deadline) return { chosen, applied };
    ctx.heartbeat(applied);
    await sleep(Math.min(pollMs, 5), ctx.signal);
  }
}
