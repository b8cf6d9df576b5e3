import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { serverFixture, type ServerFixture } from './server-fixture.js';

let f: ServerFixture;
beforeEach(async () => {
  f = await serverFixture();
  await writeFile(join(f.directory, 'outside'), 'not yours');
  await mkdir(join(f.directory, 'elsewhere'));
});
afterEach(() => f.dispose());

test('R-SAGA-1: a file is written whole and once, owned as the data is, and removed once', async () => {
  for (let i = 0; i < 2; i++) await f.host.writeFile(f.node, 'standby.signal', 'hello', f.ctx);
  expect((await f.host.readFile(f.node, 'standby.signal', f.ctx))?.toString()).toBe('hello');
  const [data, file] = [await stat(f.dataDir), await stat(join(f.dataDir, 'standby.signal'))];
  expect({ uid: file.uid, gid: file.gid, mode: file.mode & 0o777 }).toEqual({
    uid: data.uid,
    gid: data.gid,
    mode: 0o600,
  });
  expect(await readdir(f.dataDir)).toEqual(['standby.signal']);

  for (let i = 0; i < 2; i++) await f.host.removeFile(f.node, 'standby.signal', f.ctx);
  expect(await f.host.readFile(f.node, 'standby.signal', f.ctx)).toBeUndefined();
  expect(await f.actions()).toEqual(['write', 'remove']);
});

test('a data directory that a group may read keeps that for new files', async () => {
  await chmod(f.dataDir, 0o750);
  await f.host.writeFile(f.node, 'x', 'hello', f.ctx);
  expect((await stat(join(f.dataDir, 'x'))).mode & 0o777).toBe(0o640);
});

test('R-SPEC-3: the journal names the file, never its content', async () => {
  await f.host.writeFile(f.node, 'x', 'canary-77ab', f.ctx);
  const journal = join(f.directory, 'node', 'rollgate', 'journal.ndjson');
  expect(await readFile(journal, 'utf8')).not.toContain('canary-77ab');
});

const escapes: [string, string, (() => Promise<void>)?][] = [
  ['a parent', '../outside'],
  ['a parent in the middle', 'a/../../outside'],
  ['an absolute path', '/etc/hostname'],
  ['the directory itself', '.'],
  ['nothing', ''],
  ['a NUL', 'x\0y'],
  ['a link to a file', 'link', () => symlink('../../outside', join(f.dataDir, 'link'))],
  ['a link to a directory', 'dir/x', () => symlink('../../elsewhere', join(f.dataDir, 'dir'))],
];
test.each(escapes)('R-SAFE-2: %s does not lead out of the data directory', async (_what, path, prepare) => {
  await prepare?.();
  const refused = { code: 'HOST_PATH_REFUSED' };
  await expect(f.host.readFile(f.node, path, f.ctx)).rejects.toMatchObject(refused);
  await expect(f.host.writeFile(f.node, path, 'x', f.ctx)).rejects.toMatchObject(refused);
  await expect(f.host.removeFile(f.node, path, f.ctx)).rejects.toMatchObject(refused);
  expect(await readFile(join(f.directory, 'outside'), 'utf8')).toBe('not yours');
  expect(await readdir(join(f.directory, 'elsewhere'))).toEqual([]);
});

test('R-SAFE-2: a directory in place of a file is refused; a file in no directory is absent', async () => {
  await mkdir(join(f.dataDir, 'base'));
  await expect(f.host.readFile(f.node, 'base', f.ctx)).rejects.toMatchObject({ code: 'HOST_PATH_REFUSED' });
  expect(await f.host.readFile(f.node, 'none/such', f.ctx)).toBeUndefined();
});
