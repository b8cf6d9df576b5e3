import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

/**
 * One line an event, `<event> <seq> <time>`: begin and end of a probe process (`b`, `e`), a write sent (`s`), and
 * its outcome: acknowledged (`a`), refused (`r`), unknown (`u`). Times are ms since 1970 with fractions.
 */
export type JournalEvent = 'b' | 'e' | 's' | 'a' | 'r' | 'u';

export interface JournalLine {
  readonly event: JournalEvent;
  readonly seq: number;
  readonly at: number;
}

export interface Journal {
  append(event: JournalEvent, seq: number): void;
  close(): void;
}

/**
 * Every line is handed to the operating system before the next operation begins: the journal survives the death
 * of the process at any point. It is not flushed to the disk each time, so it does not survive the host.
 */
export function openJournal(file: string, now: () => number): Journal {
  const descriptor = openSync(file, 'a');
  return {
    append: (event, seq) => writeSync(descriptor, `${event} ${seq} ${now().toFixed(2)}\n`),
    close: () => closeSync(descriptor),
  };
}

const line = /^([beasru]) (\d+) (\d+(?:\.\d+)?)$/;

/**
 * Read a journal. A last line without its end was cut off by the death of the process and is left out: what it
 * would have said is not known.
 *
 * @throws SyntaxError for any other line that is no event
 */
export function readJournal(file: string): JournalLine[] {
  const complete = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return complete.map((text, i) => {
    const match = line.exec(text);
    if (!match) throw new SyntaxError(`line ${i + 1} of ${file} is no event`);
    return { event: match[1] as JournalEvent, seq: Number(match[2]), at: Number(match[3]) };
  });
}

/** Cut off a last line that was not finished, so that the next process appends to whole lines. */
export function lastSequence(file: string): number {
  return readJournal(file).reduce((last, { seq }) => Math.max(last, seq), 0);
}
