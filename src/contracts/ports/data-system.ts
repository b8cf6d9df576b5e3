import type { Fence } from '../fence.js';
import type { Verdict } from '../gate.js';
import type { Observed } from '../observed.js';
import type { VersionRules } from '../plan.js';
import type { ClusterSpec } from '../spec.js';
import type { BorrowRequest, ClusterView, GroupId, NodeId, Position } from '../view.js';
import type { EffectContext } from './context.js';
import type { DataMode, LaunchSpec } from './host.js';
import type { MigrationFacet } from './migration.js';
import type { ProbeFacet } from './probe.js';

/** One data system, in facets: what it lacks, the planner refuses. */
export interface DataSystem {
  readonly name: string;
  /** The unit of positions and lag, e.g. `bytes`. */
  readonly positionUnit: string;
  readonly versionRules: VersionRules;
  /** One fresh look at every node. Never throws for a node that does not answer: that is `unknown`. */
  observe(cluster: ClusterSpec, ctx: EffectContext): Promise<ClusterView>;
  launch(cluster: ClusterSpec, node: NodeId): LaunchSpec;
  /**
   * Make a stopped node start as a replica of `upstream`. Idempotent; the node must be stopped.
   * @throws HOST_UNKNOWN, SYSTEM_REFUSED
   */
  startAsReplica(cluster: ClusterSpec, node: NodeId, upstream: NodeId, ctx: EffectContext): Promise<void>;
  /** Re-point a running replica. Idempotent, verified. */
  follow(cluster: ClusterSpec, node: NodeId, upstream: NodeId, ctx: EffectContext): Promise<void>;
  /**
   * Remove what a former role has left on a replica and would do harm there (PostgreSQL: slots that its former
   * replicas used keep WAL for ever). Idempotent.
   */
  tidy(cluster: ClusterSpec, node: NodeId, ctx: EffectContext): Promise<void>;
  readonly scratch: ScratchFacet;
  readonly settings: SettingsFacet;
  /** How the primary is moved: by a fence, or by a committed operation of the system that is a fence itself. */
  readonly handover?: HandoverFacet;
  readonly transfer?: TransferFacet;
  readonly probe?: ProbeFacet;
  readonly versionSwitch?: VersionSwitchFacet;
  readonly backup?: BackupFacet;
  readonly membership?: MembershipFacet;
  readonly formation?: FormationFacet;
  readonly migration?: MigrationFacet;
}

/** Objects of ours inside the system: where canaries and the write ledger live. */
export interface ScratchFacet {
  /** On the primary; returns when it is on every replica that is in sync. Idempotent. */
  create(cluster: ClusterSpec, ctx: EffectContext): Promise<void>;
  /** Removes it all, idempotent. */
  drop(cluster: ClusterSpec, ctx: EffectContext): Promise<void>;
  /**
   * Write `token` on `from` and read it on each of `on`.
   * @returns the nodes that showed it within `timeoutMs`, and how long it took on the slowest.
   */
  prove(
    cluster: ClusterSpec,
    canary: { token: string; from: NodeId; on: readonly NodeId[]; timeoutMs: number; pollMs: number },
    ctx: EffectContext,
  ): Promise<{ readonly seenOn: readonly NodeId[]; readonly ms: number }>;
}

export interface SettingsFacet {
  /** The value as set now (not merely in effect); `undefined` when it is not set. */
  read(cluster: ClusterSpec, node: NodeId, setting: string, ctx: EffectContext): Promise<string | undefined>;
  /** Set it (or unset it with `undefined`) and verify that it is in effect. Idempotent. */
  write(
    cluster: ClusterSpec,
    node: NodeId,
    setting: string,
    value: string | undefined,
    ctx: EffectContext,
  ): Promise<void>;
}

export interface Promotion {
  readonly group: GroupId;
  readonly node: NodeId;
  readonly epoch: number;
  readonly at: string;
}

export interface HandoverFacet {
  /**
   * Everything that can be done while the primary still serves, so that the fence is short: flush, make what
   * the other replicas will need on each candidate. Idempotent.
   */
  prepare(
    cluster: ClusterSpec,
    from: NodeId,
    candidates: readonly NodeId[],
    ctx: EffectContext,
  ): Promise<void>;
  /** Undo `prepare`. Idempotent. */
  unprepare(
    cluster: ClusterSpec,
    from: NodeId,
    candidates: readonly NodeId[],
    ctx: EffectContext,
  ): Promise<void>;
  /**
   * Re-read role and identity, stop the primary cleanly, guard it against a foreign start, read its final position.
   * Called again after a crash it returns the same fence.
   * @throws NOT_PRIMARY, PRIMARY_MOVED, FENCE_UNCLEAN, HOST_STOP_TIMED_OUT, HOST_UNKNOWN
   */
  fence(
    cluster: ClusterSpec,
    primary: NodeId,
    options: { epoch: number; timeoutMs: number; pollMs: number },
    ctx: EffectContext,
  ): Promise<Fence>;
  /**
   * Put a primary that was (perhaps half) fenced back as the primary it was, unless another primary exists by now.
   * A promotion of `asked` that was asked for and has not happened is withdrawn for good first; a node of which
   * it cannot be learned whether it is a primary keeps the old one down.
   * @throws PRIMARY_MOVED, HOST_UNKNOWN
   */
  unfence(
    cluster: ClusterSpec,
    primary: NodeId,
    options: { asked?: NodeId; timeoutMs: number; pollMs: number },
    ctx: EffectContext,
  ): Promise<void>;
  /** What each candidate has applied, read from itself. */
  applied(
    cluster: ClusterSpec,
    candidates: readonly NodeId[],
    ctx: EffectContext,
  ): Promise<readonly { node: NodeId; position: Position }[]>;
  /**
   * Verify the fence on the old primary's host and the candidate's exact position, re-point the other
   * replicas, promote by the system's own committed operation, wait until it takes writes.
   * Called again after a crash it finds the promotion done.
   * @throws FENCE_VOID, CANDIDATE_BEHIND, PRIMARY_MOVED, PROMOTION_UNVERIFIED
   */
  promote(
    cluster: ClusterSpec,
    candidate: NodeId,
    fence: Fence,
    options: { timeoutMs: number; pollMs: number },
    ctx: EffectContext,
  ): Promise<Promotion>;
  /** Give up what the handover held on the old primary, so that it may start as a replica. Idempotent. */
  release(cluster: ClusterSpec, fence: Fence, promotion: Promotion, ctx: EffectContext): Promise<void>;
}

/**
 * For systems that move their primary by one committed operation (raft): the epoch that it begins keeps the old
 * primary from acknowledging anything, so the old primary goes on as a replica and is not stopped.
 */
export interface TransferFacet {
  /**
   * Move the primary from `from` to the first of `candidates` that has every entry, and verify it by asking every
   * node. Called again after a crash it finds the transfer done.
   * @param options.epoch the epoch in which `from` was seen as the primary
   * @throws CANDIDATE_BEHIND, PRIMARY_MOVED when a node that is no candidate leads, PROMOTION_UNVERIFIED, SYSTEM_UNREACHABLE
   */
  transfer(
    cluster: ClusterSpec,
    from: NodeId,
    options: {
      candidates: readonly NodeId[];
      group: GroupId;
      epoch: number;
      timeoutMs: number;
      pollMs: number;
    },
    ctx: EffectContext,
  ): Promise<Promotion>;
}

/** One committed entry by which all nodes change behaviour (R-SWITCH), of a system that raises its level by itself. */
export interface VersionSwitchFacet {
  /**
   * Tell the group to go to the level before its own, which the nodes can be downgraded to then. Validated by the
   * system first; returns when it is under way. Idempotent.
   * @throws SYSTEM_REFUSED with what the system said
   */
  lower(cluster: ClusterSpec, to: string, ctx: EffectContext): Promise<void>;
  /** Withdraw a lowering under way; the system then raises its level again when all nodes allow it. Idempotent. */
  cancel(cluster: ClusterSpec, ctx: EffectContext): Promise<void>;
}

export interface Backup {
  /** On the worker's host. */
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
  /** What it holds, in the system's words, e.g. `revision 1042`. */
  readonly content: string;
}

export interface BackupFacet {
  /**
   * Save everything to `path` (absent before, or by an earlier call of the same), restore it into a scratch
   * directory and compare what came of it. Idempotent.
   * @throws BACKUP_UNVERIFIED
   */
  save(cluster: ClusterSpec, path: string, ctx: EffectContext): Promise<Backup>;
  /** Compare the copies of all nodes at one cut. An error or a difference in what was compared is `unknown`. */
  compare(
    cluster: ClusterSpec,
    ctx: EffectContext,
  ): Promise<{ verdict: Verdict; observed: string; required: string }>;
}

/** One entry of the system's own list of members. */
export interface Member {
  /** The system's own id of it. */
  readonly id: string;
  /** The node of the cluster file that it is, by its peer address; `undefined`: none. */
  readonly node: NodeId | undefined;
  readonly role: 'voter' | 'learner';
  /** Whether its process has ever joined. */
  readonly started: boolean;
}

/** The member list, and the ways to change it (R-ROLL 11, R-FORM 4). */
export interface MembershipFacet {
  /** As the primary has it. @throws SYSTEM_UNREACHABLE */
  members(cluster: ClusterSpec, ctx: EffectContext): Promise<readonly Member[]>;
  /** Enter `node` as a learner unless it is a member; verified. Idempotent. @throws SYSTEM_REFUSED */
  addLearner(cluster: ClusterSpec, node: NodeId, ctx: EffectContext): Promise<void>;
  /**
   * Start an added node on an empty data directory; one that has joined already is only started. What lies in the
   * directory from an earlier membership is moved aside first, never removed.
   * @throws SYSTEM_REFUSED when `node` is no member, HOST_START_FAILED, HOST_UNKNOWN
   */
  startMember(cluster: ClusterSpec, node: NodeId, ctx: EffectContext): Promise<void>;
  /** Give a learner its vote; verified in the list and on the node itself. Idempotent. @throws SYSTEM_REFUSED */
  promoteLearner(cluster: ClusterSpec, node: NodeId, ctx: EffectContext): Promise<void>;
  /**
   * Take `node` out of the list; verified in the primary's list, and that its process serves nobody any more. Its data
   * stays; that of one that never had a vote is moved aside, so that it can be added again. Idempotent. @throws NOT_PRIMARY when it leads, SYSTEM_REFUSED
   */
  removeMember(
    cluster: ClusterSpec,
    node: NodeId,
    options: { timeoutMs: number; pollMs: number },
    ctx: EffectContext,
  ): Promise<void>;
}

/** What a standalone's data directory holds, read without changing it. */
export interface StandaloneView {
  readonly mode: DataMode;
  readonly running: Observed<boolean>;
  /** The version that its data was last written by, as far as the data says: a series. */
  readonly series: Observed<string>;
  /** Members that its data names, itself included. */
  readonly members: Observed<readonly string[]>;
  /** Whether its data could be read whole: `known(true)`, or why not. */
  readonly coherent: Observed<boolean>;
  readonly bytes: Observed<number>;
  /** Free on the disk of the data directory. */
  readonly freeBytes: Observed<number>;
  /** What it holds, in the system's words. */
  readonly content: Observed<string>;
}

export interface SeedSnapshot extends Backup {
  /** A hash over everything it holds that a restored copy must have as well. */
  readonly hash: string;
}

/**
 * From a standalone to the first member of a cluster (R-FORM). All work is done on copies in a directory of ours
 * beside the data; the standalone's own data is untouched until `finalize`.
 */
export interface FormationFacet {
  inspect(cluster: ClusterSpec, seed: NodeId, ctx: EffectContext): Promise<StandaloneView>;
  /** The standalone must be stopped. Every write that it has acknowledged is in the snapshot. Idempotent. */
  snapshot(cluster: ClusterSpec, seed: NodeId, version: string, ctx: EffectContext): Promise<SeedSnapshot>;
  /** Restore the snapshot as the data of a new one-member cluster with the token `token`. Idempotent. */
  restore(
    cluster: ClusterSpec,
    seed: NodeId,
    options: { version: string; snapshot: SeedSnapshot; token: string },
    ctx: EffectContext,
  ): Promise<void>;
  /** Start the restored seed where no client reaches it, compare it with the snapshot, stop it. */
  verify(
    cluster: ClusterSpec,
    seed: NodeId,
    options: { version: string; snapshot: SeedSnapshot },
    ctx: EffectContext,
  ): Promise<{ verdict: Verdict; observed: string; required: string }>;
  /** Put the seed in the standalone's place; the standalone's data is kept beside it. Idempotent. */
  finalize(
    cluster: ClusterSpec,
    seed: NodeId,
    version: string,
    ctx: EffectContext,
  ): Promise<{ readonly kept: string }>;
  /** Remove what the above made, as long as it has not been finalized. Idempotent. */
  discard(cluster: ClusterSpec, seed: NodeId, ctx: EffectContext): Promise<void>;
}

export type { BorrowRequest };
