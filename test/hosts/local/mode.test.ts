import { writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ModeRecord } from '../../../src/contracts/index.js';
import { until } from '../../../src/dev/postgres/until.js';
import { createLocalHost } from '../../../src/hosts/local/host.js';
import { serverFixture, type ServerFixture } from './server-fixture.js';

let f: ServerFixture;
beforeEach(async () => {
  f = await serverFixture();
  await f.install();
});
afterEach(() => f.dispose());

const status = () => f.host.status(f.node, f.launch(), f.ctx);
const start = () => f.host.start(f.node, f.launch(), f.ctx);
const stop = () => f.host.stop(f.node, f.launch(), { timeoutMs: 5000, pollMs: 10 }, f.ctx);
const write = (record: ModeRecord | undefined) => f.host.writeMode(f.node, record, f.ctx);
const file = () => `${f.dataDir}.rollgate-mode.json`;
const preparing: ModeRecord = {
  mode: 'preparing',
  checkpoint: 'snapshot-saved',
  runId: 'run-7',
  at: '2024-01-02T03:04:05.000Z',
  resumeHint: 'rollgate form init -f cluster.yaml',
};

test('R-FORM-2: a mode lies beside the data, is written once and removed once', async () => {
  expect(await f.host.readMode(f.node, f.ctx)).toBeUndefined();
  for (const at of [preparing.at, '2024-01-02T09:00:00.000Z']) await write({ ...preparing, at });
  expect(await f.host.readMode(f.node, f.ctx)).toEqual(preparing);
  expect(JSON.parse(await readFile(file(), 'utf8'))).toEqual(preparing);
  expect(await readdir(f.dataDir)).toEqual([]);

  await write({ ...preparing, mode: 'seeded', checkpoint: 'seeded-finalized' });
  for (let i = 0; i < 2; i++) await write(undefined);
  expect(await f.host.readMode(f.node, f.ctx)).toBeUndefined();
  expect((await f.journal()).slice(1)).toMatchObject([
    { action: 'mode', detail: { mode: 'preparing', checkpoint: 'snapshot-saved' } },
    { action: 'mode', detail: { mode: 'seeded', checkpoint: 'seeded-finalized' } },
    { action: 'mode', detail: { mode: 'standalone', checkpoint: null } },
  ]);
});

test('R-FORM-2: a data directory whose path ends in a slash has its mode beside it all the same', async () => {
  const node = { ...f.node, host: { ...f.node.host, dataDir: `${f.dataDir}/` } };
  await write(preparing);
  expect(await f.host.readMode(node, f.ctx)).toEqual(preparing);
});

test('R-FORM-2: what a crash left half-written beside the mode file does not count, and is replaced', async () => {
  const temporary = join(f.directory, 'node', '.data.rollgate-mode.json.rollgate-tmp');
  await write(preparing);
  await writeFile(temporary, '{ "mode": "clus');
  expect(await f.host.readMode(f.node, f.ctx)).toEqual(preparing);
  const cluster: ModeRecord = { ...preparing, mode: 'cluster', checkpoint: 'served' };
  await write(cluster);
  expect(await f.host.readMode(f.node, f.ctx)).toEqual(cluster);
  expect(await readdir(join(f.directory, 'node'))).not.toContain('.data.rollgate-mode.json.rollgate-tmp');
});

test('R-FORM-2: a directory in preparation is not started; the error says what goes on from there', async () => {
  await write(preparing);
  await expect(start()).rejects.toMatchObject({ code: 'HOST_PREPARING', remedy: preparing.resumeHint });
  await expect(start()).rejects.toThrow(/in mode preparing.*run-7.*snapshot-saved/);
  expect(await status()).toMatchObject({ kind: 'stopped' });
  expect(await f.actions()).toEqual(['install', 'mode']);
});

test.each(['seeded', 'cluster'] as const)('R-FORM-2: a directory in mode %s is started', async (mode) => {
  await write({ ...preparing, mode });
  await start();
  expect(await status()).toMatchObject({ kind: 'running' });
});

const strange: [string, () => Promise<void>][] = [
  ['empty', () => writeFile(file(), '')],
  ['cut off', () => writeFile(file(), JSON.stringify(preparing).slice(0, 40))],
  ['of a mode that is not known', () => writeFile(file(), JSON.stringify({ ...preparing, mode: 'x' }))],
  ['with a key that is not known', () => writeFile(file(), JSON.stringify({ ...preparing, more: 1 }))],
  ['without a checkpoint', () => writeFile(file(), JSON.stringify({ ...preparing, checkpoint: undefined }))],
  ['a directory', () => mkdir(file())],
  ['a link', () => symlink('elsewhere', file())],
];
test.each(strange)(
  'R-FORM-2: a mode file that is %s is no standalone: nothing is started',
  async (_what, make) => {
    await make();
    const named = { code: 'FORMAT_UNKNOWN', message: expect.stringContaining(file()) as unknown };
    await expect(f.host.readMode(f.node, f.ctx)).rejects.toMatchObject(named);
    await expect(start()).rejects.toMatchObject(named);
    await expect(write(undefined)).rejects.toMatchObject(named);
    await expect(write(preparing)).rejects.toMatchObject(named);
    expect(await status()).toMatchObject({ kind: 'stopped' });
    expect(await f.actions()).toEqual(['install']);
  },
);

test('R-FORM-2: where the data cannot lie, the absence of a mode file is not known to be a standalone', async () => {
  const node = { ...f.node, host: { ...f.node.host, dataDir: join(f.directory, 'not-mounted', 'data') } };
  await expect(f.host.readMode(node, f.ctx)).rejects.toMatchObject({ code: 'HOST_UNKNOWN' });
});

test('R-FORM-2: a mode set while a start is under way ends in a stopped node, at whatever moment it comes', async () => {
  let refused = 0;
  for (let delay = 0; delay < 24; delay += 2) {
    const starting = start().then(
      () => 'started',
      (error: unknown) => error,
    );
    await sleep(delay);
    await write(preparing);
    const seen = await status();
    const result = await starting;
    if (result === 'started') {
      // Started before the mode was looked at for the last time: then whoever has set it sees the process.
      expect(seen.kind).toBe('running');
      await stop();
    } else {
      refused++;
      expect(result).toMatchObject({ code: 'HOST_PREPARING' });
      await until('it is withdrawn', async () => (await status()).kind === 'stopped');
    }
    await sleep(50);
    expect((await status()).kind).toBe('stopped');
    await write(undefined);
  }
  expect(refused).toBeGreaterThan(0);
});

test('R-FORM-2: a mode found after the launch ends the process that was launched', async () => {
  // By a clock that the journal of the start asks: the process lives then, and has not been looked at again.
  let launched = false;
  const host = createLocalHost({
    now: () => {
      launched = true;
      writeFileSync(file(), JSON.stringify(preparing));
      return new Date();
    },
  });
  await expect(host.start(f.node, f.launch(), f.ctx)).rejects.toMatchObject({ code: 'HOST_PREPARING' });
  expect(launched).toBe(true);
  await until('it is withdrawn', async () => (await status()).kind === 'stopped');
  await rm(file());
  expect(await f.actions()).toEqual(['install', 'start']);
});
