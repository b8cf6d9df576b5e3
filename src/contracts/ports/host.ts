import type { ArtifactReport } from '../plan.js';
import type { ArtifactSpec, NodeSpec } from '../spec.js';
import type { EffectContext } from './context.js';

/** How the process of a node is run: pure data from the system. Argument vectors only, never a shell. */
export interface LaunchSpec {
  /** Relative to the installed artifact, e.g. `bin/postgres`. */
  readonly executable: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Signal that stops the process cleanly. */
  readonly stopSignal: 'SIGINT' | 'SIGTERM';
  /**
   * A file below the data directory whose first line is the pid, written by the program itself
   * (PostgreSQL: `postmaster.pid`). Lets a process that others started be adopted.
   */
  readonly pidFile?: string;
}

export type HostStatus =
  | {
      readonly kind: 'running';
      readonly pid: number;
      readonly startedAt: string;
      readonly version: string | undefined;
    }
  | { readonly kind: 'stopped'; readonly version: string | undefined; readonly fenced: boolean }
  | { readonly kind: 'unknown'; readonly reason: string };

/**
 * How software on one node's host is verified, stopped, swapped and started. Every changing call observes
 * first, acts only if needed and verifies after; each change is appended to the host's own journal.
 */
export interface Host {
  status(node: NodeSpec, launch: LaunchSpec, ctx: EffectContext): Promise<HostStatus>;
  /** Digest what is at the artifact's path. Changes nothing. */
  verifyArtifact(
    node: NodeSpec,
    version: string,
    artifact: ArtifactSpec | undefined,
    ctx: EffectContext,
  ): Promise<ArtifactReport>;
  /**
   * Ask the process to stop and wait until it is gone. Never escalates to SIGKILL.
   * @throws HOST_STOP_TIMED_OUT, HOST_UNKNOWN
   */
  stop(
    node: NodeSpec,
    launch: LaunchSpec,
    options: { timeoutMs: number; pollMs: number },
    ctx: EffectContext,
  ): Promise<void>;
  /**
   * Verify the artifact, then make it the installed version by one atomic swap; the former version stays.
   * The node must be stopped.
   * @throws ARTIFACT_ABSENT, ARTIFACT_MISMATCH, HOST_UNKNOWN
   */
  install(
    node: NodeSpec,
    version: string,
    artifact: ArtifactSpec,
    launch: LaunchSpec,
    ctx: EffectContext,
  ): Promise<void>;
  /**
   * Start the installed version, detached from us, if it does not run. Returns when the process lives; whether
   * it is healthy is the system's word.
   * @throws HOST_START_FAILED (with the last lines of its log), HOST_FENCED, HOST_UNKNOWN
   */
  start(node: NodeSpec, launch: LaunchSpec, ctx: EffectContext): Promise<void>;
  /** The installed version by the host's own record, not by the running process. */
  installed(node: NodeSpec, ctx: EffectContext): Promise<string | undefined>;
  /** A hold that makes `start` refuse (HOST_FENCED) until it is lifted; `holder` says whose it is. */
  setFence(node: NodeSpec, holder: string | undefined, ctx: EffectContext): Promise<void>;
  /** Files below the data directory, by relative path; anything outside is HOST_PATH_REFUSED. `undefined`: absent. */
  readFile(node: NodeSpec, path: string, ctx: EffectContext): Promise<Buffer | undefined>;
  /** Atomic and flushed; owner and mode as the data directory's. */
  writeFile(node: NodeSpec, path: string, content: string | Buffer, ctx: EffectContext): Promise<void>;
  removeFile(node: NodeSpec, path: string, ctx: EffectContext): Promise<void>;
}
