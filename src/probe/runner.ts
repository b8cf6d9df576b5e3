import { mkdir, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  RollgateError,
  type ClusterSpec,
  type DataSystem,
  type EffectContext,
  type ProbeOptions,
  type ProbeRunner,
} from '../contracts/index.js';
import { isAbsent } from './absent.js';
import { writeConfig } from './config.js';
import { lastLines, launchProbe, type LaunchedProbe } from './launch.js';
import { probeLayout, type ProbeLayout } from './layout.js';
import { computeLedger } from './ledger/compute.js';
import { createHistoryChecker } from './linearizability/checker.js';
import type { HistoryChecker } from './linearizability/history.js';
import { latestSession, type Session } from './process/sessions.js';
import { readRecord } from './record.js';

export interface ProbeRunnerDependencies {
  readonly system: (name: string) => Pick<DataSystem, 'probe'>;
  /** Of artifacts: what the probe of a run keeps is in `<directory>/<run id>/probe/`. */
  readonly directory: string;
  /** Path of the built `probe/main.js`. */
  readonly entry: string;
  /** ms since 1970; default: the wall clock. */
  readonly now?: () => number;
  /** How long the probe may live without being asked for again, ms; default 24 hours. */
  readonly leaseMs?: number;
  /** How long `start` waits for the first acknowledged write, ms; default 30 s. */
  readonly readyWithinMs?: number;
  /** For systems whose probe has registers; default: one that checks nothing and says so. */
  readonly history?: HistoryChecker;
}

const pollMs = 50;
/** What a probe may take beyond the timeout of its last write until it is killed, ms. */
const stopGrace = 5000;

/** Runs the probe on the host of the worker. The contracts of {@link ProbeRunner} apply. */
export function createProbeRunner(deps: ProbeRunnerDependencies): ProbeRunner {
  const now = deps.now ?? Date.now;
  const checkHistory = deps.history ?? createHistoryChecker();
  return {
    async start(cluster, runId, options, ctx) {
      const layout = probeLayout(deps.directory, runId);
      await mkdir(layout.sessions, { recursive: true, mode: 0o700 });
      await writeFile(layout.lease, String(now() + (deps.leaseMs ?? 86_400_000)), { mode: 0o600 });
      await rm(layout.stop, { force: true });
      await rm(layout.stopped, { force: true });
      await untilWriting(deps, layout, { cluster, runId, options, ctx });
    },

    async stop(runId, ctx) {
      const layout = probeLayout(deps.directory, runId);
      if (!(await mark(layout.stopped, String(now())))) return;
      await mark(layout.stop, '');
      await untilGone(layout, ctx);
    },

    async ledger(cluster, runId, ctx) {
      const { probe } = deps.system(cluster.system);
      if (!probe) throw withoutProbe(cluster);
      const layout = probeLayout(deps.directory, runId);
      const record = await readRecord(layout, now());
      return computeLedger({
        ...record,
        runId,
        readBack: () => unlessAborted(probe.readBack(cluster, runId), ctx),
        history:
          probe.registers === undefined
            ? undefined
            : { registers: probe.registers, check: (history) => checkHistory(history, ctx) },
      });
    },
  };
}

interface Wanted {
  readonly cluster: ClusterSpec;
  readonly runId: string;
  readonly options: ProbeOptions;
  readonly ctx: EffectContext;
}

/** Adopt the living probe or start one, and wait until a write of it has been acknowledged. */
async function untilWriting(
  deps: ProbeRunnerDependencies,
  layout: ProbeLayout,
  wanted: Wanted,
): Promise<void> {
  const { cluster, runId, options, ctx } = wanted;
  if (!deps.system(cluster.system).probe) throw withoutProbe(cluster);
  const { writers, interval, timeout, also } = options;
  const readyWithin = deps.readyWithinMs ?? 30_000;
  const deadline = performance.now() + readyWithin;
  let launched: LaunchedProbe | undefined;
  for (;;) {
    ctx.signal.throwIfAborted();
    const session = await latestSession(layout);
    if (session?.state === 'elsewhere') throw livesElsewhere(session);
    const alive = session?.state === 'alive' && session.beat?.stage !== 'ended';
    if (alive && session.beat?.stage === 'works') return;
    const ended = launched?.ended();
    if (!alive && ended !== undefined) throw await failed(layout, ended);
    if (session?.state !== 'alive' && !launched) {
      await writeConfig(layout, { cluster, also, runId, writers, interval, timeout });
      launched = await launchProbe(deps.entry, layout);
    }
    if (performance.now() > deadline) {
      throw await failed(layout, `no write was acknowledged within ${readyWithin} ms`);
    }
    ctx.heartbeat({ probe: session?.beat?.stage ?? 'starting' });
    await sleep(pollMs);
  }
}

async function untilGone(layout: ProbeLayout, ctx: EffectContext): Promise<void> {
  const asked = performance.now();
  for (;;) {
    ctx.signal.throwIfAborted();
    const session = await latestSession(layout);
    if (!session || session.state === 'gone') return;
    const late = performance.now() - asked > stopGrace + session.timeout;
    if (session.state === 'alive') signalProbe(session, late ? 'SIGKILL' : 'SIGTERM');
    else if (late) throw livesElsewhere(session);
    ctx.heartbeat({ probe: 'stopping' });
    await sleep(pollMs);
  }
}

/** Its journal stays sound either way; a killed probe only leaves its last writes without an outcome. */
function signalProbe({ pid }: Session, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // Gone since it was looked at: the next look tells.
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return;
    throw error;
  }
}

/** Write a file unless it is there. @returns false when there is not even the directory */
async function mark(path: string, content: string): Promise<boolean> {
  try {
    await writeFile(path, content, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return true;
    throw error;
  }
}

async function* unlessAborted<T>(items: AsyncIterable<T>, ctx: EffectContext): AsyncGenerator<T> {
  for await (const item of items) {
    ctx.signal.throwIfAborted();
    yield item;
  }
}

const failed = async (layout: ProbeLayout, seen: string): Promise<RollgateError> =>
  new RollgateError(
    'PROBE_FAILED',
    `the probe does not write: ${seen}\n${await lastLines(layout)}`,
    `Read ${layout.log}; check that the cluster takes writes from this host.`,
  );

const livesElsewhere = ({ pid, host }: Session): RollgateError =>
  new RollgateError(
    'PROBE_FAILED',
    `the probe of this run lives on ${host} (process ${pid}), where this worker cannot reach it`,
    `Let a worker on ${host} go on with the run, or end the process there.`,
  );

const withoutProbe = (cluster: ClusterSpec): RollgateError =>
  new RollgateError(
    'PROBE_FAILED',
    `the system ${cluster.system} has no probe`,
    'Set spec.probe.enabled to false; nothing is measured then.',
  );
