import { spawn, type ChildProcess } from 'node:child_process';
import { rm, stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { messageOf, RollgateError, type EffectContext, type ToolRun } from '../../contracts/index.js';
import { environment } from './environment.js';
import { fileErrorCode } from './file-error.js';
import { heartbeating } from './heartbeating.js';
import type { Layout } from './layout.js';
import { pathRefused } from './path-refused.js';
import { ownerOf, type ProcessOwner } from './run-as.js';
import { recordTool, untilToolsEnd } from './tool-record.js';
import { unknownState } from './unknown-state.js';

/** Of each of the two outputs; more is read and dropped. */
const keptBytes = 1024 * 1024;
/** For what a program that has ended may have left in its pipes, where a child of its own holds them open. */
const drainMs = 1000;

type End =
  | { readonly kind: 'ended'; readonly code: number | null; readonly signal: NodeJS.Signals | null }
  | { readonly kind: 'failed'; readonly error: Error };

/**
 * Run a program to its end, as the node's user, in the node's directory. It is not in the journal: many only read,
 * and what comes of the others is seen by the call that uses it.
 *
 * @throws HOST_UNKNOWN when it cannot be executed, takes too long (then it has been killed) or is ended by a signal;
 *   HOST_PATH_REFUSED when it is not in its artifact
 */
export async function runTool(
  layout: Layout,
  tool: ToolRun,
  ctx: EffectContext,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const program = programOf(layout, tool);
  const owner = await ownerOf(layout);
  // Without this check a missing directory would read as a missing program.
  await stat(layout.directory);
  await untilToolsEnd(layout, tool.timeoutMs, ctx);
  ctx.signal.throwIfAborted();

  const child = begin(layout, program, tool, owner);
  const [stdout, stderr] = [keep(child.stdout), keep(child.stderr)];
  const end = await endOf(layout, child, tool, ctx);

  if (end.kind === 'failed') throw notExecuted(layout, program, end.error);
  if (end.code !== null) return { code: end.code, stdout: stdout(), stderr: stderr() };
  throw unknownState(
    layout,
    `${program} was ended by ${String(end.signal)}. Its last words: ${stderr().trimEnd().slice(-1000)}`,
  );
}

/** Some errors come at once, others as an event. */
function begin(layout: Layout, program: string, tool: ToolRun, owner: ProcessOwner | undefined) {
  try {
    return spawn(program, [...tool.args], {
      cwd: layout.directory,
      env: environment({}),
      // A group of its own, so that what it starts can be ended with it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...owner,
    });
  } catch (error) {
    throw notExecuted(layout, program, error);
  }
}

async function endOf(layout: Layout, child: ChildProcess, tool: ToolRun, ctx: EffectContext): Promise<End> {
  const limit = new AbortController();
  const ended = ending(child);
  const kill = () => killGroup(child);
  const timer = setTimeout(() => {
    limit.abort();
    kill();
  }, tool.timeoutMs);
  ctx.signal.addEventListener('abort', kill, { once: true });
  let record: string | undefined;
  try {
    if (child.pid !== undefined) record = await recordTool(layout, child.pid, tool.executable);
    const details = () => ({ node: layout.node, tool: tool.executable, pid: child.pid });
    const end = await heartbeating(ctx, details, () => ended);
    ctx.signal.throwIfAborted();
    if (limit.signal.aborted && end.kind === 'ended' && end.code === null) throw tookTooLong(layout, tool);
    return end;
  } finally {
    clearTimeout(timer);
    ctx.signal.removeEventListener('abort', kill);
    kill();
    await ended;
    if (record !== undefined) await rm(record, { force: true });
  }
}

function ending(child: ChildProcess): Promise<End> {
  return new Promise((done) => {
    child.once('error', (error) => done({ kind: 'failed', error }));
    child.once('close', (code, signal) => done({ kind: 'ended', code, signal }));
    child.once('exit', () => {
      setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, drainMs).unref();
    });
  });
}

/** Only while our child has not been waited for: until then its number cannot be another process's. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if (fileErrorCode(error) !== 'ESRCH') throw error;
  }
}

function programOf(layout: Layout, tool: ToolRun): string {
  const parts = tool.executable.split('/');
  if (isAbsolute(tool.executable) || parts.some((p) => p === '' || p === '.' || p === '..')) {
    throw pathRefused(
      layout.node,
      `${JSON.stringify(tool.executable)} is not a plain path relative to the artifact ${tool.artifact}`,
      'name a program inside the artifact',
    );
  }
  return join(resolve(tool.artifact), tool.executable);
}

function keep(stream: Readable): () => string {
  const chunks: Buffer[] = [];
  let kept = 0;
  let read = 0;
  stream.on('data', (chunk: Buffer) => {
    const part = chunk.subarray(0, keptBytes - kept);
    read += chunk.length;
    kept += part.length;
    if (part.length > 0) chunks.push(part);
  });
  return () => {
    const text = Buffer.concat(chunks).toString('utf8');
    return read > kept ? `${text}\n[${read - kept} more bytes were dropped]` : text;
  };
}

const notExecuted = (layout: Layout, program: string, error: unknown) =>
  unknownState(layout, `${program} could not be executed: ${messageOf(error)}`, error);

const tookTooLong = (layout: Layout, tool: ToolRun) =>
  new RollgateError(
    'HOST_UNKNOWN',
    `node ${layout.node}: ${tool.executable} of ${tool.artifact} did not end within ${tool.timeoutMs} ms and was killed; what it was making is not known`,
    `find out what it waits for, on the node's host: run it by hand in ${layout.directory}; then retry`,
  );
