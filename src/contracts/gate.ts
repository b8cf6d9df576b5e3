import type { GroupId, NodeId, Position } from './view.js';

/** `unknown` (also: stale, errored) never passes. */
export type Verdict = 'pass' | 'hold' | 'unknown';

/**
 * Every gate of a rolling upgrade. Each is a pure function of a fresh observation; see planning/gates.ts.
 */
export type Gate =
  /** Every node but those in `except` answers and serves. */
  | { readonly gate: 'cluster-healthy'; readonly group: GroupId; readonly except: readonly NodeId[] }
  /** Exactly one node of the group is a writable primary. */
  | { readonly gate: 'one-primary'; readonly group: GroupId }
  /** What forbids a run (a base backup in progress, replay that is paused) has not come up since the plan. */
  | { readonly gate: 'no-obstacles'; readonly group: GroupId; readonly accepted: readonly string[] }
  /** The system itself says that quorum and redundancy survive without this node, or the window is accepted. */
  | {
      readonly gate: 'quorum-without-node';
      readonly node: NodeId;
      readonly acceptedWindows: readonly string[];
    }
  /** Every other replica is in sync and within `maxLag`. */
  | {
      readonly gate: 'others-in-sync';
      readonly node: NodeId;
      readonly maxLag: number;
      readonly except: readonly NodeId[];
    }
  /** The versions that would run side by side are allowed together. */
  | { readonly gate: 'version-skew'; readonly group: GroupId; readonly versions: readonly string[] }
  /** No other node of the cluster is out of client routing. Answered from the run's state and the router. */
  | { readonly gate: 'nothing-else-drained'; readonly node: NodeId }
  /** Every client transaction that was there when the drain began has ended. `drainedForMs` is filled by the waiter. */
  | { readonly gate: 'in-flight-finished'; readonly node: NodeId; readonly since: string }
  /** The node has applied everything the primary had. */
  | { readonly gate: 'lag-zero'; readonly node: NodeId }
  /** The node answers and serves in the role it should have. */
  | { readonly gate: 'node-healthy'; readonly node: NodeId }
  | { readonly gate: 'version-reported'; readonly node: NodeId; readonly version: string }
  /** Caught up, in sync, following the primary. */
  | { readonly gate: 'caught-up'; readonly node: NodeId }
  /** The node has been healthy and in sync without interruption for `forMs`. */
  | { readonly gate: 'soak-held'; readonly node: NodeId; readonly forMs: number }
  /** Before the fence: at least one of `candidates` is in sync, within `maxLag`, on the target version. */
  | {
      readonly gate: 'candidate-in-sync';
      readonly group: GroupId;
      readonly candidates: readonly NodeId[];
      readonly maxLag: number;
      readonly version: string;
    }
  /** After the fence: at least one of `candidates` has applied exactly the fence's position. */
  | {
      readonly gate: 'candidate-at-fence';
      readonly group: GroupId;
      readonly candidates: readonly NodeId[];
      readonly position: Position;
    }
  | { readonly gate: 'epoch-grew'; readonly group: GroupId; readonly node: NodeId; readonly above: number }
  /** Every node of `replicas` follows `primary` on its epoch. */
  | {
      readonly gate: 'replicas-follow';
      readonly group: GroupId;
      readonly primary: NodeId;
      readonly replicas: readonly NodeId[];
    }
  /** Every node of the group but those in `except` reports its version. */
  | {
      readonly gate: 'all-on-target';
      readonly group: GroupId;
      readonly versions: Readonly<Record<NodeId, string>>;
      readonly except?: readonly NodeId[];
    }
  /** The node itself is on this level: its data can be read by a program that knows no later one. */
  | { readonly gate: 'node-level'; readonly node: NodeId; readonly level: string }
  /** The group and every node of it are on this level, and no lowering is under way. */
  | { readonly gate: 'level-active'; readonly group: GroupId; readonly level: string }
  /** A learner that serves and is at most `maxLag` behind; an absolute distance. */
  | { readonly gate: 'learner-caught-up'; readonly node: NodeId; readonly maxLag: number };

export type GateName =
  | Gate['gate']
  | 'canary-replicated'
  | 'artifact-verified'
  | 'backup-verified'
  | 'copies-identical'
  | 'seed-verified'
  | 'copies-equal'
  | 'definitions-equal'
  | 'stream-caught-up'
  | 'approval';

export interface GateVerdict {
  readonly name: GateName;
  readonly node?: NodeId;
  readonly verdict: Verdict;
  readonly observed: string;
  readonly required: string;
  /** ISO 8601. */
  readonly at: string;
}
