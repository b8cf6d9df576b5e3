import type { NodeId } from './view.js';

/**
 * Anything of the user's that a run changes for a while. It enters the run's ledger with its former value
 * before it is taken, and leaves it when it has been given back.
 */
export interface BorrowedSetting {
  /** Unique in the run, e.g. `setting/pg-1/synchronous_standby_names`. */
  readonly id: string;
  readonly kind: 'setting' | 'routing' | 'scratch' | 'probe' | 'fence' | 'migration';
  readonly node?: NodeId;
  readonly name: string;
  /** `undefined`: it did not exist before. */
  readonly formerValue?: string;
  readonly value: string;
  /** ISO 8601. */
  readonly borrowedAt: string;
  /** What an operator does to give it back by hand. */
  readonly giveBack: string;
}

/** One pause in the stream of acknowledged operations. Times are ISO 8601. */
export interface Gap {
  readonly ms: number;
  readonly from: string;
  readonly to: string;
}

/** One second of the probe's record, for the report's timeline. */
export interface ProbeBucket {
  readonly at: string;
  readonly acknowledged: number;
  readonly failed: number;
  /** Longest pause between two acknowledgements that ended in this second, ms. */
  readonly longestGapMs: number;
}

/** Whether some order of all operations, each between its call and its reply, explains everything that was read. */
export interface Linearizability {
  /** `unchecked` says why in `reason`: it is no claim. */
  readonly verdict: 'linearizable' | 'violated' | 'unchecked';
  /** Writes and reads in the history; unknown outcomes are open-ended, failed reads are not in it. */
  readonly operations: number;
  readonly registers: number;
  readonly reason?: string;
}

/** The record of the probe's writes, read back from the cluster at the end. */
export interface WriteLedger {
  readonly acknowledged: number;
  /** Acknowledged, but not in the cluster afterwards. More than 0 fails the run. */
  readonly lost: number;
  /** Sent, never answered: may or may not be there. */
  readonly unknown: number;
  /** Refused by the server, yet present afterwards. */
  readonly resurrected: number;
  /** Up to 100 keys of lost writes, for the search that must follow. */
  readonly lostKeys: readonly string[];
  /** When the first and the last of the lost writes were acknowledged, by the probe's clock. Absent: none is lost. */
  readonly lostBetween?: { readonly from: string; readonly to: string };
  /** Longest pauses between acknowledged writes over all clients, longest first, at most 20. */
  readonly writeGaps: readonly Gap[];
  readonly readGaps: readonly Gap[];
  /** The longest wait of any one client, from its first attempt to the acknowledgement. */
  readonly longestWait?: Gap & { readonly client: string };
  readonly reads: number;
  readonly writers: number;
  readonly startedAt: string;
  readonly endedAt: string;
  /** When no probe was alive between its first start and its stop: nothing is known of clients then. */
  readonly unobserved?: readonly Gap[];
  /** Absent: the system's probe has no registers. */
  readonly linearizability?: Linearizability;
  /** At most 1000 seconds; longer runs are thinned by merging neighbours. */
  readonly buckets: readonly ProbeBucket[];
}
