import type { Observed } from './observed.js';

export type NodeId = string;
export type GroupId = string;
export type Role = 'primary' | 'replica' | 'learner';

/** A place in the replication log. `offset` is in the log's own unit (PostgreSQL: bytes of WAL). */
export interface Position {
  readonly offset: number;
  /** The system's own notation, e.g. `0/3000148`. */
  readonly text: string;
}

/** A setting that must change for a while so that a node can be stopped, see {@link StopSafety}. */
export interface BorrowRequest {
  readonly node: NodeId;
  readonly setting: string;
  /** The value while it is borrowed. */
  readonly value: string;
}

/**
 * What the system itself says about stopping one node now. A `window` names the risk under which the stop
 * would still be possible: only a spec that accepts this name may open it.
 */
export interface StopSafety {
  readonly verdict: 'pass' | 'hold' | 'unknown';
  /** What was seen, in one sentence. */
  readonly evidence: string;
  readonly window?: {
    readonly name: string;
    readonly risk: string;
    readonly borrow: readonly BorrowRequest[];
  };
}

export interface NodeView {
  readonly id: NodeId;
  readonly group: GroupId;
  readonly address: string;
  /** Whether the node answered this observation. */
  readonly reachable: Observed<boolean>;
  readonly role: Observed<Role>;
  /** The version the running node itself reports. */
  readonly version: Observed<string>;
  /** Whether it serves clients: accepts sessions and, for a primary, writes. */
  readonly serving: Observed<boolean>;
  readonly position: Observed<Position>;
  /**
   * Distance to the primary's position as read directly before this node's own: 0 means that the node has
   * applied everything the primary had when the observation began. In the log's own unit.
   */
  readonly lag: Observed<number>;
  readonly inSync: Observed<boolean>;
  /** The node it replicates from, by id; `undefined` for a primary. */
  readonly upstream: Observed<NodeId | undefined>;
  readonly epoch: Observed<number>;
  /** Which cluster the node's data belongs to (PostgreSQL: system identifier). */
  readonly identity: Observed<string>;
  /** Client transactions in progress: how many, and the age of the oldest in ms. */
  readonly inFlight: Observed<{ readonly count: number; readonly oldestMs: number }>;
  /** When the running server process started, ISO 8601. */
  readonly startedAt: Observed<string>;
  readonly stop: StopSafety;
  /** The level of behaviour that this node itself is on (etcd: cluster and storage version); absent: it has none. */
  readonly level?: Observed<string>;
}

/** What all nodes of a group have agreed to behave as; it changes by one committed entry (R-SWITCH). */
export interface LevelView {
  readonly active: Observed<string>;
  /** The lower level that the group has been told to go to, as long as it is under way. */
  readonly lowering: Observed<string | undefined>;
}

export interface GroupView {
  readonly id: GroupId;
  /** Nodes that say they are primary and take writes; more than one is a split brain. */
  readonly primaries: readonly NodeId[];
  readonly epoch: Observed<number>;
  /** `quorum`: a write is acknowledged only when others have it; `asynchronous`: the primary alone decides. */
  readonly durability: Observed<'quorum' | 'asynchronous'>;
  /** Absent: the system has no levels. */
  readonly level?: LevelView;
  readonly nodes: readonly NodeView[];
}

/** Something in the cluster that forbids a run, by name. `acceptAs` is the name a spec may accept it under. */
export interface Obstacle {
  readonly code: string;
  readonly node?: NodeId;
  readonly message: string;
  readonly remedy: string;
  readonly acceptAs?: string;
}

export interface ClusterView {
  readonly cluster: string;
  readonly system: string;
  /** When the observation ended, ISO 8601, by the observer's clock. */
  readonly observedAt: string;
  readonly positionUnit: string;
  readonly groups: readonly GroupView[];
  readonly obstacles: readonly Obstacle[];
}

export const nodesOf = (view: ClusterView): readonly NodeView[] => view.groups.flatMap((g) => g.nodes);

export function findNode(view: ClusterView, id: NodeId): NodeView | undefined {
  return nodesOf(view).find((n) => n.id === id);
}
