import { readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { serverFixture, type ServerFixture } from './server-fixture.js';

let f: ServerFixture;
let home: string;
beforeEach(async () => {
  f = await serverFixture();
  home = join(f.directory, 'node');
});
afterEach(() => f.dispose());

test('R-ROLL-5: install swaps the version, keeps the former one, and is done once', async () => {
  expect(await f.host.installed(f.node, f.ctx)).toBeUndefined();
  await f.install('1.0');
  await f.install('2.0');
  await f.install('2.0');
  expect(await f.host.installed(f.node, f.ctx)).toBe('2.0');
  expect(await readFile(join(home, 'current', 'bin', 'server'), 'utf8')).toContain('version 2.0');
  expect((await readdir(join(home, 'versions'))).sort()).toEqual(['1.0', '2.0']);
  expect(await f.journal()).toMatchObject([
    { runId: 'run-1', action: 'install', detail: { version: '1.0', former: null } },
    { runId: 'run-1', action: 'install', detail: { version: '2.0', former: '1.0' } },
  ]);
});

test('R-ROLL-5: the swap is atomic: a reader finds a whole version at every moment', async () => {
  await f.install('1.0');
  const seen = new Set<string>();
  const swaps = new AbortController();
  const reading = (async () => {
    while (!swaps.signal.aborted) {
      const text = await readFile(join(home, 'current', 'bin', 'server'), 'utf8');
      seen.add(/version (\S+)/.exec(text)?.[1] ?? 'none');
    }
  })();
  for (let i = 0; i < 20; i++) await f.install(i % 2 === 0 ? '2.0' : '1.0');
  swaps.abort();
  await reading;
  expect([...seen].sort()).toEqual(['1.0', '2.0']);
});

test('R-SAGA-1: a crash between the two links of an install leaves the former version, and a rerun goes on', async () => {
  await f.install('1.0');
  const next = await f.artifact('2.0');
  await symlink(next.path, join(home, 'versions', '2.0'));
  await symlink('versions/2.0', join(home, '.current.rollgate-tmp'));
  expect(await f.host.installed(f.node, f.ctx)).toBe('1.0');
  await f.install('2.0');
  expect(await f.host.installed(f.node, f.ctx)).toBe('2.0');
  expect((await readdir(home)).filter((name) => name.startsWith('.'))).toEqual([]);
});

test('R-SAFE-3: an artifact that differs from its digest is not installed', async () => {
  await f.install('1.0');
  const artifact = await f.artifact('2.0');
  await writeFile(join(artifact.path, 'bin', 'server'), 'something else');
  await expect(f.host.install(f.node, '2.0', artifact, f.launch(), f.ctx)).rejects.toMatchObject({
    code: 'ARTIFACT_MISMATCH',
  });
  expect(await f.host.verifyArtifact(f.node, '2.0', artifact, f.ctx)).toMatchObject({
    state: { kind: 'differs', expected: artifact.sha256 },
  });
  expect(await f.host.installed(f.node, f.ctx)).toBe('1.0');
  expect(await f.actions()).toEqual(['install']);
});

test('R-SAFE-3: an artifact that has changed since it was installed is not taken for done', async () => {
  const artifact = await f.artifact('1.0');
  await f.host.install(f.node, '1.0', artifact, f.launch(), f.ctx);
  await writeFile(join(artifact.path, 'bin', 'server'), 'something else');
  await expect(f.host.install(f.node, '1.0', artifact, f.launch(), f.ctx)).rejects.toMatchObject({
    code: 'ARTIFACT_MISMATCH',
  });
});

test('R-PLAN-2: absent, undeclared and matching artifacts are told apart', async () => {
  const artifact = await f.artifact('1.0');
  const stateOf = async (spec: typeof artifact | undefined) =>
    (await f.host.verifyArtifact(f.node, '1.0', spec, f.ctx)).state;
  expect(await stateOf(artifact)).toEqual({ kind: 'ok', sha256: artifact.sha256 });
  expect(await stateOf(undefined)).toEqual({ kind: 'undeclared' });
  await symlink('../../..', join(artifact.path, 'bin', 'up'));
  expect(await stateOf(artifact)).toMatchObject({ kind: 'unknown' });
  await rm(artifact.path, { recursive: true });
  expect(await stateOf(artifact)).toEqual({ kind: 'absent', path: artifact.path });
  await expect(f.host.install(f.node, '1.0', artifact, f.launch(), f.ctx)).rejects.toMatchObject({
    code: 'ARTIFACT_ABSENT',
  });
});

test('nothing is swapped under a running process', async () => {
  await f.install('1.0');
  await f.host.start(f.node, f.launch(), f.ctx);
  await expect(f.install('2.0')).rejects.toThrow(/is to be installed while process \d+ runs/);
  expect(await f.host.installed(f.node, f.ctx)).toBe('1.0');
});

test('R-SAGA-1: what rollgate has not made is not taken for its record', async () => {
  const artifact = await f.artifact('1.0');
  await symlink(artifact.path, join(home, 'current'));
  await expect(f.host.installed(f.node, f.ctx)).rejects.toMatchObject({ code: 'HOST_UNKNOWN' });
  expect(await f.host.status(f.node, f.launch(), f.ctx)).toMatchObject({ kind: 'unknown' });
  expect(await readlink(join(home, 'current'))).toBe(artifact.path);
});
