import type { RoutingState } from '../../contracts/ports/router.js';
import type { NodeId } from '../../contracts/view.js';

/** What a gate is told beside the observation. */
export interface GateContext {
  /** ISO 8601, when the verdict is made. */
  readonly now: string;
  /** An observation older than this is stale, ms. So is one from further in the future than this. */
  readonly maxAgeMs: number;
  /** Nodes that the run itself holds out of routing. */
  readonly drained: readonly NodeId[];
  /** What the router says of each node; a node that is absent is unknown. */
  readonly routing?: Readonly<Record<NodeId, RoutingState>>;
  /** Since when the waiter has seen each node healthy and in sync without interruption, ISO 8601. */
  readonly heldSince?: Readonly<Record<NodeId, string>>;
  /** Why there is no observation. */
  readonly failure?: string;
}
