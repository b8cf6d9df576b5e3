import type { Fence } from '../fence.js';
import type { VersionRules } from '../plan.js';
import type { ClusterSpec } from '../spec.js';
import type { BorrowRequest, ClusterView, GroupId, NodeId, Position } from '../view.js';
import type { EffectContext } from './context.js';
import type { LaunchSpec } from './host.js';
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
  readonly handover?: HandoverFacet;
  readonly probe?: ProbeFacet;
  /** Facets of later workflows; absent: the planner refuses what needs them. */
  readonly versionSwitch?: VersionSwitchFacet;
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

/** One committed entry by which all nodes change behaviour; no system of this release has it. */
export interface VersionSwitchFacet {
  level(cluster: ClusterSpec, ctx: EffectContext): Promise<string>;
  commit(cluster: ClusterSpec, to: string, ctx: EffectContext): Promise<void>;
  revert?(cluster: ClusterSpec, to: string, ctx: EffectContext): Promise<void>;
}

export type { BorrowRequest };
