import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { NodeSpec } from '../../../src/contracts/index.js';
import { until } from '../../../src/dev/postgres/until.js';
import { nobody, serverFixture, type ServerFixture } from './server-fixture.js';

let f: ServerFixture;
let copy: NodeSpec;
let target: string;
beforeEach(async () => {
  f = await serverFixture();
  await f.install();
  copy = f.host.scratchNode(f.node, 'copy');
  target = join(f.directory, 'node', 'rollgate', 'scratch-copy', 'data');
  await mkdir(join(f.dataDir, 'member', 'wal'), { recursive: true });
  await writeFile(join(f.dataDir, 'member', 'wal', '0.wal'), 'log');
  await writeFile(join(f.dataDir, 'db'), 'content');
  if (nobody) await chown(join(f.dataDir, 'db'), nobody.uid, nobody.gid);
});
afterEach(() => f.dispose());

const copyData = (ctx = f.ctx) => f.host.copyData(f.node, copy, f.launch(), ctx);
const everything = async (path: string) => {
  const names = (await readdir(path, { recursive: true })).sort();
  const facts = await Promise.all(
    ['', ...names].map(async (name) => {
      const s = await lstat(join(path, name));
      const time = s.isSymbolicLink() ? 0 : s.mtimeMs;
      return { name, uid: s.uid, gid: s.gid, mode: s.mode, size: s.isDirectory() ? 0 : s.size, time };
    }),
  );
  return facts;
};
const leftOvers = async () =>
  (await readdir(dirname(target))).filter((name) => name.includes('partial') || name.includes('replaced'));

test('R-FORM-1: a copy has the content, owners, permissions and times of the original, which is untouched', async () => {
  await chmod(join(f.dataDir, 'member'), 0o500);
  await chmod(join(f.dataDir, 'db'), 0o640);
  await symlink('member/wal', join(f.dataDir, 'wal'));
  // Whole seconds: a time of modification is kept to about a microsecond.
  for (const [i, name] of ['', 'member', 'member/wal', 'member/wal/0.wal', 'db'].entries()) {
    await utimes(join(f.dataDir, name), 1_000_000 + i, 1_000_000 + i);
  }
  const original = await everything(f.dataDir);
  const beats: unknown[] = [];
  await copyData({ ...f.ctx, heartbeat: (details) => beats.push(details) });
  expect(await everything(target)).toEqual(original);
  expect(await everything(f.dataDir)).toEqual(original);
  expect(await readFile(join(target, 'wal', '0.wal'), 'utf8')).toBe('log');
  expect(beats).toContainEqual(expect.objectContaining({ copying: f.dataDir }));
  expect(await leftOvers()).toEqual([]);
  await chmod(join(f.dataDir, 'member'), 0o700);
  await chmod(join(target, 'member'), 0o700);
});

test('R-FORM-3: what an earlier copying left is replaced as a whole, and so is a complete copy', async () => {
  await copyData();
  await writeFile(join(target, 'of-the-first-copy'), 'x');
  await mkdir(`${target}.rollgate-partial`);
  await writeFile(join(`${target}.rollgate-partial`, 'of-a-copy-cut-off'), 'x');
  await mkdir(`${target}.rollgate-replaced`);
  await copyData();
  expect((await readdir(target)).sort()).toEqual(['db', 'member']);
  expect(await leftOvers()).toEqual([]);
});

test('R-FORM-3: a crash between the two renames leaves no copy, and the next one is whole', async () => {
  await copyData();
  await rename(target, `${target}.rollgate-replaced`);
  expect(await f.host.dataFacts(copy, f.ctx)).toBeUndefined();
  await copyData();
  expect((await readdir(target)).sort()).toEqual(['db', 'member']);
  expect(await leftOvers()).toEqual([]);
});

test('R-SAGA-3: a copying that is cancelled leaves no copy and nothing half-made', async () => {
  const cancel = new AbortController();
  const seen: boolean[] = [];
  const heartbeat = () => {
    seen.push(existsSync(`${target}.rollgate-partial`));
    cancel.abort(new Error('cancelled by the operator'));
  };
  await expect(copyData({ ...f.ctx, signal: cancel.signal, heartbeat })).rejects.toThrow(
    'cancelled by the operator',
  );
  expect(seen).toContain(true);
  expect(existsSync(target)).toBe(false);
  expect(await leftOvers()).toEqual([]);
});

test('R-FORM-1: data that changes while it is copied makes no copy', async () => {
  let changed = false;
  const heartbeat = () => {
    if (!changed) writeFileSync(join(f.dataDir, 'member', 'new'), 'x');
    changed = true;
  };
  const copying = copyData({ ...f.ctx, heartbeat });
  await expect(copying).rejects.toMatchObject({ code: 'HOST_UNKNOWN' });
  await expect(copying).rejects.toThrow('was changed while it was copied');
  expect(existsSync(target)).toBe(false);
  expect(await leftOvers()).toEqual([]);
});

test('R-FORM-1: the data of a running node is not copied, nor is that of one that may run', async () => {
  await f.host.start(f.node, f.launch(), f.ctx);
  await expect(copyData()).rejects.toMatchObject({ code: 'HOST_UNKNOWN' });
  await f.host.stop(f.node, f.launch(), { timeoutMs: 5000, pollMs: 10 }, f.ctx);
  await writeFile(join(f.dataDir, 'server.pid'), 'not a pid');
  await expect(copyData()).rejects.toMatchObject({ code: 'HOST_UNKNOWN' });
  expect(existsSync(target)).toBe(false);
});

test('R-FORM-1: a copy is not replaced under a process that runs on it', async () => {
  await copyData();
  await f.host.install(copy, '1.0', await f.artifact('1.0'), f.launch(), f.ctx);
  await f.host.start(copy, f.launch(), f.ctx);
  try {
    await until('it writes', () => Promise.resolve(existsSync(join(target, 'server.pid'))));
    await expect(copyData()).rejects.toMatchObject({ code: 'HOST_UNKNOWN' });
    await expect(f.host.removeScratch(copy, f.ctx)).rejects.toMatchObject({ code: 'HOST_UNKNOWN' });
    expect(existsSync(join(target, 'db'))).toBe(true);
  } finally {
    await f.host.stop(copy, f.launch(), { timeoutMs: 5000, pollMs: 10 }, f.ctx);
  }
  expect(existsSync(join(f.dataDir, 'server.pid'))).toBe(false);
});

test('R-SAFE-4: only copies of ours are replaced, never the data of another node', async () => {
  const place = join(f.directory, 'other');
  await mkdir(join(place, 'data'), { recursive: true });
  const other = { ...f.node, id: 'n-2', host: { ...f.node.host, directory: place } };
  const copying = () => f.host.copyData(f.node, other, f.launch(), f.ctx);
  await expect(copying()).rejects.toMatchObject({ code: 'HOST_PATH_REFUSED' });
  await f.host.moveDataAside(other, 'before', f.launch(), f.ctx);
  await copying();
  expect(await readFile(join(place, 'data', 'db'), 'utf8')).toBe('content');
});

test.each([
  ['out', '../outside'],
  ['by an absolute path', '/etc'],
  ['out and in again by name', '../data/member'],
  ['nowhere', 'none'],
])('R-FORM-1: a link that leads %s cannot be the same in the copy: refused', async (_how, to) => {
  await mkdir(join(f.directory, 'node', 'outside'));
  await symlink(to, join(f.dataDir, 'link'));
  await expect(copyData()).rejects.toMatchObject({ code: 'HOST_PATH_REFUSED' });
  expect(existsSync(target)).toBe(false);
  expect(await leftOvers()).toEqual([]);
});

test('R-FORM-1: a data directory that holds the scratch directory cannot be copied there', async () => {
  const node = { ...f.node, host: { ...f.node.host, dataDir: join(f.directory, 'node') } };
  const copying = f.host.copyData(node, copy, f.launch(), f.ctx);
  await expect(copying).rejects.toMatchObject({ code: 'HOST_PATH_REFUSED' });
  expect((await stat(dirname(target))).isDirectory()).toBe(true);
  expect(existsSync(target)).toBe(false);
});
