/** What every effect is given by the activity that runs it. */
export interface EffectContext {
  /** Aborted when the activity is cancelled or the worker shuts down. */
  readonly signal: AbortSignal;
  /** Tell Temporal that the effect is alive, with what it sees; cheap, may be called at every poll. */
  heartbeat(details?: unknown): void;
  /** What the attempt before this one told last, when that one died. */
  readonly resumed?: unknown;
  /** Unique for a run; names scratch objects, journals and canaries. */
  readonly runId: string;
}
