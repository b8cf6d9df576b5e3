import type { ClusterSpec } from './spec.js';
import type { Obstacle, Position } from './view.js';

/** The two copies of a storage migration: A is the source, B the destination, whoever takes the writes. */
export type Side = 'source' | 'destination';

/** `forward`: A → B; `back`: B → A, once B has taken writes. */
export type Direction = 'forward' | 'back';

/** The side whose writes a direction carries to the other. */
export const senderOf = (direction: Direction): Side => (direction === 'forward' ? 'source' : 'destination');
export const receiverOf = (direction: Direction): Side =>
  direction === 'forward' ? 'destination' : 'source';
export const opposite = (direction: Direction): Direction => (direction === 'forward' ? 'back' : 'forward');

/** Both clusters: each migrates the database that its settings name. */
export interface Pair {
  readonly source: ClusterSpec;
  readonly destination: ClusterSpec;
}

/** One table as it is copied and compared; a partition counts as a table of its own. */
export interface TableSize {
  /** Schema and name, each quoted as the system wants it, e.g. `"public"."orders"`. */
  readonly table: string;
  /** Units of storage that a range is told in (PostgreSQL: pages of 8 KiB); at the cut. */
  readonly pages: number;
  readonly bytes: number;
}

/** A part of a table by its place in storage: pages in [from, below); `below` absent: to the end. */
export interface TableRange {
  readonly table: string;
  readonly from: number;
  readonly below?: number;
}

/** What both sides are seen to be before anything is made; read-only. */
export interface MigrationView {
  readonly versions: Readonly<Record<Side, string>>;
  /** What forbids a migration, by name and with its remedy, on either side. */
  readonly obstacles: readonly Obstacle[];
  readonly tables: readonly TableSize[];
  readonly sequences: number;
  /** Everything of ours that is there already, in the system's words. */
  readonly residue: Readonly<Record<Side, readonly string[]>>;
  /** ISO 8601. */
  readonly observedAt: string;
}

/**
 * A copy as it was at one logical position, held by the server itself: the snapshot outlives every process of ours
 * until it is released.
 */
export interface HeldSnapshot {
  /** By which sessions of that server read it. */
  readonly id: string;
  readonly tables: readonly TableSize[];
}

/** From here on every change is kept for B; everything before is in the snapshot. */
export interface ExportCut {
  readonly position: Position;
  readonly snapshot: HeldSnapshot;
  /** ISO 8601. */
  readonly at: string;
}

/** Both copies at exactly the same logical position. */
export interface Cut {
  /** A plain word, unique in the run, e.g. `before-cutover`. */
  readonly name: string;
  readonly position: Position;
  readonly snapshots: Readonly<Record<Side, HeldSnapshot>>;
  /** How long writers waited for the cut, ms; 0: nobody wrote to either side. */
  readonly writePauseMs: number;
  /** ISO 8601. */
  readonly at: string;
}

/** Rows of a range of one side, and the sum of their hashes: order-independent, duplicates count. */
export interface RangeHash {
  readonly rows: number;
  /** Decimal; sums of ranges are added up. */
  readonly sum: string;
  /** The table was emptied or rewritten since the cut, so that its snapshot cannot be read: nothing is known of it. */
  readonly void?: boolean;
}

/** One row that is not the same on both sides. */
export interface Mismatch {
  readonly table: string;
  /** `missing`: only on the source; `extra`: only on the destination; `differs`: by key on both, with other values. */
  readonly kind: 'missing' | 'extra' | 'differs';
  /** Column → value as text, of the replica identity; without one, of the whole row. Values are cut at 200 characters. */
  readonly key: Readonly<Record<string, string | null>>;
  readonly columns: readonly {
    readonly name: string;
    readonly source: string | null;
    readonly destination: string | null;
  }[];
}

export interface TableComparison {
  readonly table: string;
  readonly rows: Readonly<Record<Side, number>>;
  readonly equal: boolean;
  /** At most as many as were asked for. */
  readonly mismatches: readonly Mismatch[];
}

/** Every table of a cut, compared. An error or a timeout makes none of this. */
export interface Validation {
  /** `<name of the cut>@<position>`. */
  readonly id: string;
  readonly cut: string;
  readonly position: Position;
  readonly tables: readonly TableComparison[];
  /** Of the source. */
  readonly rows: number;
  readonly mismatches: number;
  readonly writePauseMs: number;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly endedAt: string;
}

declare const passed: unique symbol;

/** A validation that found both copies equal. A cutover takes one as an argument: without it none compiles. */
export interface PassedValidation {
  readonly id: string;
  readonly cut: string;
  readonly position: Position;
  readonly [passed]: true;
}

/** The only way to a {@link PassedValidation}; `undefined`: it has found a difference, or compared nothing. */
export function passedFrom({
  id,
  cut,
  position,
  tables,
  mismatches,
}: Validation): PassedValidation | undefined {
  if (tables.length === 0 || mismatches > 0 || tables.some((t) => !t.equal)) return undefined;
  return { id, cut, position } as PassedValidation;
}

declare const closed: unique symbol;

/** What must have been seen for a side to be closed. */
export interface SideFenceEvidence {
  readonly side: Side;
  /** Everything that this side has acknowledged is at or before it, and the other side has applied it. */
  readonly position: Position;
  /** Who may log in no more, to be let in again by whoever undoes the fence. */
  readonly closedTo: readonly string[];
  /** No session but ours was there, seen twice. */
  readonly sessionsGone: true;
  /** The other side has applied the last write. */
  readonly applied: true;
  /** When writers began to wait. ISO 8601. */
  readonly from: string;
  /** ISO 8601. */
  readonly at: string;
  /** Both copies at the fence, held for the comparison afterwards. */
  readonly cut: Cut;
}

/** The proof that a side acknowledges no further write and the other one has every write of it. */
export interface SideFence extends SideFenceEvidence {
  readonly [closed]: true;
}

/** Called by a system's `migration.fence` alone, after it has seen every field of the evidence. */
export const sideFenceFrom = (evidence: SideFenceEvidence): SideFence => evidence as SideFence;

/** The source takes the writes again without the destination, which is lost. */
export interface Survival {
  /** Sequences whose next value the destination may have given already: nothing on the source tells. */
  readonly uncertain: readonly string[];
  /** ISO 8601, by the clock of the worker. */
  readonly at: string;
}

/** The other side takes the writes from now on. */
export interface Opening {
  readonly direction: Direction;
  readonly sequences: number;
  /** ISO 8601, by the clock of the worker. */
  readonly at: string;
  /** From the first writer that waited until the side was open, ms. */
  readonly writeGapMs: number;
}
