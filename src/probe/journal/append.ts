import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { RollgateError } from '../../contracts/index.js';
import {
  formatLine,
  holdsTornIntent,
  parseLine,
  type AttemptKind,
  type JournalEntry,
  type Saw,
} from './line.js';

/** The journal of one client of the probe. */
export interface Journal {
  /** Enter the next attempt; it is in the file when this returns. @returns its number, from 1 */
  intent(at: number): number;
  /** @param saw of an acknowledged read of a register */
  outcome(kind: Exclude<AttemptKind, 'intent'>, seq: number, at: number, saw?: Saw): void;
  end(at: number): void;
  close(): void;
}

/**
 * Open a journal to go on with it: numbers continue after the last one, whatever became of it.
 *
 * Each line is handed to the operating system before this process goes on, so that it survives the death of the
 * process by any signal. It is not flushed to the disk (a flush costs a hundred times as much, and on the disk of a
 * node it would slow down the commits that are measured): when the host itself dies, the last seconds may be missing.
 * The ledger notices when the cluster holds keys that the journal does not.
 *
 * @throws PROBE_FAILED when the end of an existing journal cannot be understood
 */
export function openJournal(path: string, session: number, at: number): Journal {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
  const file = openSync(path, flags, 0o600);
  const end = endOf(path, file);
  let next = end.next;
  const append = (entry: JournalEntry, before = ''): void => {
    const text = before + formatLine(entry);
    const written = writeSync(file, text);
    // The rest would be refused for the same reason; what is cut off is recognised as such.
    if (written !== text.length) throw new Error(`only ${written} of ${text.length} bytes fit into ${path}`);
  };
  append({ kind: 'session', session, next, at }, end.torn ? '\n' : '');
  return {
    intent(time) {
      const seq = next++;
      append({ kind: 'intent', seq, at: time });
      return seq;
    },
    outcome: (kind, seq, time, saw) => append({ kind, seq, at: time, saw }),
    end: (time) => append({ kind: 'end', at: time }),
    close: () => closeSync(file),
  };
}

/** Many times the longest line, so that the last whole line is in it. */
const tailBytes = 4096;

function endOf(path: string, file: number): { next: number; torn: boolean } {
  const { size } = fstatSync(file);
  if (size === 0) return { next: 1, torn: false };
  const buffer = Buffer.alloc(Math.min(size, tailBytes));
  readSync(file, buffer, 0, buffer.length, size - buffer.length);
  const text = buffer.toString('latin1');
  const lines = text.split('\n');
  const torn: string[] = [];
  const unfinished = lines.pop() ?? '';
  if (unfinished !== '') torn.push(unfinished);
  for (const line of lines.reverse()) {
    const entry = parseLine(line);
    if (entry?.kind === 'end') continue;
    if (entry) {
      const next = entry.kind === 'session' ? entry.next : entry.seq + 1;
      return { next: next + (holdsTornIntent(torn) ? 1 : 0), torn: unfinished !== '' };
    }
    torn.push(line);
  }
  // Only the first lines of sessions were begun: nothing had been sent.
  if (size <= tailBytes && torn.every((line) => line.startsWith('s'))) {
    return { next: 1, torn: unfinished !== '' };
  }
  throw new RollgateError(
    'PROBE_FAILED',
    `the end of the journal ${path} cannot be understood`,
    'Keep the file for analysis; the writes of this run cannot be accounted for.',
  );
}
