import type { GateVerdict } from './gate.js';
import type { BorrowedSetting, WriteLedger } from './ledger.js';
import type { Plan, StepId, SwitchKind } from './plan.js';
import type {
  ClusterFormationSpec,
  ClusterSpec,
  FormationStage,
  PipelineSpec,
  RollingUpgradeSpec,
  RunSettings,
  StorageMigrationSpec,
} from './spec.js';
import type { Cut, Direction, ExportCut, Side, Validation } from './migration.js';
import type { Fence } from './fence.js';
import type { Backup, Promotion, SeedSnapshot } from './ports/data-system.js';
import type { DataMode } from './ports/host.js';
import type { GroupId, NodeId, Position } from './view.js';

export type Outcome = 'completed' | 'rolled-back' | 'aborted' | 'failed' | 'running';

export type Phase =
  | 'planning'
  | 'rolling'
  | 'forming'
  | 'migrating'
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

/** A version switch of this run: what was shown before it, and what every node said after it. */
export interface SwitchRecord {
  readonly group: GroupId;
  readonly from: string;
  readonly to: string;
  readonly how: SwitchKind;
  /** Each with what was seen when it became true; it is not asked again. */
  predicates: { readonly name: string; readonly observed: string; readonly at: string }[];
  /** When predicates, approval and burn-in were done: from then on it may happen. ISO 8601. */
  clearedAt?: string;
  /** When every node was seen on the level. ISO 8601. */
  at?: string;
  nodesAtLevel: NodeId[];
}

export interface SavedBackup extends Backup {
  readonly name: string;
  /** ISO 8601. */
  readonly at: string;
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
  readonly kind:
    | 'step'
    | 'node'
    | 'gate'
    | 'handover'
    | 'switch'
    | 'migration'
    | 'decision'
    | 'failure'
    | 'compensation'
    | 'probe';
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
  /** A learner that has no vote yet is taken out of the member list again. */
  | { readonly id: string; readonly kind: 'remove-learner'; readonly node: NodeId }
  | { readonly id: string; readonly kind: 'cancel-lowering'; readonly group: GroupId }
  | { readonly id: string; readonly kind: 'restore-routing'; readonly node: NodeId }
  | { readonly id: string; readonly kind: 'give-back'; readonly borrowed: BorrowedSetting }
  /** Remove everything that a migration has made, as long as the source takes the writes. */
  | { readonly id: string; readonly kind: 'discard-migration' }
  | { readonly id: string; readonly kind: 'stop-stream'; readonly direction: Direction }
  | { readonly id: string; readonly kind: 'unfence-side'; readonly direction: Direction }
  | { readonly id: string; readonly kind: 'release-cut'; readonly name: string }
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

/** What was written for a rolling upgrade. */
export interface UpgradeRunSpec {
  readonly cluster: ClusterSpec;
  readonly upgrade: RollingUpgradeSpec;
  readonly formation?: undefined;
  readonly migration?: undefined;
}

export interface FormationRunSpec {
  readonly cluster: ClusterSpec;
  readonly formation: ClusterFormationSpec;
  readonly stages: readonly FormationStage[];
  readonly upgrade?: undefined;
  readonly migration?: undefined;
}

/** `cluster` is the source. */
export interface MigrationRunSpec {
  readonly cluster: ClusterSpec;
  readonly migration: StorageMigrationSpec;
  readonly destination: ClusterSpec;
  readonly upgrade?: undefined;
  readonly formation?: undefined;
}

/** What was written for a run, by kind. `cluster` is the one that the run is of. */
export type RunSpec = UpgradeRunSpec | FormationRunSpec | MigrationRunSpec;

/** One stage of a pipeline: a run of its own, with a plan and a proof of its own. */
export type StageSpec = UpgradeRunSpec | MigrationRunSpec;

/** The document that says how a run goes about it. */
export const documentOf = (spec: RunSpec): RunSettings => spec.upgrade ?? spec.formation ?? spec.migration;

export const migrationPhases = [
  'preflight',
  'exporting',
  'bootstrapping',
  'validating-export',
  'dual-writing',
  'validating-cutover',
  'awaiting-approval',
  'cutting-over',
  'observing',
  'accepted',
  'cut-back',
  'discarded',
] as const;
export type MigrationPhase = (typeof migrationPhases)[number];

/** One change of the side that takes the writes. */
export interface SideSwitch {
  readonly direction: Direction;
  /** The validation by which it was allowed. */
  readonly validation: string;
  readonly startedAt: string;
  position?: Position;
  openedAt?: string;
  /** As the effects saw it: from the first writer that waited until the other side was open. */
  writeGapMs?: number;
  result: 'in-progress' | 'done' | 'undone';
}

/** How much of something that takes long is done. */
export interface Progress {
  readonly ranges: number;
  done: number;
  rows: number;
  bytes: number;
  readonly totalBytes: number;
  readonly startedAt: string;
  endedAt?: string;
}

/** Where a migration stands. */
export interface MigrationState {
  phase: MigrationPhase;
  phases: { readonly phase: MigrationPhase; readonly at: string }[];
  /** The side that takes the writes, as the run has made it. */
  authority: Side;
  export?: ExportCut;
  copy?: Progress;
  /** The comparison in progress, or the last one. */
  comparison?: Progress & { readonly cut: string };
  validations: Validation[];
  switches: SideSwitch[];
  /** Both copies at the fence of the last switch, to be compared while it is observed. */
  fenceCut?: Cut;
  /** When the time of observation began, and when it was over. ISO 8601. */
  observedSince?: string;
  observedUntil?: string;
  /** The acceptance has begun: there is no way back any more. */
  retiring?: boolean;
  /** Which side could not be asked when the writes were to move back. */
  silent?: Side;
  /** The side that an operator has given up: the other one goes on alone. */
  lost?: Side;
  /** The next rollback goes all the way: nothing of ours stays. */
  discarding?: boolean;
}

/** Where a formation stands: the mode file's words, and every milestone of this run. */
export interface FormationState {
  mode: DataMode;
  checkpoint: string;
  checkpoints: { readonly name: string; readonly at: string }[];
  /** The token of the new cluster: no member of another one joins it by mistake. */
  readonly token: string;
  snapshot?: SeedSnapshot;
  /** Where the standalone's own data is kept. */
  kept?: string;
  /** Whether the standalone ran when the formation began: a rollback leaves it so. */
  wasRunning?: boolean;
}

/** A run that is a stage of a pipeline: which, and what has become of the others. */
export interface PipelineState {
  readonly name: string;
  readonly runId: string;
  readonly onFailure: 'stay' | 'rollback';
  /** From 0. */
  stage: number;
  /** The later stages are being undone, or have been. */
  direction: 'forward' | 'back';
  /** The last stage that has completed and cannot be undone, so that the ones before it cannot either. */
  pointOfNoReturn?: string;
  /** Once no further stage will run: that of the stage that ran last. */
  outcome?: Outcome;
  stages: {
    readonly name: string;
    readonly kind: 'RollingUpgrade' | 'StorageMigration';
    /** A version; of a migration, the cluster that takes the writes after it. */
    readonly to: string;
    /** What its own scratch objects and the journals of its probe are named by. */
    readonly runId: string;
    outcome?: Outcome;
  }[];
}

/** The whole state of a run: one plain serialisable object, carried through continue-as-new. */
export interface RunState {
  readonly schemaVersion: 1;
  readonly run: {
    readonly id: string;
    readonly workflowId: string;
    readonly kind: 'RollingUpgrade' | 'ClusterFormation' | 'StorageMigration';
    readonly name: string;
    readonly cluster: string;
    readonly system: string;
    readonly startedAt: string;
    endedAt?: string;
    outcome: Outcome;
  };
  readonly spec: RunSpec;
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
  /** Of a stage of a pipeline. */
  pipeline?: PipelineState;
  /** Of a stage of a pipeline: what was run before it, oldest first, each as it ended, with a thinner record. */
  chapters?: readonly RunState[];
  /** Of a cluster formation. */
  formation?: FormationState;
  /** Of a storage migration. */
  migration?: MigrationState;
  switches: SwitchRecord[];
  backups: SavedBackup[];
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
  /** The failure for which the run has turned back by itself; it stays when the way back has ended well. */
  cause?: RunFailure;
  writes?: WriteLedger;
  /** What compensation could not undo, each with the command that does. */
  leftUndone: { what: string; command: string; error: string }[];
  faults: Fault[];
  /** The command that goes on from here; empty when the run is over. */
  resumeHint: string;
}

interface InputOfEvery {
  readonly cluster: ClusterSpec;
  /** The hash of the plan the caller has seen; a run whose own plan differs stops before it changes anything. */
  readonly expectPlan?: string;
  /** The state with which a run goes on after continue-as-new. */
  readonly state?: RunState;
}

export interface RunInput extends InputOfEvery {
  readonly upgrade: RollingUpgradeSpec;
}

export interface FormationInput extends InputOfEvery {
  readonly formation: ClusterFormationSpec;
  readonly stages: readonly FormationStage[];
  /** Make a formation that was not finalized a standalone again, instead of going on with it. */
  readonly rollback?: boolean;
}

export interface MigrationInput extends InputOfEvery {
  readonly migration: StorageMigrationSpec;
  readonly destination: ClusterSpec;
}

/** One comparison of both copies of a migration whose changes flow in this direction. */
export interface ValidationInput extends MigrationInput {
  readonly direction: Direction;
  /** Of the cut: a plain word that no other cut has. */
  readonly name: string;
}

export interface PipelineInput extends InputOfEvery {
  readonly pipeline: PipelineSpec;
  /** What its stages name, in their order. */
  readonly stages: readonly StageSpec[];
}
