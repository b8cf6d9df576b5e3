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
 * What a data directory is on the way from a standalone to a member (R-FORM 2). `standalone`: no mode file lies
 * beside it. One that is `preparing` must not be started as a standalone.
 */
export type DataMode = 'standalone' | 'preparing' | 'seeded' | 'cluster';

export interface ModeRecord {
  readonly mode: DataMode;
  /** The last milestone reached, e.g. `snapshot-saved`. */
  readonly checkpoint: string;
  /** The run that wrote it. */
  readonly runId: string;
  /** ISO 8601. */
  readonly at: string;
  /** The command that goes on from here. */
  readonly resumeHint: string;
  /** Whether the standalone ran when it became `preparing`: a rollback, of whichever run, leaves it so. */
  readonly wasRunning?: boolean;
}

/** One program that runs to its end on the node's host. Argument vectors only, never a shell. */
export interface ToolRun {
  /** Of an installed or declared artifact: relative to its directory, e.g. `etcdutl`. */
  readonly artifact: string;
  readonly executable: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
}

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
  /** `undefined`: no mode file lies beside the data directory. @throws FORMAT_UNKNOWN */
  readMode(node: NodeSpec, ctx: EffectContext): Promise<ModeRecord | undefined>;
  /** Atomic and flushed; `undefined` removes it. */
  writeMode(node: NodeSpec, record: ModeRecord | undefined, ctx: EffectContext): Promise<void>;
  /**
   * A node of the same host and user with a directory of its own below the record of `node`: for work on copies of
   * its data. Pure; `name` is a plain word.
   */
  scratchNode(node: NodeSpec, name: string): NodeSpec;
  /** The data directory: absolute path, bytes in it, and free bytes on its disk. `undefined`: it is absent. */
  dataFacts(
    node: NodeSpec,
    ctx: EffectContext,
  ): Promise<
    | { readonly path: string; readonly bytes: number; readonly freeBytes: number; readonly empty: boolean }
    | undefined
  >;
  /**
   * Copy the data of a stopped node to the data directory of another, which is replaced as a whole once the copy is
   * complete and flushed. @throws HOST_UNKNOWN
   */
  copyData(from: NodeSpec, to: NodeSpec, launch: LaunchSpec, ctx: EffectContext): Promise<void>;
  /** Make an empty data directory where none is; one that holds something is left alone. */
  makeDataDirectory(node: NodeSpec, ctx: EffectContext): Promise<void>;
  /**
   * Rename the data directory of a stopped node to `<dataDir>.<suffix>`, where nothing may be yet; nothing is
   * removed. Idempotent: an absent data directory is fine. @returns where it is now
   */
  moveDataAside(node: NodeSpec, suffix: string, launch: LaunchSpec, ctx: EffectContext): Promise<string>;
  /** Rename the data directory of `from` to that of `to`, where none may be. Idempotent: fine when it is there already. */
  adoptData(from: NodeSpec, to: NodeSpec, ctx: EffectContext): Promise<void>;
  /** Remove the whole directory of a scratch node. @throws HOST_PATH_REFUSED for any other node */
  removeScratch(node: NodeSpec, ctx: EffectContext): Promise<void>;
  /** Run a program of an artifact to its end, as the node's user. @throws HOST_UNKNOWN when it cannot run or times out */
  runTool(
    node: NodeSpec,
    tool: ToolRun,
    ctx: EffectContext,
  ): Promise<{ code: number; stdout: string; stderr: string }>;
}
