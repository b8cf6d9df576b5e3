import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProbeFacet } from '../contracts/index.js';
import type { ProbeConfig, ProbeFiles } from './files.js';
import { lastSequence, openJournal, type Journal } from './journal.js';

/** An orphan ends by itself after this time, ms. */
const maxLifetime = 24 * 3_600_000;
const backoff = 10;

/** Wall-clock time that runs like a monotonic clock from the start of this process, ms. */
const now = (): number => performance.timeOrigin + performance.now();

/** The work of the probe process: writers and one reader until it is asked to end. */
export async function runProbe(
  config: ProbeConfig,
  files: ProbeFiles,
  probe: ProbeFacet,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const ended = (): boolean => signal.aborted || stop.signal.aborted;
  const began = now();
  const watch = setInterval(() => {
    // A folder that has been removed has nobody left who will read it.
    if (existsSync(files.stop) || !existsSync(files.config) || now() - began > maxLifetime) stop.abort();
  }, 100);
  try {
    const writers = Array.from({ length: config.writers }, (_, n) => write(config, files, probe, n, ended));
    await Promise.all([...writers, read(config, files, probe, ended)]);
  } finally {
    clearInterval(watch);
  }
}

async function write(
  config: ProbeConfig,
  files: ProbeFiles,
  probe: ProbeFacet,
  writer: number,
  ended: () => boolean,
): Promise<void> {
  const file = files.writer(writer);
  let seq = existsSync(file) ? lastSequence(file) : 0;
  const journal = openJournal(file, now);
  const client = probe.connect(config.cluster, { name: `probe writer ${writer}` });
  journal.append('b', seq);
  try {
    while (!ended()) {
      seq++;
      journal.append('s', seq);
      const outcome = await client.write({ runId: config.runId, writer, seq }, config.timeout);
      journal.append(outcome.kind === 'acknowledged' ? 'a' : outcome.kind === 'refused' ? 'r' : 'u', seq);
      if (outcome.kind !== 'acknowledged')
        console.error(`writer ${writer} seq ${seq}: ${outcome.kind}: ${outcome.reason}`);
      await delay(outcome.kind === 'acknowledged' ? config.interval : backoff);
    }
  } finally {
    finish(journal, seq);
    await client.close();
  }
}

async function read(
  config: ProbeConfig,
  files: ProbeFiles,
  probe: ProbeFacet,
  ended: () => boolean,
): Promise<void> {
  const journal = openJournal(files.reader, now);
  const client = probe.connect(config.cluster, { name: 'probe reader' });
  let seq = 0;
  journal.append('b', seq);
  try {
    while (!ended()) {
      seq++;
      try {
        await client.read(config.timeout);
        journal.append('a', seq);
        await delay(Math.max(config.interval, backoff));
      } catch {
        // The journal says that it failed; the next attempt comes at once.
        journal.append('r', seq);
        await delay(backoff);
      }
    }
  } finally {
    finish(journal, seq);
    await client.close();
  }
}

function finish(journal: Journal, seq: number): void {
  journal.append('e', seq);
  journal.close();
}
