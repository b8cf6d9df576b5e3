import { readFile, realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import { messageOf, type LaunchSpec } from '../../contracts/index.js';
import { readDataFile } from './data-files.js';
import { writeDurably } from './durable-file.js';
import { unlessAbsent } from './file-error.js';
import type { Layout } from './layout.js';
import { processFacts, type ProcessFacts } from './process-facts.js';

/** The record of a process that we started. */
interface PidRecord {
  readonly pid: number;
  readonly token: string;
}

export type Located =
  | { readonly kind: 'running'; readonly process: ProcessFacts }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'unknown'; readonly reason: string };

/** How far a process's start time may be off: the kernel tells it relative to a boot time in whole seconds. */
const startTimeErrorMs = 2000;

/**
 * Find the node's process: the one that we started, or one that others started, by the program's own pid file.
 * A pid alone proves nothing: it may have been given to another process since. What cannot be decided is
 * `unknown`, never `stopped`.
 */
export async function locateProcess(layout: Layout, launch: LaunchSpec): Promise<Located> {
  try {
    // A scratch directory is made when it is needed first; until then nothing can run in it.
    await realpath(layout.scratchOf ?? layout.directory);
    const ours = await recordedProcess(layout);
    if (ours) return { kind: 'running', process: ours };
    return await fromPidFile(layout, launch);
  } catch (error) {
    return { kind: 'unknown', reason: messageOf(error) };
  }
}

export async function recordProcess(layout: Layout, facts: ProcessFacts): Promise<void> {
  const record: PidRecord = { pid: facts.pid, token: facts.token };
  await writeDurably(layout.pid, `${JSON.stringify(record)}\n`, { mode: 0o644 });
}

/** The process that we started, as long as it lives. */
export async function recordedProcess(layout: Layout): Promise<ProcessFacts | undefined> {
  const text = await unlessAbsent(() => readFile(layout.pid, 'utf8'));
  if (text === undefined) return undefined;
  const record = JSON.parse(text) as PidRecord;
  const facts = await processFacts(record.pid);
  return facts?.token === record.token ? facts : undefined;
}

async function fromPidFile(layout: Layout, launch: LaunchSpec): Promise<Located> {
  if (launch.pidFile === undefined) return { kind: 'stopped' };
  if ((await unlessAbsent(() => realpath(layout.dataDir))) === undefined) return { kind: 'stopped' };
  const file = await readDataFile(layout, launch.pidFile);
  if (!file) return { kind: 'stopped' };
  const firstLine = file.content.toString('utf8').split('\n', 1)[0]?.trim() ?? '';
  // PostgreSQL in single-user mode writes a negative number: a process has the data, but not the server.
  if (!/^[1-9]\d*$/.test(firstLine)) {
    return {
      kind: 'unknown',
      reason: `${launch.pidFile} begins with ${JSON.stringify(firstLine)}, not a pid`,
    };
  }
  const facts = await processFacts(Number(firstLine));
  if (!facts) return { kind: 'stopped' };
  return identify(layout, launch, facts, file.modifiedAt);
}

/** Is this living process, named by the pid file, the node's? */
async function identify(
  layout: Layout,
  launch: LaunchSpec,
  facts: ProcessFacts,
  writtenAt: Date,
): Promise<Located> {
  if (!facts.programs.includes(basename(launch.executable))) return { kind: 'stopped' };
  const dataDir = await realpath(layout.dataDir);
  const names = new Set([dataDir, layout.dataDir]);
  const inDataDir = facts.cwd !== undefined && names.has(facts.cwd);
  const named = facts.commandLine.some((text) => [...names].some((name) => mentions(text, name)));
  if (inDataDir || named) return { kind: 'running', process: facts };
  if (facts.startedAt.getTime() > writtenAt.getTime() + startTimeErrorMs) return { kind: 'stopped' };
  return {
    kind: 'unknown',
    reason: `${launch.pidFile ?? ''} names process ${facts.pid}, which is ${facts.programs.join(' ')} but shows no sign of working in ${layout.dataDir}`,
  };
}

/** `-D /data/pg-1` mentions /data/pg-1, and not /data/pg. */
function mentions(text: string, path: string): boolean {
  const at = text.indexOf(path);
  if (at < 0) return false;
  const next = text[at + path.length];
  return next === undefined || next === ' ' || next === '/' || mentions(text.slice(at + 1), path);
}
