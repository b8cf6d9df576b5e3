import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openJournal } from '../../src/probe/journal/append.js';
import { formatLine, parseLine, type JournalEntry } from '../../src/probe/journal/line.js';
import { readJournal, type Step } from '../../src/probe/journal/read.js';

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rollgate-journal-'));
  path = join(directory, 'writer-0.journal');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function steps(size?: number): Promise<Step[]> {
  const read: Step[] = [];
  for await (const batch of readJournal(path, size ?? (await stat(path)).size)) read.push(...batch);
  return read;
}

const short = (read: Step[]): string[] => read.map((s) => `${s.session} ${s.kind} ${s.seq}`);

/** Two acknowledged writes and one whose answer did not come before the process died. */
function diedInThird(): void {
  const journal = openJournal(path, 1, 1000);
  for (const kind of ['acknowledged', 'refused'] as const) {
    journal.outcome(kind, journal.intent(1001), 1002);
  }
  journal.intent(1003);
  journal.close();
}
const beforeThird = ['1 intent 1', '1 acknowledged 1', '1 intent 2', '1 refused 2'];

test('a line is read as it was written, and never when its end is missing', () => {
  const entries: JournalEntry[] = [
    { kind: 'session', session: 3, next: 18, at: 1763700000000.125 },
    { kind: 'intent', seq: 1, at: 1763700000000.125 },
    { kind: 'acknowledged', seq: 1234567, at: 1763700000000.5 },
    { kind: 'acknowledged', seq: 42, at: 1763700000000.5, saw: '3:17' },
    { kind: 'acknowledged', seq: 42, at: 1763700000000.5, saw: '-' },
    { kind: 'refused', seq: 2, at: 1 },
    { kind: 'unknown', seq: 2, at: 1 },
    { kind: 'end', at: 1763700000000 },
  ];
  for (const entry of entries) {
    const line = formatLine(entry).trimEnd();
    expect(parseLine(line)).toEqual(entry);
    for (let cut = 0; cut < line.length; cut++) expect(parseLine(line.slice(0, cut))).toBeUndefined();
  }
});

describe('R-PROOF-2: every attempt is in the journal before its outcome is known', () => {
  test('an intent is in the file as soon as it has a number', async () => {
    const journal = openJournal(path, 1, 1000);
    expect(journal.intent(1001)).toBe(1);
    expect(short(await steps())).toEqual(['1 intent 1']);
    journal.close();
  });

  test('the next process goes on with the next number, also when the last write has no outcome', async () => {
    diedInThird();
    const journal = openJournal(path, 2, 2000);
    expect(journal.intent(2001)).toBe(4);
    journal.outcome('acknowledged', 4, 2002);
    journal.end(2003);
    journal.close();
    expect(short(await steps())).toEqual([
      ...beforeThird,
      '1 intent 3',
      '2 intent 4',
      '2 acknowledged 4',
      '2 end 0',
    ]);
  });

  test('a journal longer than what is read of its end goes on with the right number', () => {
    const first = openJournal(path, 1, 1000);
    for (let i = 0; i < 1000; i++) first.outcome('acknowledged', first.intent(1001), 1002);
    first.close();
    const second = openJournal(path, 2, 2000);
    expect(second.intent(2001)).toBe(1001);
    second.close();
  });
});

describe('R-PROOF-2: what a read of a register saw is kept with it', () => {
  /** Reads of three registers, the last of which the process did not live to write down. */
  function diedInRead(): void {
    const journal = openJournal(path, 1, 1000);
    journal.outcome('acknowledged', journal.intent(1001), 1002, '3:17');
    journal.outcome('acknowledged', journal.intent(1003), 1004, '-');
    journal.outcome('unknown', journal.intent(1005), 1006);
    journal.outcome('acknowledged', journal.intent(1007), 1008, '12:345');
    journal.close();
  }
  const saws = (read: Step[]) => read.filter((s) => s.kind === 'acknowledged').map((s) => s.saw);

  test('beside lines without it', async () => {
    diedInThird();
    const journal = openJournal(path, 2, 2000);
    journal.outcome('acknowledged', journal.intent(2001), 2002, '0:1');
    journal.close();
    expect(saws(await steps())).toEqual([undefined, '0:1']);
    expect(await readFile(path, 'utf8')).toContain('\na 4 2002.000 0:1;\n');
  });

  test('wherever it is cut off, nothing is seen that was not', async () => {
    diedInRead();
    const whole = await readFile(path, 'utf8');
    const lines = ['a 1 1002.000 3:17;', 'a 2 1004.000 -;', 'a 4 1008.000 12:345;'];
    for (let size = 0; size <= whole.length; size++) {
      await writeFile(path, whole.slice(0, size));
      const kept = (ending: string) =>
        ['3:17', '-', '12:345'].slice(
          0,
          lines.filter((line) => whole.slice(0, size).includes(`${line}${ending}`)).length,
        );
      expect(saws(await steps())).toEqual(kept('\n'));
      const journal = openJournal(path, 2, 2000);
      journal.outcome('acknowledged', journal.intent(2001), 2002, '0:9');
      journal.close();
      // Only the line end was missing, and the next session has set it.
      expect(saws(await steps())).toEqual([...kept(''), '0:9']);
      await rm(path);
    }
  });
});

describe('R-SAGA-1: a probe killed in the middle of a line', () => {
  test('wherever it is cut off: no acknowledgement is made up, no number is used twice, it can be read', async () => {
    diedInThird();
    const whole = await readFile(path, 'utf8');
    for (let size = 0; size <= whole.length; size++) {
      await writeFile(path, whole.slice(0, size));
      const alone = await steps();
      const acknowledged = alone.filter((s) => s.kind === 'acknowledged').length;
      expect(acknowledged).toBe(whole.slice(0, size).includes('a 1 1002.000;\n') ? 1 : 0);

      const journal = openJournal(path, 2, 2000);
      const seq = journal.intent(2001);
      journal.outcome('acknowledged', seq, 2002);
      journal.close();
      const after = await steps();
      const sent = after.filter((s) => s.kind === 'intent').map((s) => s.seq);
      expect(sent).toEqual(sent.map((_, i) => i + 1));
      expect(sent.at(-1)).toBe(seq);
      // An intent of which even one byte was written may have been sent.
      const begun = [...whole.slice(0, size).matchAll(/^i/gm)].length;
      expect(sent).toHaveLength(begun + 1);
      await rm(path);
    }
  });

  test('twice in a row, the second time in its first line', async () => {
    diedInThird();
    await truncate(path, (await stat(path)).size - 4);
    await appendFile(path, '\ns 2 4 20');
    const journal = openJournal(path, 3, 3000);
    expect(journal.intent(3001)).toBe(4);
    journal.close();
    expect(short(await steps())).toEqual([...beforeThird, '1 intent 3', '3 intent 4']);
  });

  test('a prefix of a journal that is being written is read as if the rest were not there', async () => {
    diedInThird();
    const { size } = await stat(path);
    await appendFile(path, 'a 3 1004.000;\n');
    expect(short(await steps(size))).toEqual([...beforeThird, '1 intent 3']);
  });
});

describe('R-PROOF-2: nothing is claimed from a journal that is not what the probe writes', () => {
  const s = 's 1 1 1000.000;\n';
  test.each([
    ['text of another kind', 'hello\n'],
    ['text of another kind at the end', `${s}i 1 1001.000;\nhello\n`],
    ['zeros, as a file system leaves them', `${s}\0\0\0\0\n`],
    ['a line cut off in the middle', `${s}i 1 10\na 1 1002.000;\n`],
    ['a whole line cut off at the end', `${s}i 1 10\n`],
    ['an outcome without an intent', `${s}a 1 1001.000;\n`],
    ['an outcome of another intent', `${s}i 1 1001.000;\na 2 1001.000;\n`],
    ['two outcomes', `${s}i 1 1001.000;\na 1 1001.000;\nr 1 1001.000;\n`],
    ['a missing number', `${s}i 1 1001.000;\na 1 1001.000;\ni 3 1001.000;\n`],
    ['a number used twice', `${s}i 1 1001.000;\na 1 1001.000;\ni 1 1001.000;\n`],
    ['two intents at once', `${s}i 1 1001.000;\ni 2 1001.000;\n`],
    ['no session', 'i 1 1001.000;\n'],
    ['a session that starts elsewhere', `${s}i 1 1001.000;\ns 2 9 1001.000;\n`],
    ['a session that was before', `${s}s 1 1 1001.000;\n`],
  ])('%s', async (_, text) => {
    await writeFile(path, text);
    await expect(steps()).rejects.toMatchObject({ code: 'PROBE_FAILED' });
  });

  test('a journal that has become shorter', async () => {
    diedInThird();
    const { size } = await stat(path);
    await truncate(path, 20);
    await expect(steps(size)).rejects.toMatchObject({ code: 'PROBE_FAILED' });
  });

  test('an end that cannot be understood is not written over', async () => {
    await writeFile(path, 'hello\n');
    expect(() => openJournal(path, 2, 2000)).toThrow(expect.objectContaining({ code: 'PROBE_FAILED' }));
    expect(await readFile(path, 'utf8')).toBe('hello\n');
  });
});
