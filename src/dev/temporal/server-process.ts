import { spawn } from 'node:child_process';
import { constants, rmSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { fileErrorCode } from '../../hosts/local/file-error.js';

export interface ServerProcess {
  readonly pid: number;
  /** How it ended, with the end of its log; `undefined` while it runs. */
  end(): string | undefined;
  /** Ask it to end, and after 10 s make it; its log is removed. Resolves when it is gone. */
  stop(): Promise<void>;
}

/**
 * Run a server with its output in a file.
 * @param outlive keep running when this process ends or its terminal is interrupted
 */
export async function runServer(
  binary: string,
  args: readonly string[],
  options: { log: string; outlive: boolean },
): Promise<ServerProcess> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
  const log = await open(options.log, flags, 0o600);
  const child = spawn(binary, [...args], { stdio: ['ignore', log.fd, log.fd], detached: options.outlive });
  let ended: string | undefined;
  const gone = new Promise<void>((resolve) => {
    const onEnd = (how: string) => {
      ended = how;
      resolve();
    };
    child.once('error', (error) => onEnd(error.message));
    child.once('exit', (code, signal) => onEnd(signal ?? `exit code ${String(code)}`));
  });
  child.unref();
  await log.close();
  const { pid } = child;
  if (pid === undefined) {
    await gone;
    throw new Error(`${binary} could not be executed: ${String(ended)}`);
  }

  const signal = (name: 'SIGTERM' | 'SIGKILL') => {
    try {
      process.kill(pid, name);
    } catch (error) {
      if (fileErrorCode(error) !== 'ESRCH') throw error;
    }
  };
  const atExit = () => {
    if (ended === undefined) signal('SIGTERM');
    rmSync(options.log, { force: true });
  };
  if (!options.outlive) process.once('exit', atExit);
  void gone.then(() => process.off('exit', atExit));

  return {
    pid,
    end: () => ended,
    async stop() {
      rmSync(options.log, { force: true });
      if (ended !== undefined) return;
      signal('SIGTERM');
      const late = setTimeout(() => signal('SIGKILL'), 10_000);
      await gone;
      clearTimeout(late);
    },
  };
}

/** The last lines of a server's log, for its errors. */
export async function logEnd(path: string): Promise<string> {
  return (await readFile(path, 'utf8')).trimEnd().split('\n').slice(-10).join('\n');
}
