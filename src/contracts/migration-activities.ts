import type { GateVerdict } from './gate.js';
import type {
  Cut,
  Direction,
  ExportCut,
  Mismatch,
  Opening,
  Pair,
  PassedValidation,
  Side,
  SideFence,
  Survival,
  TableRange,
} from './migration.js';
import type { Observed } from './observed.js';
import type { Plan } from './plan.js';
import type { StorageMigrationSpec } from './spec.js';
import type { BorrowRequest, Obstacle } from './view.js';

export interface PairTarget {
  readonly pair: Pair;
  readonly runId: string;
}

/** What of a table was hashed: sums of the same table and side are added up. */
export interface TableHash {
  readonly table: string;
  readonly side: Side;
  readonly rows: number;
  /** Decimal. */
  readonly sum: string;
  /** Its snapshot cannot be read any more: nothing is known of it. */
  readonly void: boolean;
}

/** Activities of a migration that change nothing. */
export interface MigrationReadingActivities {
  makeMigrationPlan(input: PairTarget & { migration: StorageMigrationSpec }): Promise<Plan>;
  /** Poll until the receiver of the stream is at most `maxLag` behind. */
  awaitStream(
    input: PairTarget & { direction: Direction; maxLag: number; timeoutMs: number; pollMs: number },
  ): Promise<GateVerdict>;
  /** Every node of the destination follows its primary; without replicas it passes. */
  awaitReplicas(
    input: PairTarget & { side: Side; maxLag: number; timeoutMs: number; pollMs: number },
  ): Promise<GateVerdict>;
  /** Goes on, after a crash, at the range where it stopped. */
  hashRanges(
    input: PairTarget & { cut: Cut; side: Side; ranges: readonly TableRange[] },
  ): Promise<readonly TableHash[]>;
  locateMismatches(
    input: PairTarget & { cut: Cut; table: string; limit: number },
  ): Promise<readonly Mismatch[]>;
  compareDefinitions(input: PairTarget): Promise<GateVerdict>;
  /** What forbids that the writes move in this direction as things are now, without what the spec accepts. */
  findObstacles(
    input: PairTarget & { direction: Direction; migration: StorageMigrationSpec },
  ): Promise<readonly Obstacle[]>;
  synchronousRequest(input: PairTarget & { direction: Direction }): Promise<BorrowRequest>;
  observeSides(input: PairTarget): Promise<Readonly<Record<Side, Observed<boolean>>>>;
}

/** Activities of a migration that change something: each observes first, acts only if needed and verifies after. */
export interface MigrationChangingActivities {
  prepareMigration(input: PairTarget): Promise<void>;
  exportSource(input: PairTarget): Promise<ExportCut>;
  createSchema(input: PairTarget): Promise<void>;
  copyRanges(
    input: PairTarget & { cut: ExportCut; ranges: readonly TableRange[] },
  ): Promise<{ readonly rows: number; readonly bytes: number }>;
  finishSchema(input: PairTarget): Promise<void>;
  startStream(input: PairTarget & { direction: Direction; synchronous: boolean }): Promise<void>;
  stopStream(input: PairTarget & { direction: Direction }): Promise<void>;
  makeCut(
    input: PairTarget & {
      name: string;
      direction?: Direction;
      export?: ExportCut;
      maxWritePauseMs: number;
      timeoutMs: number;
    },
  ): Promise<Cut>;
  releaseCut(input: PairTarget & { name: string }): Promise<void>;
  fenceSide(
    input: PairTarget & { direction: Direction; maxWritePauseMs: number; timeoutMs: number },
  ): Promise<SideFence>;
  unfenceSide(input: PairTarget & { direction: Direction }): Promise<void>;
  openSide(
    input: PairTarget & { direction: Direction; fence: SideFence; validation: PassedValidation },
  ): Promise<Opening>;
  openSurvivor(input: PairTarget): Promise<Survival>;
  acceptMigration(input: PairTarget & { without?: 'source' }): Promise<void>;
  /** `patienceMs`: after so long a side that does not answer is waited for no more. */
  discardMigration(input: PairTarget & { patienceMs: number }): Promise<void>;
}

/** The names of all changing activities of a migration; the compiler holds it to the interface. */
export const changingMigrationActivities = Object.keys({
  prepareMigration: true,
  exportSource: true,
  createSchema: true,
  copyRanges: true,
  finishSchema: true,
  startStream: true,
  stopStream: true,
  makeCut: true,
  releaseCut: true,
  fenceSide: true,
  unfenceSide: true,
  openSide: true,
  openSurvivor: true,
  acceptMigration: true,
  discardMigration: true,
} satisfies Record<keyof MigrationChangingActivities, true>) as (keyof MigrationChangingActivities)[];
