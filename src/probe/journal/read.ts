import { open } from 'node:fs/promises';
import { RollgateError } from '../../contracts/index.js';
import { holdsTornIntent, parseLine, type AttemptKind, type Saw } from './line.js';

/** One step of one client, in the session of the probe in which it happened. */
export interface Step {
  readonly kind: AttemptKind | 'end';
  readonly session: number;
  /** 0 for `end`. */
  readonly seq: number;
  readonly at: number;
  /** Of an acknowledged read of a register. */
  readonly saw?: Saw;
}

const couldBeCutOff = /^[siarue][ 0-9.:-]*;?$/;

const chunkBytes = 256 * 1024;

/**
 * Read a journal from its start up to `size` bytes, some thousands of steps at a time. A line cut off by the death of
 * the probe is an intent without an outcome, or the missing outcome of an intent.
 * @throws PROBE_FAILED for anything else that is not a journal written by {@link openJournal}
 */
export async function* readJournal(path: string, size: number): AsyncGenerator<readonly Step[]> {
  const file = await open(path, 'r');
  try {
    const check = checkedSteps(path);
    const buffer = Buffer.alloc(chunkBytes);
    let rest = '';
    let position = 0;
    while (position < size) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(chunkBytes, size - position), position);
      if (bytesRead === 0) throw unreadable(path, `it ends at ${position} bytes and was ${size} bytes long`);
      position += bytesRead;
      const lines = (rest + buffer.toString('latin1', 0, bytesRead)).split('\n');
      rest = lines.pop() ?? '';
      yield lines.flatMap(check.line);
    }
    yield check.ending(rest);
  } finally {
    await file.close();
  }
}

/** Holds every line to the only order in which a client can have written it. */
function checkedSteps(path: string) {
  let session = 0;
  let seq = 0;
  let pending = false;
  let at = 0;
  let torn: string[] = [];
  let number = 0;
  const refuse = (seen: string): RollgateError => unreadable(path, `line ${number} is ${seen}`);

  const afterTornLines = (): Step[] => {
    const lines = torn;
    torn = [];
    if (!holdsTornIntent(lines)) return [];
    if (pending) throw refuse('an intent while another one is open');
    return [{ kind: 'intent', session, seq: ++seq, at }];
  };

  const line = (text: string): Step[] => {
    number += 1;
    const entry = parseLine(text);
    if (!entry) {
      if (!couldBeCutOff.test(text)) throw refuse('none of the journal');
      torn.push(text);
      return [];
    }
    if (entry.kind === 'session') {
      const steps = afterTornLines();
      if (entry.session <= session) throw refuse(`of session ${entry.session} after session ${session}`);
      if (entry.next !== seq + 1) throw refuse(`a start at ${entry.next} after number ${seq}`);
      ({ session, at } = entry);
      pending = false;
      return steps;
    }
    if (torn.length > 0) throw refuse('after one that is not whole');
    if (session === 0) throw refuse('before the start of any session');
    at = entry.at;
    if (entry.kind === 'end') return [{ kind: 'end', session, seq: 0, at }];
    if (entry.kind === 'intent') {
      if (pending || entry.seq !== seq + 1) throw refuse(`the intent ${entry.seq} after number ${seq}`);
      seq = entry.seq;
    } else if (!pending || entry.seq !== seq) {
      throw refuse(`an outcome of ${entry.seq} after number ${seq}`);
    }
    pending = entry.kind === 'intent';
    return [{ kind: entry.kind, session, seq, at, saw: entry.saw }];
  };

  const ending = (rest: string): Step[] => {
    // A line that is cut off gets its line end from the session after it, so there is none without a session.
    if (torn.length > 0 && !rest.startsWith('s')) throw refuse('not whole, and no session follows');
    if (rest !== '' && !couldBeCutOff.test(rest)) throw refuse('none of the journal');
    if (rest !== '') torn.push(rest);
    return afterTornLines();
  };
  return { line, ending };
}

const unreadable = (path: string, seen: string): RollgateError =>
  new RollgateError(
    'PROBE_FAILED',
    `the journal ${path} is not what the probe writes: ${seen}`,
    'Keep the file for analysis; the writes of this run cannot be accounted for.',
  );
