import type { Fence } from './fence.js';
import type { Gate, GateVerdict } from './gate.js';
import type { BorrowedSetting, WriteLedger } from './ledger.js';
import type { Plan } from './plan.js';
import type { Promotion } from './ports/data-system.js';
import type { RunState } from './run.js';
import type { ClusterSpec, RollingUpgradeSpec } from './spec.js';
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

/** A candidate, and what it had applied when it was asked. */
export interface Applied {
  readonly node: NodeId;
  readonly position: Position;
}

/** Activities that change nothing. */
export interface ReadingActivities {
  observeCluster(input: Target): Promise<ClusterView>;
  makePlan(input: Target & { upgrade: RollingUpgradeSpec }): Promise<Plan>;
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
}

/**
 * Activities that change something: each observes first, acts only if needed and verifies after.
 * The crash matrix takes its list from {@link changingActivities}.
 */
export interface ChangingActivities {
  createScratch(input: Target): Promise<void>;
  dropScratch(input: Target): Promise<void>;
  startProbe(input: Target & { probe: RollingUpgradeSpec['probe'] }): Promise<void>;
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
  followPrimary(input: Target & { node: NodeId; upstream: NodeId }): Promise<void>;
  releaseFence(input: Target & { fence: Fence; promotion: Promotion }): Promise<void>;
  writeReport(input: Target & { state: RunState }): Promise<{ directory: string }>;
}

export type Activities = ReadingActivities & ChangingActivities;

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
  followPrimary: true,
  releaseFence: true,
  writeReport: true,
} satisfies Record<keyof ChangingActivities, true>) as (keyof ChangingActivities)[];
