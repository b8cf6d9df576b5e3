import type { FormationStage } from './spec.js';
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
  | {
      readonly kind: 'switch';
      readonly group: GroupId;
      readonly from: string;
      readonly to: string;
      readonly how: SwitchKind;
      /** by-last-node: the node whose replacement switches. */
      readonly last?: NodeId;
    }
  | { readonly kind: 'form'; readonly stage: FormationStage; readonly node: NodeId }
  | { readonly kind: 'migrate'; readonly step: StepId }
  | { readonly kind: 'finish' };

/**
 * `by-last-node`: the system raises the level by itself when its last node changes; `lower`: it is told to go to a
 * lower level before its nodes do; `cancel`: a lowering under way is withdrawn.
 */
export type SwitchKind = 'by-last-node' | 'lower' | 'cancel';

export interface PlanStep {
  /** `prepare`, `replace/<node>`, `handover/<group>`, `switch/<group>`, `cancel/<group>`, `finish`. */
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
  /** By which of its facets the system does what a run needs; absent in plans that were made before it was told. */
  readonly means?: Means;
  /** The levels that the former versions and the target bring, where this plan has to do with levels. */
  readonly levels?: { readonly from: string; readonly to: string };
  /** First step that cannot be undone, if any. */
  readonly pointOfNoReturn?: StepId;
  /** ISO 8601. */
  readonly observedAt: string;
}

/** How a system does what not all systems do alike. */
export interface Means {
  /** `fence`: the old primary is stopped first; `transfer`: one committed operation moves the primary and fences the old one. */
  readonly handover?: 'fence' | 'transfer';
  /** Whether it can save everything to a file, and compare the copies of its nodes. */
  readonly backup: boolean;
}

/** The plans of a pipeline's stages: the first from what is, the others from what the ones before would leave. */
export interface PipelinePlan {
  readonly kind: Plan['kind'];
  /** SHA-256 over the plans of all stages, first 16 hex digits. */
  readonly hash: string;
  readonly stages: readonly { readonly name: string; readonly plan: Plan }[];
  /** The step after which nothing of what came before can be undone: a stage and a step of it. */
  readonly pointOfNoReturn?: { readonly stage: string; readonly step: StepId };
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
  /** The nodes agree on a level, which is the series of their version; absent: they have none. */
  readonly levels?: {
    /** Whether the system has a way down to the level before, so that a switch can be undone. */
    readonly lowered: 'by-command' | 'never';
    /** The lowest version that knows the way down to the series before its own. */
    readonly lowerFrom: string;
    /** Whether a new member on the lower version may join while the level is being lowered; absent: it may not. */
    readonly joinsWhileLowering?: boolean;
    readonly source: string;
  };
}
