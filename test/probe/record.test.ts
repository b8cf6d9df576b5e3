import type * as FileSystem from 'node:fs/promises';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { writeConfig } from '../../src/probe/config.js';
import { openJournal, type Journal } from '../../src/probe/journal/append.js';
import { probeLayout } from '../../src/probe/layout.js';
import { historyOf } from '../../src/probe/linearizability/history.js';
import { openBeat } from '../../src/probe/process/beat.js';
import { readRecord } from '../../src/probe/record.js';
import { cluster, runId } from './simulated-probe.js';

/** Called when the length of a journal has been looked at, with the name of the file. */
let looked: (journal: string) => void = () => undefined;
vi.mock('node:fs/promises', async (original) => {
  const actual = await original<typeof FileSystem>();
  return {
    ...actual,
    stat: async (path: string) => {
      const facts = await actual.stat(path);
      looked(basename(path));
      return facts;
    },
  };
});

let directory: string;
afterEach(() => rm(directory, { recursive: true, force: true }));

test('R-PROOF-1: in the record of a probe that goes on, what was read is never ahead of what was written', async () => {
  directory = await mkdtemp(join(tmpdir(), 'rollgate-record-'));
  const layout = probeLayout(directory, runId);
  await mkdir(layout.sessions, { recursive: true });
  await writeConfig(layout, { cluster, runId, writers: 2, interval: 1, timeout: 1 });
  const claim = { session: 1, pid: process.pid, token: 'of none', host: hostname(), timeout: 1 };
  await writeFile(join(layout.sessions, '1.json'), JSON.stringify(claim));
  const beat = openBeat(layout, 1);
  beat.write('works', 1000);
  beat.close();
  const [writer, other, reader] = [layout.writer(0), layout.writer(1), layout.reader].map((path) =>
    openJournal(path, 1, 1000),
  ) as [Journal, Journal, Journal];
  // Each time that a length is looked at, one more write is acknowledged and read.
  const names: string[] = [];
  looked = (name) => {
    names.push(name);
    const seq = writer.intent(1001);
    writer.outcome('acknowledged', seq, 1002);
    reader.outcome('acknowledged', reader.intent(1003), 1004, `0:${seq}`);
  };
  looked('before');

  const record = await readRecord(layout, 2000);
  const read: string[] = [];
  const written: string[] = [];
  for await (const { kind, value } of historyOf(record, 1, (step) => step.at).operations) {
    (kind === 'read' ? read : written).push(value);
  }
  expect(names).toHaveLength(4);
  expect(read).toEqual(['0:1']);
  expect(written).toContain('0:1');
  for (const value of read) expect(written).toContain(value);
  for (const journal of [writer, other, reader]) journal.close();
});
