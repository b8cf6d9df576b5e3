import type { GroupId, NodeId } from './view.js';

/**
 * What it costs to undo a step: `free` nothing was changed for clients; `re-roll` the same procedure to the
 * former version; `cut-back` switch back to a copy kept current; `restore` from a backup; `none` not at all.
 */
export type Reversibility = 'free' | 're-roll' | 'cut-back' | 'restore' | 'none';

export type StepId = string;

export type StepAction =
  | { readonly kind: 'prepare' }
  | { readonly kind: 'replace'; readonly node: NodeId; readonly from: string; readonly to: string }
  | {
      readonly kind: 'handover';
      readonly group: GroupId;
      readonly from: NodeId;
      readonly candidates: readonly NodeId[];
    }
  | { readonly kind: 'finish' };

export interface PlanStep {
  /** `prepare`, `replace/<node>`, `handover/<group>`, `finish`. */
  readonly id: StepId;
  readonly title: string;
  readonly action: StepAction;
  readonly reversibility: Reversibility;
  readonly gates: readonly string[];
  readonly approval: boolean;
  /** What it will do, one sentence each, in order. */
  readonly effects: readonly string[];
}

export interface Refusal {
  readonly code: string;
  readonly node?: NodeId;
  readonly message: string;
  readonly remedy: string;
  /** The name under which the spec may accept it, where it can be accepted. */
  readonly acceptAs?: string;
}

export interface PlanNode {
  readonly id: NodeId;
  readonly group: GroupId;
  readonly role: string;
  readonly from: string;
  readonly to: string;
}

export interface Plan {
  /** `done`: every node is on the target already, nothing would be restarted. */
  readonly kind: 'possible' | 'done' | 'refused';
  /** SHA-256 over everything the plan decides, first 16 hex digits; approvals are bound to it. */
  readonly hash: string;
  readonly cluster: string;
  readonly system: string;
  readonly target: string;
  readonly nodes: readonly PlanNode[];
  readonly steps: readonly PlanStep[];
  readonly refusals: readonly Refusal[];
  /** Windows of possible loss that the spec accepts and this plan opens. */
  readonly windows: readonly { readonly name: string; readonly risk: string }[];
  readonly notes: readonly string[];
  /** First step that cannot be undone, if any. */
  readonly pointOfNoReturn?: StepId;
  /** ISO 8601. */
  readonly observedAt: string;
}

/** What a host found where an artifact should be. */
export interface ArtifactReport {
  readonly node: NodeId;
  readonly version: string;
  readonly state:
    | { readonly kind: 'ok'; readonly sha256: string }
    | { readonly kind: 'absent'; readonly path: string }
    | { readonly kind: 'differs'; readonly expected: string; readonly actual: string }
    | { readonly kind: 'undeclared' }
    | { readonly kind: 'unknown'; readonly reason: string };
}

/** Version paths are data: one row a rule, each with its reason and source. */
export type VersionRow =
  | {
      readonly kind: 'known-bad';
      /** Inclusive bounds. */
      readonly from: string;
      readonly to: string;
      readonly reason: string;
      readonly source: string;
    }
  | {
      readonly kind: 'waypoint';
      /** Applies to nodes on a version in [from, below) that go to `series`. */
      readonly from: string;
      readonly below: string;
      readonly series: string;
      readonly via: string;
      readonly reason: string;
      readonly source: string;
    };

export interface VersionRules {
  /** How many leading components of a version name its series (PostgreSQL 1: `17`; etcd 2: `3.5`). */
  readonly seriesDepth: number;
  /** Whether a rolling upgrade may go to the next series or must stay in its own. */
  readonly step: 'same-series' | 'adjacent-series';
  /** Said when the target is out of reach. */
  readonly beyond: {
    readonly code: string;
    readonly reason: string;
    readonly remedy: string;
    readonly source: string;
  };
  readonly rows: readonly VersionRow[];
}
