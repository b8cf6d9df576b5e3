import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface WorkerProcess {
  /** Process ids of all workers so far, the living one last. */
  readonly pids: readonly number[];
  /** SIGKILL, as a crash would; the supervisor starts it again. */
  kill(): void;
  /** Let it end by itself and do not start it again. */
  stop(): Promise<void>;
}

/**
 * A worker in a process of its own that is started again whenever it dies, as a service manager would.
 *
 * @param options.log file for its stderr
 */
export function superviseWorker(options: {
  readonly env: Readonly<Record<string, string>>;
  readonly log: string;
  readonly onDeath?: (signal: string) => void;
  readonly onStart?: (pid: number) => void;
}): WorkerProcess {
  // From the checkout's root, so that tests which import the source run the built worker too.
  const entry = fileURLToPath(new URL('../../dist/dev/worker-main.js', import.meta.url));
  const log = openSync(options.log, 'a');
  const pids: number[] = [];
  let stopping = false;
  let child: ChildProcess = start();

  function start(): ChildProcess {
    const started = spawn(process.execPath, [entry], {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...options.env },
    });
    if (started.pid !== undefined) {
      pids.push(started.pid);
      options.onStart?.(started.pid);
    }
    started.once('exit', (code, signal) => {
      if (stopping) return;
      options.onDeath?.(signal ?? `exit code ${code ?? '?'}`);
      // A worker that cannot start at all must not be started a thousand times a minute.
      setTimeout(
        () => {
          if (!stopping) child = start();
        },
        signal === 'SIGKILL' ? 0 : 1000,
      );
    });
    return started;
  }

  return {
    pids,
    kill: () => void child.kill('SIGKILL'),
    stop: async () => {
      stopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const forced = setTimeout(() => child.kill('SIGKILL'), 25_000);
      await ended;
      clearTimeout(forced);
    },
  };
}
