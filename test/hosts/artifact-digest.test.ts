import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestDirectory } from '../../src/hosts/artifact-digest.js';
import { createKeptDigest } from '../../src/hosts/local/artifact.js';

let directory: string;
let artifact: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rollgate-digest-'));
  artifact = join(directory, 'artifact');
  await mkdir(join(artifact, 'bin'), { recursive: true });
  await writeFile(join(artifact, 'bin', 'server'), 'program', { mode: 0o755 });
  await writeFile(join(artifact, 'bin', 'notes'), 'text', { mode: 0o644 });
  await writeFile(join(directory, 'outside'), 'a library');
  await symlink('server', join(artifact, 'bin', 'alias'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('R-SAFE-3: a copy has the digest of the original, whatever its times and owners', async () => {
  const before = await digestDirectory(artifact);
  expect(before).toMatch(/^[0-9a-f]{64}$/);
  const copy = join(directory, 'copy');
  await cp(artifact, copy, { recursive: true, verbatimSymlinks: true });
  await utimes(join(copy, 'bin', 'notes'), 1, 1);
  expect(await digestDirectory(copy)).toBe(before);
  await symlink(copy, join(directory, 'link'));
  expect(await digestDirectory(join(directory, 'link'))).toBe(before);
});

const changes: Record<string, () => Promise<unknown>> = {
  'the content of a file': () => writeFile(join(artifact, 'bin', 'notes'), 'texT'),
  'the executable bit': () => chmod(join(artifact, 'bin', 'notes'), 0o755),
  'the name of a file': () => rename(join(artifact, 'bin', 'notes'), join(artifact, 'bin', 'motes')),
  'an empty directory more': () => mkdir(join(artifact, 'empty')),
  'an empty file more': () => writeFile(join(artifact, 'bin', 'more'), ''),
  'a file less': () => rm(join(artifact, 'bin', 'notes')),
  'the target of a link': async () => {
    await rm(join(artifact, 'bin', 'alias'));
    await symlink('notes', join(artifact, 'bin', 'alias'));
  },
  'a file in place of a link': async () => {
    await rm(join(artifact, 'bin', 'alias'));
    await writeFile(join(artifact, 'bin', 'alias'), 'server');
  },
};
test.each(Object.keys(changes))('R-SAFE-3: the digest tells %s', async (name) => {
  const before = await digestDirectory(artifact);
  await changes[name]?.();
  expect(await digestDirectory(artifact)).not.toBe(before);
});

test('R-SAFE-3: a file that a link leads out to counts as well, because it is executed too', async () => {
  await symlink('../../outside', join(artifact, 'bin', 'library'));
  const before = await digestDirectory(artifact);
  await writeFile(join(directory, 'outside'), 'another library');
  expect(await digestDirectory(artifact)).not.toBe(before);
});

test('a link that leads nowhere counts by its target', async () => {
  await symlink('nowhere', join(artifact, 'bin', 'broken'));
  expect(await digestDirectory(artifact)).toMatch(/^[0-9a-f]{64}$/);
});

test('what cannot be digested is refused, not left out', async () => {
  await symlink('../..', join(artifact, 'bin', 'up'));
  await expect(digestDirectory(artifact)).rejects.toThrow('leads out of the artifact');
  await rm(join(artifact, 'bin', 'up'));
  execFileSync('mkfifo', [join(artifact, 'bin', 'pipe')]);
  await expect(digestDirectory(artifact)).rejects.toThrow('neither a file, a directory nor a link');
  await expect(digestDirectory(join(directory, 'absent'))).rejects.toThrow('ENOENT');
});

test('R-SAFE-3: a kept digest is computed again after any change, also one that hides its time and size', async () => {
  const digest = createKeptDigest();
  let read = 0;
  const kept = (): Promise<string> => digest(artifact, () => read++);
  const before = await kept();
  const once = read;
  expect(once).toBeGreaterThan(0);
  expect(await kept()).toBe(before);
  expect(read).toBe(once);

  const server = join(artifact, 'bin', 'server');
  const changes: [string, () => Promise<unknown>][] = [
    [
      'the same length, the same time of modification',
      async () => {
        const { atime, mtime } = await stat(server);
        await writeFile(server, 'PROGRAM');
        await utimes(server, atime, mtime);
      },
    ],
    ['no longer executable', () => chmod(server, 0o644)],
    [
      'another file moved over it',
      async () => {
        await writeFile(join(directory, 'other'), 'another', { mode: 0o644 });
        await rename(join(directory, 'other'), server);
      },
    ],
    ['a file more', () => writeFile(join(artifact, 'more'), '')],
    ['a file less', () => rm(join(artifact, 'more'))],
    ['a link that leads out', () => symlink(join(directory, 'outside'), join(artifact, 'bin', 'library'))],
    ['what that link leads to', () => writeFile(join(directory, 'outside'), 'A LIBRARY')],
  ];
  for (const [what, change] of changes) {
    await change();
    const full = await digestDirectory(artifact);
    read = 0;
    expect(await kept(), what).toBe(full);
    expect(read, what).toBeGreaterThan(0);
    read = 0;
    expect(await kept(), what).toBe(full);
    expect(read, what).toBe(0);
  }
});
