import { chmod, chown, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../../../src/dev/postgres/until.js';
import { isRoot, nobody, serverFixture, type ServerFixture } from './server-fixture.js';

let f: ServerFixture;
beforeEach(async () => {
  f = await serverFixture();
  await f.install();
});
afterEach(() => f.dispose());

const uid = () => nobody?.uid ?? process.getuid?.();
const elsewhere = () => ({ ...f.node, host: { ...f.node.host, dataDir: join(f.directory, 'other-data') } });
const aside = (suffix = 'standalone') => f.host.moveDataAside(f.node, suffix, f.launch(), f.ctx);
const actions = async () => (await f.actions()).slice(1);

test('R-PLAN-1: the facts of a data directory are its bytes and the room on its disk; nothing is changed', async () => {
  expect(await f.host.dataFacts(f.node, f.ctx)).toMatchObject({ path: f.dataDir, bytes: 0, empty: true });
  await mkdir(join(f.dataDir, 'member', 'wal'), { recursive: true });
  await writeFile(join(f.dataDir, 'member', 'wal', '0.wal'), Buffer.alloc(70_000));
  await writeFile(join(f.dataDir, 'note'), 'hello');
  await symlink('/', join(f.dataDir, 'link'));
  const facts = await f.host.dataFacts(f.node, f.ctx);
  expect(facts).toMatchObject({ path: f.dataDir, bytes: 70_005 + 1, empty: false });
  expect(facts?.freeBytes).toBeGreaterThan(0);
  expect(await actions()).toEqual([]);
});

test('R-PLAN-1: an absent data directory is absent; that of an absent node is not known', async () => {
  expect(await f.host.dataFacts(elsewhere(), f.ctx)).toBeUndefined();
  const node = { ...f.node, host: { kind: 'local', directory: join(f.directory, 'not-mounted') } };
  await expect(f.host.dataFacts(node, f.ctx)).rejects.toMatchObject({ code: 'HOST_UNKNOWN' });
  await expect(f.host.makeDataDirectory(node, f.ctx)).rejects.toMatchObject({ code: 'HOST_UNKNOWN' });
});

test('R-FORM-4: a data directory is made once, for the user of the node alone', async () => {
  for (let i = 0; i < 2; i++) await f.host.makeDataDirectory(elsewhere(), f.ctx);
  const made = await stat(join(f.directory, 'other-data'));
  expect({ uid: made.uid, mode: made.mode & 0o777 }).toEqual({ uid: uid(), mode: 0o700 });
  expect(await actions()).toEqual(['make-data']);
});

test('R-FORM-4: a data directory that was made and not yet given to its user is given to it', async () => {
  const path = join(f.directory, 'other-data');
  await mkdir(path, { mode: 0o700 });
  await f.host.makeDataDirectory(elsewhere(), f.ctx);
  expect((await stat(path)).uid).toBe(uid());
  expect(await actions()).toEqual(isRoot ? ['make-data'] : []);
});

test('R-FORM-4: a data directory that holds something is left as it is', async () => {
  const path = join(f.directory, 'other-data');
  await mkdir(path);
  await writeFile(join(path, 'x'), 'yours');
  await chmod(path, 0o755);
  const facts = async () => {
    const { uid: owner, mode, ctimeMs } = await stat(path);
    return { owner, mode, ctimeMs };
  };
  const before = await facts();
  await f.host.makeDataDirectory(elsewhere(), f.ctx);
  expect(await facts()).toEqual(before);
  expect(await actions()).toEqual([]);
});

test('R-SAGA-1: data is moved aside once and kept whole', async () => {
  await writeFile(join(f.dataDir, 'x'), 'kept');
  const kept = `${f.dataDir}.standalone`;
  for (let i = 0; i < 2; i++) expect(await aside()).toBe(kept);
  expect(await readFile(join(kept, 'x'), 'utf8')).toBe('kept');
  expect(await readdir(join(f.directory, 'node'))).not.toContain('data');
  expect(await actions()).toEqual(['move-data-aside']);
});

test('R-SAGA-1: where neither the data nor what was moved aside is, there is nothing to move', async () => {
  const node = elsewhere();
  const path = await f.host.moveDataAside(node, 'old', f.launch(), f.ctx);
  expect(path).toBe(join(f.directory, 'other-data.old'));
  expect(await actions()).toEqual([]);
});

test('R-FORM-1: data is not moved over something that is there already, nor under a running process', async () => {
  await mkdir(`${f.dataDir}.standalone`);
  await expect(aside()).rejects.toMatchObject({ code: 'HOST_PATH_REFUSED' });
  await f.host.start(f.node, f.launch(), f.ctx);
  await expect(aside('other')).rejects.toMatchObject({ code: 'HOST_UNKNOWN' });
  expect(await readdir(join(f.directory, 'node'))).toContain('data');
});

test.each(['', '../x', 'a/b', '.', 'rollgate-partial'])(
  'R-SAFE-2: %j does not end the name of data that is moved aside',
  async (suffix) => {
    await expect(aside(suffix)).rejects.toMatchObject({ code: 'HOST_PATH_REFUSED' });
    expect(await readdir(f.dataDir)).toEqual([]);
  },
);

test('R-SAGA-1: data is adopted once, when its place is free', async () => {
  const scratch = f.host.scratchNode(f.node, 'seed');
  await f.host.makeDataDirectory(scratch, f.ctx);
  const made = (await f.host.dataFacts(scratch, f.ctx))?.path ?? '';
  await writeFile(join(made, 'x'), 'seed');
  await expect(f.host.adoptData(scratch, f.node, f.ctx)).rejects.toMatchObject({ code: 'HOST_PATH_REFUSED' });
  await aside();
  for (let i = 0; i < 2; i++) await f.host.adoptData(scratch, f.node, f.ctx);
  expect(await readFile(join(f.dataDir, 'x'), 'utf8')).toBe('seed');
  expect((await stat(f.dataDir)).uid).toBe(uid());
  expect(await f.host.dataFacts(scratch, f.ctx)).toBeUndefined();
  expect(await actions()).toEqual(['move-data-aside', 'adopt-data']);
});

test('R-SAGA-1: where there is no data to adopt, that is no success', async () => {
  await aside();
  const scratch = f.host.scratchNode(f.node, 'seed');
  await expect(f.host.adoptData(scratch, f.node, f.ctx)).rejects.toMatchObject({ code: 'HOST_UNKNOWN' });
});

test('R-FORM-1: data under a running process is not given away', async () => {
  const scratch = f.host.scratchNode(f.node, 'seed');
  await f.host.makeDataDirectory(scratch, f.ctx);
  await f.host.install(scratch, '1.0', await f.artifact('1.0'), f.launch(), f.ctx);
  await f.host.start(scratch, f.launch(), f.ctx);
  try {
    await aside();
    await expect(f.host.adoptData(scratch, f.node, f.ctx)).rejects.toMatchObject({ code: 'HOST_UNKNOWN' });
  } finally {
    await f.host.stop(scratch, f.launch(), { timeoutMs: 5000, pollMs: 10 }, f.ctx);
  }
});

test('R-SAGA-1: an adoption by copying that was cut off after the copy was complete is finished', async () => {
  const scratch = f.host.scratchNode(f.node, 'seed');
  await f.host.makeDataDirectory(scratch, f.ctx);
  const made = (await f.host.dataFacts(scratch, f.ctx))?.path ?? '';
  await aside();
  await mkdir(`${f.dataDir}.rollgate-partial`);
  await writeFile(join(`${f.dataDir}.rollgate-partial`, 'x'), 'complete');
  await rename(made, `${made}.rollgate-adopted`);
  await f.host.adoptData(scratch, f.node, f.ctx);
  expect(await readFile(join(f.dataDir, 'x'), 'utf8')).toBe('complete');
  await until('nothing is left over', async () => {
    const left = [...(await readdir(join(made, '..'))), ...(await readdir(join(f.dataDir, '..')))];
    return !left.some((name) => name.includes('data.rollgate-'));
  });
});

test('R-SAFE-2: an owner is not given away by a link in place of the data directory', async () => {
  const target = join(f.directory, 'mine');
  await mkdir(target);
  if (isRoot) await chown(target, 0, 0);
  await symlink('mine', join(f.directory, 'other-data'));
  const before = (await stat(target)).uid;
  const making = f.host.makeDataDirectory(elsewhere(), f.ctx);
  if (isRoot) await expect(making).rejects.toMatchObject({ code: 'HOST_UNKNOWN' });
  else await making;
  expect((await stat(target)).uid).toBe(before);
});
