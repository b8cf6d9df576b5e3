import type { ClusterSpec, NodeSpec } from '../spec.js';
import type { EffectContext } from './context.js';

export type RoutingState = 'routed' | 'drained' | 'not-managed' | 'unknown';

/** How a node is taken out of client traffic and put back. Both calls are idempotent. */
export interface Router {
  drain(cluster: ClusterSpec, node: NodeSpec, ctx: EffectContext): Promise<void>;
  restore(cluster: ClusterSpec, node: NodeSpec, ctx: EffectContext): Promise<void>;
  /** `not-managed`: nobody takes this node out of routing; clients find their way themselves. */
  state(cluster: ClusterSpec, node: NodeSpec, ctx: EffectContext): Promise<RoutingState>;
}
