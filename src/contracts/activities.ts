import type { Fence } from './fence.js';
import type { Gate, GateVerdict } from './gate.js';
import type { BorrowedSetting, WriteLedger } from './ledger.js';
import type { MigrationChangingActivities, MigrationReadingActivities } from './migration-activities.js';
import type { PipelinePlan, Plan } from './plan.js';
import type { Observed } from './observed.js';
import type { Backup, Member, Promotion, SeedSnapshot, StandaloneView } from './ports/data-system.js';
import type { DataMode, ModeRecord } from './ports/host.js';
import type { RunState, StageSpec } from './run.js';
import type { ClusterFormationSpec, ClusterSpec, FormationStage, RollingUpgradeSpec } from './spec.js';
import type { BorrowRequest, ClusterView, GroupId, NodeId, Position } from './view.js';

/** Every activity gets the cluster and the run it works for; nothing else is shared. */
export interface Target {
  readonly cluster: ClusterSpec;
  readonly runId: string;
}

export type GateWait = {
  readonly verdicts: readonly GateVerdict[];
  readonly view?: ClusterView;
  /** `changed`: a verdict differs from what was reported last; ask again. */
  readonly result: 'passed' | 'changed' | 'timed-out';
};

/** How long to look again while the members say nothing, or no single one leads; default: one look. */
export interface Patience {
  readonly patienceMs?: number;
}

/** A candidate, and what it had applied when it was asked. */
export interface Applied {
  readonly node: NodeId;
  readonly position: Position;
}

/** Activities that change nothing. */
export interface ReadingActivities {
  observeCluster(input: Target): Promise<ClusterView>;
  makePlan(input: Target & { upgrade: RollingUpgradeSpec }): Promise<Plan>;
  makePipelinePlan(input: Target & { stages: readonly StageSpec[] }): Promise<PipelinePlan>;
  /** Poll until every gate passes, a verdict changes, or `deadline` (ISO 8601) is over. */
  awaitGates(
    input: Target & {
      gates: readonly Gate[];
      /** Nodes that the run itself holds out of routing. */
      drained: readonly NodeId[];
      deadline: string;
      pollMs: number;
      maxAgeMs: number;
      reported: readonly GateVerdict[];
    },
  ): Promise<GateWait>;
  verifyArtifact(input: Target & { node: NodeId; version: string }): Promise<GateVerdict>;
  chooseCandidate(
    input: Target & { fence: Fence; candidates: readonly NodeId[]; deadline: string; pollMs: number },
  ): Promise<Applied>;
  readSetting(input: Target & { request: BorrowRequest }): Promise<{ formerValue: string | undefined }>;
  readWriteLedger(input: Target): Promise<WriteLedger>;
  /** One look at everything that a formation is decided from; `planFormation` and `nextStage` read it. */
  inspectFormation(input: Target & { formation: ClusterFormationSpec } & Patience): Promise<FormationView>;
  /** `joining`: nodes that are to become members. */
  observeMembers(input: Target & { joining: readonly NodeId[] } & Patience): Promise<MembersView>;
  makeFormationPlan(
    input: Target & { formation: ClusterFormationSpec; stages: readonly FormationStage[] },
  ): Promise<Plan>;
  /** The copies of all nodes at one cut. */
  compareCopies(input: Target): Promise<GateVerdict>;
}

/**
 * Activities that change something: each observes first, acts only if needed and verifies after.
 * The crash matrix takes its list from {@link changingActivities}.
 */
export interface ChangingActivities {
  createScratch(input: Target): Promise<void>;
  dropScratch(input: Target): Promise<void>;
  /** `also`: a second cluster to which the writes may move; the probe follows them as an ordinary client. */
  startProbe(input: Target & { probe: RollingUpgradeSpec['probe']; also?: ClusterSpec }): Promise<void>;
  stopProbe(input: Target): Promise<void>;
  /** Writes a canary on `from`, reads it on each of `on`. */
  proveReplication(
    input: Target & { token: string; from: NodeId; on: readonly NodeId[]; timeoutMs: number; pollMs: number },
  ): Promise<GateVerdict>;
  drainNode(input: Target & { node: NodeId }): Promise<void>;
  restoreNode(input: Target & { node: NodeId }): Promise<void>;
  borrowSetting(input: Target & { borrowed: BorrowedSetting }): Promise<void>;
  giveBackSetting(input: Target & { borrowed: BorrowedSetting }): Promise<void>;
  stopNode(input: Target & { node: NodeId; timeoutMs: number; pollMs: number }): Promise<void>;
  installArtifact(input: Target & { node: NodeId; version: string }): Promise<void>;
  startNode(input: Target & { node: NodeId; asReplicaOf?: NodeId }): Promise<void>;
  tidyNode(input: Target & { node: NodeId }): Promise<void>;
  prepareHandover(input: Target & { from: NodeId; candidates: readonly NodeId[] }): Promise<void>;
  unprepareHandover(input: Target & { from: NodeId; candidates: readonly NodeId[] }): Promise<void>;
  /** Also looks, for a moment, for a candidate at the fence: there almost always is one, and clients wait. */
  fencePrimary(
    input: Target & {
      group: GroupId;
      node: NodeId;
      candidates: readonly NodeId[];
      epoch: number;
      timeoutMs: number;
      pollMs: number;
    },
  ): Promise<{ readonly fence: Fence; readonly chosen?: Applied }>;
  unfencePrimary(
    input: Target & { node: NodeId; asked?: NodeId; timeoutMs: number; pollMs: number },
  ): Promise<void>;
  promoteCandidate(
    input: Target & { candidate: NodeId; fence: Fence; timeoutMs: number; pollMs: number },
  ): Promise<Promotion>;
  /** Write the mode file of a node's data; refused unless its mode is one of `from` or `to` already. */
  writeMode(
    input: Target & {
      node: NodeId;
      to: DataMode;
      from: readonly DataMode[];
      checkpoint: string;
      resumeHint: string;
    },
  ): Promise<void>;
  stopStandalone(input: Target & { seed: NodeId; timeoutMs: number; pollMs: number }): Promise<void>;
  snapshotStandalone(input: Target & { seed: NodeId; version: string }): Promise<SeedSnapshot>;
  restoreSeed(
    input: Target & { seed: NodeId; version: string; snapshot: SeedSnapshot; token: string },
  ): Promise<void>;
  verifySeed(input: Target & { seed: NodeId; version: string; snapshot: SeedSnapshot }): Promise<GateVerdict>;
  finalizeSeed(input: Target & { seed: NodeId; version: string }): Promise<{ readonly kept: string }>;
  /**
   * Remove what a formation that was not finalized has made, and let the standalone be one again; with `start` it
   * returns when it answers.
   */
  restoreStandalone(
    input: Target & { seed: NodeId; start: boolean; timeoutMs: number; pollMs: number },
  ): Promise<void>;
  addLearner(input: Target & { node: NodeId }): Promise<void>;
  startMember(input: Target & { node: NodeId }): Promise<void>;
  promoteLearner(input: Target & { node: NodeId }): Promise<void>;
  removeMember(input: Target & { node: NodeId; timeoutMs: number; pollMs: number }): Promise<void>;
  transferPrimary(
    input: Target & {
      group: GroupId;
      from: NodeId;
      candidates: readonly NodeId[];
      epoch: number;
      timeoutMs: number;
      pollMs: number;
    },
  ): Promise<Promotion>;
  lowerLevel(input: Target & { to: string }): Promise<void>;
  cancelLowering(input: Target): Promise<void>;
  /** `name` is a plain word, unique in the run. */
  saveBackup(input: Target & { name: string }): Promise<Backup>;
  followPrimary(input: Target & { node: NodeId; upstream: NodeId }): Promise<void>;
  releaseFence(input: Target & { fence: Fence; promotion: Promotion }): Promise<void>;
  writeReport(input: Target & { state: RunState }): Promise<{ directory: string }>;
}

/** Who is a member, and what the members say; a node that is none yet, or not any more, has nothing to say. */
export interface MembersView {
  /** The member list, as the primary has it. Absent: there is no cluster yet. */
  readonly members?: Observed<readonly Member[]>;
  /** Of the nodes that are members. */
  readonly view?: ClusterView;
  /** Node → whether its data directory is empty or absent, for nodes that are to become members. */
  readonly empty: Readonly<Record<NodeId, Observed<boolean>>>;
}

/** What each part of a formation is seen to be; what could not be learned is `unknown`. */
export interface FormationView extends MembersView {
  /** The seed's mode file; `undefined` in it: there is none, the data is an ordinary standalone's. */
  readonly mode: Observed<ModeRecord | undefined>;
  /** As long as the seed is not a member of the new cluster. */
  readonly standalone?: StandaloneView;
}

export type Activities = ReadingActivities &
  ChangingActivities &
  MigrationReadingActivities &
  MigrationChangingActivities;

/** The names of all changing activities; the compiler holds it to the interface. */
export const changingActivities = Object.keys({
  createScratch: true,
  dropScratch: true,
  startProbe: true,
  stopProbe: true,
  proveReplication: true,
  drainNode: true,
  restoreNode: true,
  borrowSetting: true,
  giveBackSetting: true,
  stopNode: true,
  installArtifact: true,
  startNode: true,
  tidyNode: true,
  prepareHandover: true,
  unprepareHandover: true,
  fencePrimary: true,
  unfencePrimary: true,
  promoteCandidate: true,
  writeMode: true,
  stopStandalone: true,
  snapshotStandalone: true,
  restoreSeed: true,
  verifySeed: true,
  finalizeSeed: true,
  restoreStandalone: true,
  addLearner: true,
  startMember: true,
  promoteLearner: true,
  removeMember: true,
  transferPrimary: true,
  lowerLevel: true,
  cancelLowering: true,
  saveBackup: true,
  followPrimary: true,
  releaseFence: true,
  writeReport: true,
} satisfies Record<keyof ChangingActivities, true>) as (keyof ChangingActivities)[];
