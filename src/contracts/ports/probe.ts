import type { WriteLedger } from '../ledger.js';
import type { EffectContext } from './context.js';
import type { ClusterSpec } from '../spec.js';

export type WriteOutcome =
  | { readonly kind: 'acknowledged' }
  /** The server said no, or it was never reached: the write is not there. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Sent without an answer: may or may not be there. */
  | { readonly kind: 'unknown'; readonly reason: string };

/** One client of the probe, with a connection of its own. It finds the primary by itself, as an application does. */
export interface ProbeClient {
  /** Write one key once; does not retry. */
  write(key: ProbeKey, timeoutMs: number): Promise<WriteOutcome>;
  /**
   * One small read; throws when it failed. Of a system with registers: a linearizable read of this one, and the
   * write that it saw last, if any.
   */
  read(timeoutMs: number, register: number): Promise<ProbeKey | undefined>;
  close(): Promise<void>;
}

export interface ProbeKey {
  readonly runId: string;
  readonly writer: number;
  readonly seq: number;
}

/** How the write ledger writes to a system and reads back. The table is part of the scratch objects. */
export interface ProbeFacet {
  /**
   * How many registers there are; absent: none. A write of `writer` also sets the register `writer % registers` to
   * its key, in one atomic operation, so that the history of writes and reads can be checked for linearizability.
   */
  readonly registers?: number;
  /** `also`: the writes may move to this cluster; the client is an ordinary one then, which a fence shuts out. */
  connect(cluster: ClusterSpec, options: { name: string; also?: ClusterSpec }): ProbeClient;
  /** Every key of the run that is in the cluster now, read from its primary. */
  readBack(cluster: ClusterSpec, runId: string): AsyncIterable<ProbeKey>;
}

export interface ProbeOptions {
  readonly writers: number;
  /** Pause between two writes of one writer, ms. */
  readonly interval: number;
  /** A write not answered by then is unknown, ms. */
  readonly timeout: number;
  /** A second cluster, to which the writes may move. */
  readonly also?: ClusterSpec;
}

/**
 * Runs the probe as a process of its own, so that it measures on while a worker is dead. Its journal is on the
 * disk of the host that started it; every acknowledged write is in it before the next one is sent.
 */
export interface ProbeRunner {
  /** Start it, or adopt the one that runs for this run. */
  start(cluster: ClusterSpec, runId: string, options: ProbeOptions, ctx: EffectContext): Promise<void>;
  /** Stop it and wait until its journal is complete. Idempotent; fine when none runs. */
  stop(runId: string, ctx: EffectContext): Promise<void>;
  /**
   * Compare the journal with what the cluster holds now.
   * @throws PROBE_FAILED when the journal is absent or unreadable: nothing is then claimed
   */
  ledger(cluster: ClusterSpec, runId: string, ctx: EffectContext): Promise<WriteLedger>;
}
