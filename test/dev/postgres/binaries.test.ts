import { execFile } from 'node:child_process';
import { chmod, lstat, mkdir, mkdtemp, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { copyPostgres, preparePostgres, sampleVersions } from '../../../src/dev/postgres/binaries.js';
import { digestDirectory } from '../../../src/hosts/artifact-digest.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rollgate-binaries-'));
  await chmod(directory, 0o755);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true, force: true });
});

test.each(sampleVersions)(
  'PostgreSQL %s is prepared with the digest of what is there, and runs',
  async (version) => {
    const { directory: artifact, sha256 } = await preparePostgres(version);
    expect(await digestDirectory(artifact)).toBe(sha256);
    const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
    const { stdout } = await promisify(execFile)(join(artifact, 'bin', 'postgres'), ['--version'], nobody);
    expect(stdout).toBe(`postgres (PostgreSQL) ${version}\n`);
  },
);

test('links that no install script has made are made from the list of the package', async () => {
  const source = join(directory, 'package');
  await mkdir(join(source, 'native', 'lib'), { recursive: true });
  await writeFile(join(source, 'native', 'lib', 'libx.so.1.2'), 'library');
  const list = [
    { source: 'native/lib/libx.so.1.2', target: 'native/lib/libx.so' },
    { source: 'native/lib/libx.so.1.2', target: 'native/lib/libx.so.1' },
  ];
  await writeFile(join(source, 'native', 'pg-symlinks.json'), JSON.stringify(list));
  await copyPostgres(source, join(directory, 'to'));
  expect(await readlink(join(directory, 'to', 'lib', 'libx.so'))).toBe('libx.so.1.2');
  expect(await readlink(join(directory, 'to', 'lib', 'libx.so.1'))).toBe('libx.so.1.2');
});

test('a package whose list of links leads out of it is refused', async () => {
  const source = join(directory, 'package');
  await mkdir(join(source, 'native'), { recursive: true });
  const list = [{ source: 'native/x', target: '../../escaped' }];
  await writeFile(join(source, 'native', 'pg-symlinks.json'), JSON.stringify(list));
  await expect(copyPostgres(source, join(directory, 'to'))).rejects.toThrow('outside of the package');
});

test('two at once give one artifact; a damaged copy is made again', async () => {
  vi.stubEnv('TMPDIR', directory);
  const fresh = async () => {
    vi.resetModules();
    return import('../../../src/dev/postgres/binaries.js');
  };
  const [one, two] = await Promise.all([
    (await fresh()).preparePostgres('17.5'),
    (await fresh()).preparePostgres('17.5'),
  ]);
  expect(one).toEqual(two);
  expect(one.directory.startsWith(directory)).toBe(true);

  const damaged = join(one.directory, 'bin', 'initdb');
  await writeFile(damaged, 'no program');
  const again = await (await fresh()).preparePostgres('17.5');
  expect(again).toEqual(one);
  expect((await stat(damaged)).size).toBeGreaterThan(1000);
  expect((await lstat(damaged)).mode & 0o777).toBe(0o755);
});
