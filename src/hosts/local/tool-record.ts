import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EffectContext } from '../../contracts/index.js';
import { ensureDirectory, writeDurably } from './durable-file.js';
import { unlessAbsent } from './file-error.js';
import type { Layout } from './layout.js';
import { processFacts } from './process-facts.js';
import { unknownState } from './unknown-state.js';

/**
 * Which tools run on a node: one file a process. A tool outlives a worker that is killed, and the next worker must
 * not begin the same work beside it.
 */
interface ToolRecord {
  readonly pid: number;
  readonly token: string;
  readonly program: string;
}

const pollMs = 50;

/** @returns the record, to be forgotten when the process has ended; `undefined`: it has ended already */
export async function recordTool(layout: Layout, pid: number, program: string): Promise<string | undefined> {
  const facts = await processFacts(pid);
  if (!facts) return undefined;
  await ensureDirectory(layout.record);
  await ensureDirectory(layout.tools);
  const path = join(layout.tools, `${pid}.json`);
  const record: ToolRecord = { pid, token: facts.token, program };
  await writeDurably(path, `${JSON.stringify(record)}\n`, { mode: 0o644 });
  return path;
}

/** Wait for tools that an earlier worker began. @throws HOST_UNKNOWN when they take longer than `timeoutMs` */
export async function untilToolsEnd(layout: Layout, timeoutMs: number, ctx: EffectContext): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const [running] = await runningTools(layout.tools);
    if (!running) return;
    if (performance.now() >= deadline) throw stillRuns(layout, running);
    ctx.heartbeat({ node: layout.node, waitingFor: running.program, pid: running.pid });
    await sleep(pollMs, undefined, { signal: ctx.signal });
  }
}

/** @throws HOST_UNKNOWN */
export async function requireNoTools(places: readonly string[], layout: Layout): Promise<void> {
  for (const place of places) {
    const [running] = await runningTools(place);
    if (running) throw stillRuns(layout, running);
  }
}

async function runningTools(place: string): Promise<ToolRecord[]> {
  const running: ToolRecord[] = [];
  for (const name of (await unlessAbsent(() => readdir(place))) ?? []) {
    if (!/^\d+\.json$/.test(name)) continue;
    const text = await unlessAbsent(() => readFile(join(place, name), 'utf8'));
    if (text === undefined) continue;
    const record = JSON.parse(text) as ToolRecord;
    if ((await processFacts(record.pid))?.token === record.token) running.push(record);
    else await rm(join(place, name), { force: true });
  }
  return running;
}

const stillRuns = (layout: Layout, tool: ToolRecord) =>
  unknownState(
    layout,
    `${tool.program}, which was begun earlier, still runs as process ${tool.pid}; what it makes is not known yet`,
  );
