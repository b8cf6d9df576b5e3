import { stat } from 'node:fs/promises';
import { messageOf, RollgateError } from '../contracts/index.js';
import { isAbsent, textOf } from './absent.js';
import { readConfig } from './config.js';
import { readJournal } from './journal/read.js';
import type { ProbeLayout } from './layout.js';
import type { ProbeRecord } from './ledger/compute.js';
import type { StepBatches } from './ledger/merge.js';
import { readBeat } from './process/beat.js';
import { latestSession, sessionNumbers } from './process/sessions.js';

/**
 * What the probe of a run has written so far. Of a living probe it is the record up to this moment.
 * @throws PROBE_FAILED when a part of it is absent or unreadable
 */
export async function readRecord(
  layout: ProbeLayout,
  now: number,
): Promise<Omit<ProbeRecord, 'runId' | 'readBack'>> {
  const { writers } = await readConfig(layout);
  const latest = await latestSession(layout);
  const running = latest !== undefined && latest.state !== 'gone';
  const seenAlive = new Map<number, number>();
  for (const session of await sessionNumbers(layout)) {
    const beat = await readBeat(layout, session);
    if (beat) seenAlive.set(session, beat.at);
  }
  if (seenAlive.size === 0) {
    throw new RollgateError(
      'PROBE_FAILED',
      `the probe never came so far as to write (no session in ${layout.sessions})`,
      `Read ${layout.log}.`,
    );
  }
  // All lengths before anything is read: what is appended later is not part of this record. That of the reader first:
  // what a read saw was sent before, and so its intent is in the record as well.
  const reader = await journalOf(layout.reader);
  const paths = Array.from({ length: writers }, (_, writer) => layout.writer(writer));
  const journals = await Promise.all(paths.map(journalOf));
  const stopped = Number((await textOf(layout.stopped)) ?? now);
  return { writers: journals, reader, seenAlive, running, until: stopped };
}

/** The journal as long as it is now, however often it is read. */
async function journalOf(path: string): Promise<StepBatches> {
  try {
    const { size } = await stat(path);
    return { [Symbol.asyncIterator]: () => readJournal(path, size) };
  } catch (error) {
    throw new RollgateError(
      'PROBE_FAILED',
      isAbsent(error)
        ? `the journal ${path} is not there`
        : `the journal ${path} cannot be read: ${messageOf(error)}`,
      'The writes of this run cannot be accounted for without it.',
      { cause: error },
    );
  }
}
