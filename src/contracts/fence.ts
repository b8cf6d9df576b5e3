import type { GroupId, NodeId, Position } from './view.js';

declare const fenced: unique symbol;

/** What must have been observed on the old primary's host for a fence to exist. */
export interface FenceEvidence {
  readonly group: GroupId;
  /** The old primary. */
  readonly node: NodeId;
  readonly epoch: number;
  /** The last position of the stopped primary: nothing was or will be acknowledged after it. */
  readonly position: Position;
  /** The process is gone. */
  readonly stopped: true;
  /** It shut down by itself and had shipped everything; a crash leaves no fence. */
  readonly clean: true;
  /** What keeps a foreign start from making it a writable primary again, in one sentence. */
  readonly guard: string;
  /** ISO 8601. */
  readonly at: string;
}

/**
 * The proof that the old primary can acknowledge no further write, with the position at which it stopped.
 * Only {@link fenceFrom} makes one, and only from evidence: `promote` takes it as an argument, so that a
 * promotion without a fence does not compile.
 */
export interface Fence extends FenceEvidence {
  readonly [fenced]: true;
}

/** Called by a system's `handover.fence` alone, after it has seen every field of the evidence. */
export const fenceFrom = (evidence: FenceEvidence): Fence => evidence as Fence;
