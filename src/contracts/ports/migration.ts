import type {
  Cut,
  Direction,
  ExportCut,
  MigrationView,
  Mismatch,
  Opening,
  Pair,
  PassedValidation,
  RangeHash,
  Side,
  SideFence,
  Survival,
  TableRange,
} from '../migration.js';
import type { Observed } from '../observed.js';
import type { BorrowRequest, Obstacle } from '../view.js';
import type { EffectContext } from './context.js';

/** How far the copy that receives is behind the one that sends. */
export interface StreamView {
  /** Whether the stream exists and its receiver is connected. */
  readonly flowing: Observed<boolean>;
  /** In the log's own unit. */
  readonly lag: Observed<number>;
  /** What the receiver reported last when it could not apply, if anything. */
  readonly error?: string;
}

/**
 * A live copy A becomes B on other storage while it is written to (R-MIG). Every method works for one pair, observes
 * first and may be called again after a crash. What it makes on either side is named by us and listed by `residue`.
 */
export interface MigrationFacet {
  /** Read-only. @throws SYSTEM_UNREACHABLE */
  inspect(pair: Pair, ctx: EffectContext): Promise<MigrationView>;

  /**
   * What has come up since, while the stream flows: what would stay behind when the writes move in this direction, or
   * keep them from moving. Read-only. @throws SYSTEM_UNREACHABLE
   */
  obstacles(pair: Pair, direction: Direction, ctx: EffectContext): Promise<readonly Obstacle[]>;

  /** Our own objects on both sides, and the guard that refuses what replication does not carry (DDL). Idempotent. */
  prepare(pair: Pair, ctx: EffectContext): Promise<void>;

  /**
   * From here on A keeps every change for B, and holds a snapshot of everything before. Called again it returns the
   * same export; when A has lost the snapshot, B is emptied and a new export is made.
   */
  exportAt(pair: Pair, ctx: EffectContext): Promise<ExportCut>;
  /** Everything without rows, roles included, whose log-in stays closed on B. Idempotent. */
  createSchema(pair: Pair, ctx: EffectContext): Promise<void>;
  /**
   * Copy one range as it is at the export; a range that has been copied is not copied again.
   * @throws MIGRATION_RESTART when A has lost the snapshot: `exportAt` begins anew
   */
  copyRange(
    pair: Pair,
    cut: ExportCut,
    range: TableRange,
    ctx: EffectContext,
  ): Promise<{ readonly rows: number; readonly bytes: number }>;
  /** Keys, indexes, constraints, triggers and statistics. Idempotent, resumes at the statement where it stopped. */
  finishSchema(pair: Pair, ctx: EffectContext): Promise<void>;

  /**
   * Let the changes of one side flow to the other. Idempotent.
   * @throws MIGRATION_RESTART when a sender that takes writes has kept none from where the receiver stands
   */
  startStream(
    pair: Pair,
    direction: Direction,
    options: { synchronous: boolean },
    ctx: EffectContext,
  ): Promise<void>;
  stream(pair: Pair, direction: Direction, ctx: EffectContext): Promise<StreamView>;
  /**
   * The setting under which the sender confirms a write only when the receiver of this direction has it too, besides
   * what its configuration asks for already. The caller borrows it. @throws SYSTEM_REFUSED when none can say so
   */
  synchronousRequest(pair: Pair, direction: Direction, ctx: EffectContext): Promise<BorrowRequest>;
  /** End it on both sides, as far as they answer; also one that was half made. Idempotent. */
  stopStream(pair: Pair, direction: Direction, ctx: EffectContext): Promise<void>;

  /**
   * Both copies at the same position, while writers go on: they wait at most `maxWritePauseMs`, or the cut is given
   * up and tried again until `timeoutMs`. Before the stream flows (`direction` absent) nobody waits: B stands still.
   * @throws CUT_REFUSED
   */
  cut(
    pair: Pair,
    options: {
      name: string;
      direction?: Direction;
      export?: ExportCut;
      maxWritePauseMs: number;
      timeoutMs: number;
    },
    ctx: EffectContext,
  ): Promise<Cut>;
  /** By the id of the snapshot alone: its tables may be left out. @throws CUT_LOST when that side holds it no more */
  hashRange(pair: Pair, cut: Cut, side: Side, range: TableRange, ctx: EffectContext): Promise<RangeHash>;
  /** The rows of a table that differ, at most `limit`. @throws CUT_LOST */
  locate(
    pair: Pair,
    cut: Cut,
    table: string,
    options: { limit: number },
    ctx: EffectContext,
  ): Promise<readonly Mismatch[]>;
  /** What replication does not carry, compared at its present state: definitions of both sides. Empty: they are equal. */
  compareDefinitions(pair: Pair, ctx: EffectContext): Promise<readonly string[]>;
  /** Let go of both snapshots; by the name `export`, which no cut has, of that of the export. Idempotent. */
  releaseCut(pair: Pair, cut: Pick<Cut, 'name'>, ctx: EffectContext): Promise<void>;

  /**
   * Close the sending side for everybody but us: first by locks, so that writers wait, then for good. Called again
   * after a crash it goes on with what is closed already.
   * @throws FENCE_LATE when writers would wait longer than `maxWritePauseMs`; the side is open again then
   */
  fence(
    pair: Pair,
    direction: Direction,
    options: { maxWritePauseMs: number; timeoutMs: number },
    ctx: EffectContext,
  ): Promise<SideFence>;
  /** Open the sending side again, unless the other one is open. Idempotent. @throws PRIMARY_MOVED */
  unfence(pair: Pair, direction: Direction, ctx: EffectContext): Promise<void>;
  /**
   * Carry over what replication does not (sequences), then open the receiving side in one commit. Called again after
   * a crash it finds it open. @throws FENCE_VOID
   */
  cutOver(
    pair: Pair,
    direction: Direction,
    fence: SideFence,
    validation: PassedValidation,
    ctx: EffectContext,
  ): Promise<Opening>;
  /**
   * The destination is lost for good: open the source without it, and remove everything of ours there. What the
   * destination had confirmed while its commits waited for the source is there. Idempotent, verified.
   * @throws SYSTEM_REFUSED while the destination answers
   */
  openSurvivor(pair: Pair, ctx: EffectContext): Promise<Survival>;
  /** Which side lets clients in now. */
  open(pair: Pair, ctx: EffectContext): Promise<Readonly<Record<Side, Observed<boolean>>>>;

  /** Remove everything of ours from both sides; A stays closed, B is on its own. Idempotent, verified. */
  accept(pair: Pair, options: { without?: 'source' | undefined }, ctx: EffectContext): Promise<void>;
  /** Remove everything of ours from A, and what was made on B, so that both are as they were. Idempotent, verified. */
  discard(pair: Pair, ctx: EffectContext): Promise<void>;
}
