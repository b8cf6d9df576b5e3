/** What a client of the probe did. Times are ms since 1970, with fractions, by the clock of the probe. */
export type JournalEntry =
  | { readonly kind: 'session'; readonly session: number; readonly next: number; readonly at: number }
  | { readonly kind: AttemptKind; readonly seq: number; readonly at: number }
  /** The client was told to stop, and its last attempt has ended. */
  | { readonly kind: 'end'; readonly at: number };

export type AttemptKind = 'intent' | 'acknowledged' | 'refused' | 'unknown';

const letters = { intent: 'i', acknowledged: 'a', refused: 'r', unknown: 'u' } as const;
const kinds: Readonly<Record<string, AttemptKind>> = {
  i: 'intent',
  a: 'acknowledged',
  r: 'refused',
  u: 'unknown',
};

/**
 * One line a step, e.g. `a 42 1763700000000.125;`. The `;` is what tells a whole line from one that was cut off in
 * the middle of a number.
 */
export function formatLine(entry: JournalEntry): string {
  const at = entry.at.toFixed(3);
  switch (entry.kind) {
    case 'session':
      return `s ${entry.session} ${entry.next} ${at};\n`;
    case 'end':
      return `e ${at};\n`;
    case 'intent':
    case 'acknowledged':
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
