import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NodeSpec } from '../../../src/contracts/index.js';
import { LocalHostSettings } from '../../../src/hosts/local/settings.js';
import { nobody, runAs, serverFixture, type ServerFixture } from './server-fixture.js';

let f: ServerFixture;
let record: string;
beforeEach(async () => {
  f = await serverFixture();
  record = join(f.directory, 'node', 'rollgate');
});
afterEach(() => f.dispose());

const scratch = (name = 'seed') => f.host.scratchNode(f.node, name);
const remove = (node: NodeSpec) => f.host.removeScratch(node, f.ctx);
const refused = { code: 'HOST_PATH_REFUSED' };

test('R-FORM-1: a scratch node has a directory of its own below the record of the node, and its host and user', () => {
  const node = { ...f.node, host: { ...f.node.host, dataDir: join(f.directory, 'elsewhere') } };
  const made = f.host.scratchNode(node, 'seed');
  expect(made).toEqual({
    ...f.node,
    id: 'n-1-seed',
    host: { ...f.node.host, directory: join(record, 'scratch-seed') },
  });
  expect(LocalHostSettings.parse(made.host).runAs).toBe(runAs);
  expect(NodeSpec.parse(made)).toEqual(made);
  expect(existsSync(record)).toBe(false);
});

test('the id of a scratch node stays a valid id, and differs for nodes of long ids', () => {
  const ids = ['x', 'y'].map(
    (last) => f.host.scratchNode({ ...f.node, id: `${'a.'.repeat(31)}${last}` }, 'seed').id,
  );
  expect(new Set(ids).size).toBe(2);
  for (const id of ids) expect(NodeSpec.shape.id.parse(id)).toMatch(/-seed$/);
});

test.each(['', '..', '../x', 'a/b', 'A', 'a b', '-a', 'a'.repeat(40)])(
  'R-SAFE-2: %j names no scratch directory',
  (name) => {
    expect(() => scratch(name)).toThrow(expect.objectContaining(refused));
  },
);

test('R-FORM-1: a scratch node is stopped before its directory is made, and used like any other after', async () => {
  const node = scratch();
  expect(await f.host.status(node, f.launch(), f.ctx)).toMatchObject({ kind: 'stopped' });
  await f.host.stop(node, f.launch(), { timeoutMs: 1000, pollMs: 10 }, f.ctx);
  expect(await f.host.readMode(node, f.ctx)).toBeUndefined();
  expect(existsSync(record)).toBe(false);

  await f.host.install(node, '1.0', await f.artifact('1.0'), f.launch(), f.ctx);
  await f.host.makeDataDirectory(node, f.ctx);
  await f.host.start(node, f.launch(), f.ctx);
  expect(await f.host.status(node, f.launch(), f.ctx)).toMatchObject({ kind: 'running' });
  expect(await f.host.status(f.node, f.launch(), f.ctx)).toMatchObject({ kind: 'stopped' });
  await f.host.stop(node, f.launch(), { timeoutMs: 5000, pollMs: 10 }, f.ctx);
  for (let i = 0; i < 2; i++) await remove(node);
  expect(await readdir(record)).toEqual(['journal.ndjson']);
  expect(await f.actions()).toEqual(['remove-scratch']);
});

test("R-SAFE-2: the node's user can make files in the scratch directory, and not replace ours", async () => {
  const node = scratch();
  await f.host.makeDataDirectory(node, f.ctx);
  const directory = join(record, 'scratch-seed');
  const asUser = (script: string) =>
    execFileSync('sh', ['-c', script], { cwd: directory, stdio: 'pipe', ...nobody });
  asUser('echo x > made');
  if (nobody) {
    expect(() => asUser('mv rollgate elsewhere')).toThrow(/not permitted/);
    expect((await stat(join(directory, 'made'))).uid).toBe(nobody.uid);
  }
  await remove(node);
  expect(existsSync(directory)).toBe(false);
});

test('R-SAGA-1: a removal that was cut off is finished', async () => {
  await f.host.makeDataDirectory(scratch(), f.ctx);
  await rename(join(record, 'scratch-seed'), join(record, '.removing-scratch-seed'));
  await remove(scratch());
  expect(await readdir(record)).toEqual(['journal.ndjson']);

  await f.host.makeDataDirectory(scratch(), f.ctx);
  await mkdir(join(record, '.removing-scratch-seed', 'data'), { recursive: true });
  await remove(scratch());
  expect(await readdir(record)).toEqual(['journal.ndjson']);
});

test('R-SAFE-2: only scratch directories are removed', async () => {
  await writeFile(join(f.dataDir, 'x'), 'yours');
  const named = (directory: string, more = {}) => ({
    ...f.node,
    host: { kind: 'local', directory, ...more },
  });
  await mkdir(join(f.directory, 'node', 'scratch-seed'));
  await mkdir(join(record, 'other'), { recursive: true });
  await mkdir(join(record, 'scratch-seed'), { recursive: true });
  for (const node of [
    f.node,
    named(join(f.directory, 'node', 'scratch-seed')),
    named(join(record, 'other')),
    named(record),
    named(join(record, 'scratch-..')),
    named(join(record, 'scratch-seed', '..', '..')),
    named(join(record, 'scratch-seed'), { dataDir: f.dataDir }),
  ]) {
    await expect(remove(node)).rejects.toMatchObject(refused);
  }
  expect(await readdir(f.dataDir)).toEqual(['x']);
  expect((await readdir(record)).sort()).toEqual(['other', 'scratch-seed']);
});

test.each(['the scratch directory', 'the record'])(
  'R-SAFE-2: %s as a link that leads out is neither filled nor removed',
  async (which) => {
    const outside = join(f.directory, 'outside');
    await mkdir(join(outside, 'scratch-seed'), { recursive: true });
    await writeFile(join(outside, 'scratch-seed', 'x'), 'not yours');
    if (which === 'the record') await symlink(outside, record);
    else {
      await mkdir(record);
      await symlink(join(outside, 'scratch-seed'), join(record, 'scratch-seed'));
    }
    await expect(remove(scratch())).rejects.toMatchObject(refused);
    await expect(f.host.makeDataDirectory(scratch(), f.ctx)).rejects.toMatchObject(refused);
    expect(await readdir(join(outside, 'scratch-seed'))).toEqual(['x']);
  },
);

test('R-SAFE-2: links inside a scratch directory are removed, not what they lead to', async () => {
  await f.host.makeDataDirectory(scratch(), f.ctx);
  await writeFile(join(f.dataDir, 'x'), 'yours');
  await symlink(f.dataDir, join(record, 'scratch-seed', 'data', 'link'));
  await remove(scratch());
  expect(await readdir(f.dataDir)).toEqual(['x']);
});

test('R-SAGA-1: the scratch directory of a node that is not there is not made', async () => {
  const node = { ...f.node, host: { kind: 'local', directory: join(f.directory, 'not-mounted') } };
  const making = f.host.makeDataDirectory(f.host.scratchNode(node, 'seed'), f.ctx);
  await expect(making).rejects.toMatchObject({ code: 'HOST_UNKNOWN' });
  expect(existsSync(dirname(join(f.directory, 'not-mounted', 'x')))).toBe(false);
});
