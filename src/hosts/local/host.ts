import { resolve } from 'node:path';
import {
  messageOf,
  RollgateError,
  type EffectContext,
  type Host,
  type HostStatus,
  type LaunchSpec,
  type NodeSpec,
} from '../../contracts/index.js';
import { createKeptDigest, inspectArtifact, requireArtifact } from './artifact.js';
import { readDataFile, removeDataFile, writeDataFile } from './data-files.js';
import { readFence, writeFence } from './fence.js';
import { readInstalled, swapInstalled } from './installed-version.js';
import { appendToJournal } from './journal.js';
import { layoutOf, type Layout } from './layout.js';
import { locateProcess } from './running-process.js';
import { startNode } from './start.js';
import { stopNode } from './stop.js';
import { unknownState } from './unknown-state.js';

export interface LocalHostDeps {
  readonly now?: () => Date;
  /** How long a process must live to count as started, ms; default 250. */
  readonly startGraceMs?: number;
}

/**
 * A node that is a process on the worker's own machine: started detached, so that it outlives the worker, and
 * found again by any later worker. One directory a node holds what is installed (`current`), the log
 * (`log/node.log`) and the record of every change (`rollgate/journal.ndjson`).
 *
 * Every method throws HOST_UNKNOWN where the host did not let it look or act, besides the codes of the port.
 */
export function createLocalHost(deps: LocalHostDeps = {}): Host {
  const now = deps.now ?? (() => new Date());
  const graceMs = deps.startGraceMs ?? 250;
  const keptDigest = createKeptDigest();

  return {
    status: (node, launch) => statusOf(layoutOf(node), launch),

    async verifyArtifact(node, version, artifact, ctx) {
      const state = await inspectArtifact(artifact, () => ctx.heartbeat(), keptDigest);
      return { node: node.id, version, state };
    },

    stop: (node, launch, options, ctx) =>
      onHost(node, ctx, (layout) => stopNode(now, layout, launch, options, ctx)),

    install: (node, version, artifact, launch, ctx) =>
      onHost(node, ctx, async (layout) => {
        await requireArtifact(node.id, version, artifact, () => ctx.heartbeat());
        const former = await readInstalled(layout);
        const path = resolve(artifact.path);
        if (former?.version === version && former.artifact === path) return;
        await requireStopped(layout, launch, version);
        ctx.signal.throwIfAborted();
        await swapInstalled(layout, { version, artifact: path });
        const detail = { version, former: former?.version ?? null, sha256: artifact.sha256 };
        await appendToJournal(layout, ctx, now, { action: 'install', detail });
      }),

    start: (node, launch, ctx) =>
      onHost(node, ctx, (layout) => startNode({ now, graceMs }, layout, launch, ctx)),

    installed: (node, ctx) => onHost(node, ctx, async (layout) => (await readInstalled(layout))?.version),

    setFence: (node, holder, ctx) =>
      onHost(node, ctx, async (layout) => {
        const former = await readFence(layout);
        if (!(await writeFence(layout, holder))) return;
        const action = holder === undefined ? 'unfence' : 'fence';
        const detail = { holder: holder ?? former ?? null };
        await appendToJournal(layout, ctx, now, { action, detail });
      }),

    readFile: (node, path, ctx) =>
      onHost(node, ctx, async (layout) => (await readDataFile(layout, path))?.content),

    writeFile: (node, path, content, ctx) =>
      onHost(node, ctx, async (layout) => {
        if (!(await writeDataFile(layout, path, content))) return;
        // The path alone: what is written may hold a secret.
        await appendToJournal(layout, ctx, now, { action: 'write', detail: { path } });
      }),

    removeFile: (node, path, ctx) =>
      onHost(node, ctx, async (layout) => {
        if (!(await removeDataFile(layout, path))) return;
        await appendToJournal(layout, ctx, now, { action: 'remove', detail: { path } });
      }),
  };
}

async function statusOf(layout: Layout, launch: LaunchSpec): Promise<HostStatus> {
  try {
    const version = (await readInstalled(layout))?.version;
    const located = await locateProcess(layout, launch);
    switch (located.kind) {
      case 'unknown':
        return located;
      case 'stopped':
        return { kind: 'stopped', version, fenced: (await readFence(layout)) !== undefined };
      case 'running': {
        const { pid, startedAt } = located.process;
        return { kind: 'running', pid, startedAt: startedAt.toISOString(), version };
      }
    }
  } catch (error) {
    return { kind: 'unknown', reason: messageOf(error) };
  }
}

/** A program whose files are swapped while it runs is of two versions at once. */
async function requireStopped(layout: Layout, launch: LaunchSpec, version: string): Promise<void> {
  const located = await locateProcess(layout, launch);
  if (located.kind === 'stopped') return;
  throw unknownState(
    layout,
    located.kind === 'unknown'
      ? located.reason
      : `version ${version} is to be installed while process ${located.process.pid} runs; it must be stopped first`,
  );
}

/** Errors of the operating system become HOST_UNKNOWN; a cancellation stays what it is. */
async function onHost<T>(
  node: NodeSpec,
  ctx: EffectContext,
  act: (layout: Layout) => Promise<T>,
): Promise<T> {
  const layout = layoutOf(node);
  try {
    return await act(layout);
  } catch (error) {
    if (error instanceof RollgateError) throw error;
    ctx.signal.throwIfAborted();
    throw unknownState(layout, messageOf(error), error);
  }
}
