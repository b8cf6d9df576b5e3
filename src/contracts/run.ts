import type { GateVerdict } from './gate.js';
import type { BorrowedSetting, WriteLedger } from './ledger.js';
import type { Plan, StepId } from './plan.js';
import type { ClusterSpec, RollingUpgradeSpec } from './spec.js';
import type { Fence } from './fence.js';
import type { Promotion } from './ports/data-system.js';
import type { GroupId, NodeId, Position } from './view.js';

export type Outcome = 'completed' | 'rolled-back' | 'aborted' | 'failed' | 'running';

export type Phase =
  | 'planning'
  | 'rolling'
  | 'waiting-for-approval'
  | 'paused'
  | 'blocked'
  | 'rolling-back'
  | 'finishing'
  | 'finished';

export type NodeStatus =
  'pending' | 'draining' | 'drained' | 'upgrading' | 'rejoining' | 'complete' | 'failed';

export interface NodeProgress {
  readonly id: NodeId;
  readonly group: GroupId;
  readonly from: string;
  readonly to: string;
  readonly roleBefore: string;
  roleAfter?: string;
  status: NodeStatus;
  /** Why it failed. */
  reason?: string;
  /** The version it last reported, for display. */
  version?: string;
  lag?: number;
  /** When its software was first touched, ISO 8601; absent: it runs what it ran. */
  swappedAt?: string;
  startedAt?: string;
  endedAt?: string;
}

export interface HandoverRecord {
  readonly group: GroupId;
  readonly from: NodeId;
  to?: NodeId;
  epochBefore?: number;
  epochAfter?: number;
  fencePosition?: Position;
  candidatePosition?: Position;
  /** From the probe's record: the longest pause in acknowledged writes during the handover; absent without a probe. */
  writeGapMs?: number;
  /** ISO 8601. */
  startedAt: string;
  fencedAt?: string;
  promotedAt?: string;
  endedAt?: string;
  result: 'in-progress' | 'done' | 'restored' | 'failed';
}

export type ControlAction =
  'pause' | 'resume' | 'approve' | 'reject' | 'retry' | 'skip' | 'rollback' | 'abort';

export interface Decision {
  readonly action: ControlAction | 'approval-expired';
  readonly by: string;
  readonly reason: string;
  /** ISO 8601. */
  readonly at: string;
  readonly step?: StepId;
  /** Whether it took effect, and if not, why. */
  readonly accepted: boolean;
  readonly note?: string;
}

export interface TimelineEvent {
  /** ISO 8601. */
  readonly at: string;
  readonly kind: 'step' | 'node' | 'gate' | 'handover' | 'decision' | 'failure' | 'compensation' | 'probe';
  readonly step?: StepId;
  readonly node?: NodeId;
  readonly text: string;
}

export interface LagSample {
  readonly at: string;
  readonly node: NodeId;
  readonly lag: number;
}

export interface RunFailure {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly step?: StepId;
  readonly node?: NodeId;
  readonly at: string;
}

export interface Fault {
  readonly kind: string;
  readonly during: string;
  readonly at: string;
}

/** One entry of the compensation stack: data, so that it survives continue-as-new. */
export type Compensation =
  | {
      readonly id: string;
      readonly kind: 'unfence';
      readonly group: GroupId;
      readonly node: NodeId;
      /** The candidate whose promotion may have been asked for. */
      readonly asked?: NodeId;
    }
  | { readonly id: string; readonly kind: 'rejoin'; readonly node: NodeId; readonly upstream: NodeId }
  | {
      readonly id: string;
      readonly kind: 'unprepare';
      readonly from: NodeId;
      readonly candidates: readonly NodeId[];
    }
  | {
      readonly id: string;
      readonly kind: 'restore-upstream';
      readonly node: NodeId;
      readonly upstream: NodeId;
    }
  | { readonly id: string; readonly kind: 'restore-routing'; readonly node: NodeId }
  | { readonly id: string; readonly kind: 'give-back'; readonly borrowed: BorrowedSetting }
  | { readonly id: string; readonly kind: 'stop-probe' }
  | { readonly id: string; readonly kind: 'drop-scratch' };

export interface StepProgress {
  readonly id: StepId;
  readonly title: string;
  readonly startedAt: string;
  endedAt?: string;
  /** `interrupted`: by the operator's rollback or abort; `skipped`: overtaken by what others did. */
  result?: 'done' | 'failed' | 'skipped' | 'interrupted';
}

/** The whole state of a run: one plain serialisable object, carried through continue-as-new. */
export interface RunState {
  readonly schemaVersion: 1;
  readonly run: {
    readonly id: string;
    readonly workflowId: string;
    readonly kind: 'RollingUpgrade';
    readonly name: string;
    readonly cluster: string;
    readonly system: string;
    readonly startedAt: string;
    endedAt?: string;
    outcome: Outcome;
  };
  readonly spec: { readonly cluster: ClusterSpec; readonly upgrade: RollingUpgradeSpec };
  plan?: Plan;
  phase: Phase;
  direction: 'forward' | 'back';
  /** The step in progress. */
  step?: StepId;
  steps: StepProgress[];
  nodes: NodeProgress[];
  /** The latest verdict of each gate and node, in the order in which they were first asked. */
  gates: GateVerdict[];
  handovers: HandoverRecord[];
  /** A fence that holds now, until it is released or undone. */
  fence?: Fence;
  /** A promotion that has happened and is still to be verified and released. */
  release?: { readonly fence: Fence; readonly promotion: Promotion };
  ledger: BorrowedSetting[];
  compensations: Compensation[];
  decisions: Decision[];
  timeline: TimelineEvent[];
  samples: LagSample[];
  pauseRequested: boolean;
  waiting?: {
    readonly step: StepId;
    readonly title: string;
    readonly since: string;
    readonly expiresAt: string;
  };
  approved: StepId[];
  /** Nodes that the operator has told the run to leave as they are. */
  skipped: NodeId[];
  failure?: RunFailure;
  writes?: WriteLedger;
  /** What compensation could not undo, each with the command that does. */
  leftUndone: { what: string; command: string; error: string }[];
  faults: Fault[];
  /** The command that goes on from here; empty when the run is over. */
  resumeHint: string;
}

export interface RunInput {
  readonly cluster: ClusterSpec;
  readonly upgrade: RollingUpgradeSpec;
  /** The hash of the plan the caller has seen; a run whose own plan differs stops before it changes anything. */
  readonly expectPlan?: string;
  /** The state with which a run goes on after continue-as-new. */
  readonly state?: RunState;
}
