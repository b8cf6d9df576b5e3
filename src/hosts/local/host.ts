import { resolve } from 'node:path';
import { messageOf, type Host, type HostStatus, type LaunchSpec } from '../../contracts/index.js';
import { adoptData } from './adopt-data.js';
import { createKeptDigest, inspectArtifact, requireArtifact } from './artifact.js';
import { copyData } from './copy-data.js';
import { dataFacts, makeDataDirectory, moveDataAside } from './data-directory.js';
import { readDataFile, removeDataFile, writeDataFile } from './data-files.js';
import { readFence, writeFence } from './fence.js';
import { readInstalled, swapInstalled } from './installed-version.js';
import { appendToJournal } from './journal.js';
import { layoutOf, type Layout } from './layout.js';
import { changeMode, readMode } from './mode.js';
import { onHost, onReadyHost } from './on-host.js';
import { requireStopped } from './require-stopped.js';
import { locateProcess } from './running-process.js';
import { removeScratch, scratchNode } from './scratch.js';
import { startNode } from './start.js';
import { stopNode } from './stop.js';
import { runTool } from './tool.js';

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
      onReadyHost(node, ctx, async (layout) => {
        await requireArtifact(node.id, version, artifact, () => ctx.heartbeat());
        const former = await readInstalled(layout);
        const path = resolve(artifact.path);
        if (former?.version === version && former.artifact === path) return;
        await requireStopped(layout, launch, `version ${version} is to be installed`);
        ctx.signal.throwIfAborted();
        await swapInstalled(layout, { version, artifact: path });
        const detail = { version, former: former?.version ?? null, sha256: artifact.sha256 };
        await appendToJournal(layout, ctx, now, { action: 'install', detail });
      }),

    start: (node, launch, ctx) =>
      onReadyHost(node, ctx, (layout) => startNode({ now, graceMs }, layout, launch, ctx)),

    installed: (node, ctx) => onHost(node, ctx, async (layout) => (await readInstalled(layout))?.version),

    setFence: (node, holder, ctx) =>
      onReadyHost(node, ctx, async (layout) => {
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

    readMode: (node, ctx) => onHost(node, ctx, readMode),

    writeMode: (node, record, ctx) =>
      onReadyHost(node, ctx, (layout) => changeMode(now, layout, record, ctx)),

    scratchNode,

    dataFacts: (node, ctx) => onHost(node, ctx, (layout) => dataFacts(layout, ctx)),

    copyData: (from, to, launch, ctx) =>
      onReadyHost(to, ctx, (layout) => copyData(now, layoutOf(from), layout, launch, ctx)),

    makeDataDirectory: (node, ctx) => onReadyHost(node, ctx, (layout) => makeDataDirectory(now, layout, ctx)),

    moveDataAside: (node, suffix, launch, ctx) =>
      onHost(node, ctx, (layout) => moveDataAside(now, layout, suffix, launch, ctx)),

    adoptData: (from, to, ctx) =>
      onReadyHost(to, ctx, (layout) => adoptData(now, layoutOf(from), layout, ctx)),

    removeScratch: (node, ctx) => onHost(node, ctx, (layout) => removeScratch(now, layout, ctx)),

    runTool: (node, tool, ctx) => onReadyHost(node, ctx, (layout) => runTool(layout, tool, ctx)),
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
