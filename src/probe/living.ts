import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { processFacts } from '../hosts/local/process-facts.js';
import { ProbeLock, type ProbeFiles } from './files.js';

/** The pid of the probe process that holds the lock and lives; a reused pid is not mistaken for it. */
export async function livingProbe(files: ProbeFiles): Promise<number | undefined> {
  const lock = await readLock(files);
  if (!lock) return undefined;
  const facts = await processFacts(lock.pid);
  return facts?.token === lock.token ? lock.pid : undefined;
}

async function readLock(files: ProbeFiles): Promise<ProbeLock | undefined> {
  // Between its creation and its first byte the lock is empty; a moment later it is not, or its maker has died.
  for (let tries = 0; tries < 10; tries++) {
    let text: string;
    try {
      text = await readFile(files.lock, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    if (text !== '') return ProbeLock.parse(JSON.parse(text));
    await delay(20);
  }
  return undefined;
}
