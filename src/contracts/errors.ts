/**
 * The one error catalogue: a stable code → the exit code of the CLI and whether trying again can help.
 * Message and remedy are made where the error is raised, because they name what was seen.
 */
export const errorCatalogue = {
  // what the user wrote
  SPEC_UNREADABLE: { exit: 2, retryable: false },
  SPEC_INVALID: { exit: 2, retryable: false },
  SPEC_KIND_NOT_AVAILABLE: { exit: 2, retryable: false },
  USAGE: { exit: 2, retryable: false },
  // Temporal and runs
  TEMPORAL_UNREACHABLE: { exit: 1, retryable: true },
  NO_WORKER: { exit: 1, retryable: true },
  RUN_NOT_FOUND: { exit: 6, retryable: false },
  RUN_ALREADY_RUNNING: { exit: 6, retryable: false },
  CONTROL_REFUSED: { exit: 1, retryable: false },
  WAIT_TIMED_OUT: { exit: 124, retryable: true },
  PLAN_REFUSED: { exit: 1, retryable: false },
  PLAN_CHANGED: { exit: 1, retryable: false },
  // hosts
  ARTIFACT_ABSENT: { exit: 1, retryable: false },
  ARTIFACT_MISMATCH: { exit: 1, retryable: false },
  HOST_USER_UNKNOWN: { exit: 1, retryable: false },
  HOST_PATH_REFUSED: { exit: 1, retryable: false },
  HOST_STOP_TIMED_OUT: { exit: 1, retryable: false },
  HOST_START_FAILED: { exit: 1, retryable: false },
  HOST_FENCED: { exit: 1, retryable: false },
  HOST_PREPARING: { exit: 1, retryable: false },
  HOST_UNKNOWN: { exit: 1, retryable: true },
  // systems
  SYSTEM_UNREACHABLE: { exit: 1, retryable: true },
  SYSTEM_REFUSED: { exit: 1, retryable: false },
  SECRET_UNRESOLVED: { exit: 1, retryable: false },
  NOT_PRIMARY: { exit: 1, retryable: false },
  PRIMARY_MOVED: { exit: 1, retryable: false },
  IDENTITY_CHANGED: { exit: 1, retryable: false },
  FENCE_UNCLEAN: { exit: 1, retryable: false },
  FENCE_VOID: { exit: 1, retryable: false },
  CANDIDATE_BEHIND: { exit: 1, retryable: false },
  PROMOTION_UNVERIFIED: { exit: 1, retryable: false },
  CANARY_MISSING: { exit: 1, retryable: false },
  FORMAT_UNKNOWN: { exit: 1, retryable: false },
  BACKUP_UNVERIFIED: { exit: 1, retryable: false },
  // the run
  GATE_HELD: { exit: 1, retryable: false },
  APPROVAL_REJECTED: { exit: 1, retryable: false },
  APPROVAL_EXPIRED: { exit: 1, retryable: false },
  HANDOVER_TIMED_OUT: { exit: 1, retryable: false },
  NODE_UNHEALTHY: { exit: 1, retryable: false },
  WRITES_LOST: { exit: 1, retryable: false },
  NOT_LINEARIZABLE: { exit: 1, retryable: false },
  COPIES_DIFFER: { exit: 1, retryable: false },
  MIGRATION_RESTART: { exit: 1, retryable: false },
  CUT_REFUSED: { exit: 1, retryable: true },
  CUT_LOST: { exit: 1, retryable: false },
  FENCE_LATE: { exit: 1, retryable: false },
  PROBE_FAILED: { exit: 1, retryable: true },
  STUCK: { exit: 1, retryable: false },
  INTERNAL: { exit: 1, retryable: false },
} as const satisfies Record<string, { exit: number; retryable: boolean }>;

export type ErrorCode = keyof typeof errorCatalogue;

/** An error that names what was seen, what was needed and what to do. Never carries a secret. */
export class RollgateError extends Error {
  override readonly name = 'RollgateError';
  constructor(
    readonly code: ErrorCode,
    /** What was seen and what was needed. */
    message: string,
    /** What to do. */
    readonly remedy: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
  get exitCode(): number {
    return errorCatalogue[this.code].exit;
  }
  get retryable(): boolean {
    return errorCatalogue[this.code].retryable;
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
