/** What a client of the probe did. Times are ms since 1970, with fractions, by the clock of the probe. */
export type JournalEntry =
  | { readonly kind: 'session'; readonly session: number; readonly next: number; readonly at: number }
  | {
      readonly kind: AttemptKind;
      readonly seq: number;
      readonly at: number;
      /** Of an acknowledged read of a register. */
      readonly saw?: Saw;
    }
  /** The client was told to stop, and its last attempt has ended. */
  | { readonly kind: 'end'; readonly at: number };

export type AttemptKind = 'intent' | 'acknowledged' | 'refused' | 'unknown';

/**
 * The write that a read saw, as `writer:seq`, or `-`: none of this run. Not written down of a write, nor of a system
 * without registers.
 */
export type Saw = `${number}:${number}` | '-';

const letters = { intent: 'i', acknowledged: 'a', refused: 'r', unknown: 'u' } as const;
const kinds: Readonly<Record<string, AttemptKind>> = {
  i: 'intent',
  a: 'acknowledged',
  r: 'refused',
  u: 'unknown',
};

/**
 * One line a step, e.g. `a 42 1763700000000.125;`, and of a read of a register with what it saw:
 * `a 42 1763700000000.125 3:17;`. The `;` is what tells a whole line from one that was cut off in the middle of a
 * number.
 */
export function formatLine(entry: JournalEntry): string {
  const at = entry.at.toFixed(3);
  switch (entry.kind) {
    case 'session':
      return `s ${entry.session} ${entry.next} ${at};\n`;
    case 'end':
      return `e ${at};\n`;
    case 'acknowledged':
      return `a ${entry.seq} ${at}${entry.saw === undefined ? '' : ` ${entry.saw}`};\n`;
    case 'intent':
    case 'refused':
    case 'unknown':
      return `${letters[entry.kind]} ${entry.seq} ${at};\n`;
  }
}

/** @returns `undefined` for a line that is not whole */
export function parseLine(line: string): JournalEntry | undefined {
  const attempt = /^([iaru]) (\d+) (\d+\.\d{3});$/.exec(line);
  const kind = kinds[attempt?.[1] ?? ''];
  if (attempt && kind) return { kind, seq: Number(attempt[2]), at: Number(attempt[3]) };
  const seen = /^a (\d+) (\d+\.\d{3}) (-|(\d+):(\d+));$/.exec(line);
  if (seen) {
    const saw = seen[3] === '-' ? '-' : (`${Number(seen[4])}:${Number(seen[5])}` as const);
    return { kind: 'acknowledged', seq: Number(seen[1]), at: Number(seen[2]), saw };
  }
  const session = /^s (\d+) (\d+) (\d+\.\d{3});$/.exec(line);
  if (session) {
    return {
      kind: 'session',
      session: Number(session[1]),
      next: Number(session[2]),
      at: Number(session[3]),
    };
  }
  const end = /^e (\d+\.\d{3});$/.exec(line);
  return end ? { kind: 'end', at: Number(end[1]) } : undefined;
}

/**
 * Whether lines that were cut off hold an intent. Its number is then the one after the last whole intent; that
 * the write was sent cannot be ruled out.
 */
export const holdsTornIntent = (torn: readonly string[]): boolean => torn.some((l) => l.startsWith('i'));
