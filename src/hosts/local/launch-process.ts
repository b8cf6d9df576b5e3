import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, type LaunchSpec } from '../../contracts/index.js';
import { ensureDirectory } from './durable-file.js';
import { environment } from './environment.js';
import type { Layout } from './layout.js';
import type { ProcessOwner } from './run-as.js';

export interface Launched {
  /** `undefined`: it could not even be executed. */
  readonly pid: number | undefined;
  /** How it ended, if it ends within this time. */
  endedWithin(ms: number): Promise<string | undefined>;
  /** What it has written to the log so far: the last lines. */
  lastLines(): Promise<string>;
}

const keptLines = 20;
const keptBytes = 16 * 1024;

/**
 * Execute a program as a session of its own, with the node's log as its output, so that it outlives us. An
 * argument vector, never a shell.
 */
export async function launchProcess(
  layout: Layout,
  artifact: string,
  launch: LaunchSpec,
  owner: ProcessOwner | undefined,
): Promise<Launched> {
  await ensureDirectory(dirname(layout.log));
  // The log's directory may belong to the node's user: a link there must not make us write elsewhere.
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
  const log = await open(layout.log, flags, 0o640);
  try {
    const offset = (await log.stat()).size;
    const lastLines = () => tail(layout.log, offset);
    // Without this check a missing data directory would read as a missing executable.
    await stat(layout.dataDir);
    const child = spawn(join(artifact, launch.executable), [...launch.args], {
      cwd: layout.dataDir,
      env: environment(launch.env),
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      ...owner,
    });
    const ended = endOf(child);
    child.unref();
    return { pid: child.pid, endedWithin: (ms) => firstWithin(ended, ms), lastLines };
  } finally {
    await log.close();
  }
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`it could not be executed: ${messageOf(error)}`));
    child.once('exit', (code, signal) =>
      resolve(signal ? `it was ended by ${signal}` : `it ended with exit code ${String(code)}`),
    );
  });
}

/** The timer holds this process alive while it waits, as the child, which must outlive it, does not. */
async function firstWithin<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function tail(path: string, offset: number): Promise<string> {
  const log: FileHandle = await open(path, 'r');
  try {
    const { size } = await log.stat();
    const from = Math.max(offset, size - keptBytes);
    const buffer = Buffer.alloc(Math.max(0, size - from));
    await log.read(buffer, 0, buffer.length, from);
    return buffer.toString('utf8').trimEnd().split('\n').slice(-keptLines).join('\n');
  } finally {
    await log.close();
  }
}
