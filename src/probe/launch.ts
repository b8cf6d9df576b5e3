import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { messageOf } from '../contracts/index.js';
import { textOf } from './absent.js';
import type { ProbeLayout } from './layout.js';

export interface LaunchedProbe {
  /** How it ended; `undefined` as long as it runs. */
  readonly ended: () => string | undefined;
}

/**
 * Start the probe as a session of its own, so that it outlives the worker. It gets the environment of the worker,
 * because the references to secrets in it must resolve as they do there.
 */
export async function launchProbe(entry: string, layout: ProbeLayout): Promise<LaunchedProbe> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
  const log = await open(layout.log, flags, 0o600);
  try {
    let ended: string | undefined;
    const child = spawn(process.execPath, [entry, layout.config], {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    child.once('error', (error) => {
      ended = `it could not be executed: ${messageOf(error)}`;
    });
    child.once('exit', (code, signal) => {
      ended = signal ? `it was ended by ${signal}` : `it ended with exit code ${String(code)}`;
    });
    child.unref();
    return { ended: () => ended };
  } finally {
    await log.close();
  }
}

const shownLines = 5;

/** The end of the probe's log, for an error message. */
export async function lastLines(layout: ProbeLayout): Promise<string> {
  const text = (await textOf(layout.log)) ?? '';
  return text.trimEnd().split('\n').slice(-shownLines).join('\n');
}
