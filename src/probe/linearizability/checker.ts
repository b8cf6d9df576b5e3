import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { messageOf, type Linearizability } from '../../contracts/index.js';
import type { History, HistoryChecker, Operation } from './history.js';

export interface HistoryCheckerOptions {
  /** Path of the built `tools/linearizability`; absent: nothing is checked, and the ledger says so. */
  readonly program?: string;
  /** How long it may search, ms; default 60 s. */
  readonly timeoutMs?: number;
}

/** What the program may take beyond its search, to read the history and to end, ms. */
const grace = 60_000;
/** Of the history that is handed over at once, characters. */
const pieceLength = 16 * 1024;
const longestOutput = 64 * 1024;

const Answer = z.object({
  verdict: z.enum(['linearizable', 'violated', 'unknown']),
  operations: z.int().min(0),
  detail: z.string().optional(),
});

/**
 * Checks a history with the program in `tools/linearizability`, which uses porcupine
 * (https://github.com/anishathalye/porcupine). Whatever keeps the program from a verdict on the whole history makes
 * it `unchecked`, with the reason.
 */
export function createHistoryChecker(options: HistoryCheckerOptions = {}): HistoryChecker {
  const { program, timeoutMs = 60_000 } = options;
  return async (history, ctx) => {
    ctx.signal.throwIfAborted();
    const unchecked = async (reason: string): Promise<Linearizability> => ({
      verdict: 'unchecked',
      operations: await count(history),
      registers: history.registers,
      reason,
    });
    if (program === undefined) return unchecked('no program that checks histories is configured');
    ctx.heartbeat({ probe: 'checking the history' });
    const ended = await runOn(program, { timeoutMs, history, signal: ctx.signal });
    if (ended.kind === 'failed') return unchecked(`${program} ${ended.reason}`);
    const answer = parse(ended.output);
    if (!answer) return unchecked(`the answer of ${program} cannot be understood`);
    if (answer.operations !== ended.sent) {
      return unchecked(`${program} checked ${answer.operations} of ${ended.sent} operations`);
    }
    if (answer.verdict === 'unknown') return unchecked(answer.detail ?? `${program} came to no verdict`);
    return {
      verdict: answer.verdict,
      operations: ended.sent,
      registers: history.registers,
      reason: answer.detail,
    };
  };
}

type Ended =
  | { readonly kind: 'answered'; readonly output: string; readonly sent: number }
  | { readonly kind: 'failed'; readonly reason: string };

interface Search {
  readonly timeoutMs: number;
  readonly history: History;
  readonly signal: AbortSignal;
}

/** @throws what keeps the history from being read, or the reason of the abort; the program has ended then */
async function runOn(program: string, { timeoutMs, history, signal }: Search): Promise<Ended> {
  const child = started(program, timeoutMs);
  if (child instanceof Error) return { kind: 'failed', reason: `cannot run: ${child.message}` };
  let sent = 0;
  let unreadable: { error: unknown } | undefined;
  async function* operations(): AsyncGenerator<Operation> {
    try {
      yield* history.operations;
    } catch (error) {
      unreadable = { error };
      throw error;
    }
  }
  async function* lines() {
    // In a generator of its own, so that an error of the pipe does not come out as one of the history.
    let text = '';
    for await (const operation of operations()) {
      sent += 1;
      text += `${JSON.stringify(operation)}\n`;
      if (text.length < pieceLength) continue;
      yield text;
      text = '';
    }
    yield text;
  }
  const late = new AbortController();
  const kill = (): void => void child.kill('SIGKILL');
  late.signal.addEventListener('abort', kill, { once: true });
  const timer = setTimeout(() => late.abort(), timeoutMs + grace);
  signal.addEventListener('abort', kill, { once: true });
  try {
    const ending = endOf(child);
    // A program that ends before it has read everything says why by its exit.
    const fed = await pipeline(Readable.from(lines()), child.stdin).then(
      () => true,
      () => false,
    );
    if (unreadable) kill();
    const end = await ending;
    signal.throwIfAborted();
    if (unreadable) throw unreadable.error;
    if (late.signal.aborted) return { kind: 'failed', reason: `did not end within ${timeoutMs + grace} ms` };
    if (end.kind === 'failed') return end;
    return fed
      ? { kind: 'answered', output: end.output, sent }
      : { kind: 'failed', reason: 'did not read the whole history' };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', kill);
  }
}

type Program = ChildProcessByStdio<Writable, Readable, Readable>;

/** Some reasons for which a program cannot run are thrown, others come with the event `error`. */
function started(program: string, timeoutMs: number): Program | Error {
  try {
    return spawn(program, ['-timeout', `${timeoutMs}ms`], {
      // It needs nothing of the environment of the worker, which may hold secrets.
      env: {},
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  } catch (error) {
    return new Error(messageOf(error), { cause: error });
  }
}

function endOf(
  child: Program,
): Promise<{ kind: 'answered'; output: string } | { kind: 'failed'; reason: string }> {
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] = (output[name] + text).slice(0, longestOutput);
    });
  }
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ kind: 'failed', reason: `cannot run: ${messageOf(error)}` }));
    child.once('close', (code, signal) => {
      if (code === 0) resolve({ kind: 'answered', output: output.stdout });
      const how = signal ? `was ended by ${signal}` : `ended with exit code ${String(code)}`;
      const said = output.stderr.trim().split('\n')[0] ?? '';
      resolve({ kind: 'failed', reason: said === '' ? how : `${how}: ${said}` });
    });
  });
}

function parse(output: string): z.infer<typeof Answer> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(output);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  return Answer.safeParse(value).data;
}

async function count({ operations }: History): Promise<number> {
  let number = 0;
  const iterator = operations[Symbol.asyncIterator]();
  while ((await iterator.next()).done !== true) number += 1;
  return number;
}
