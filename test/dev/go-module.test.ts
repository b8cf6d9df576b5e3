import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { KeptArtifact } from '../../src/dev/kept-artifact.js';
import { digestDirectory } from '../../src/hosts/artifact-digest.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rollgate-go-module-'));
  await chmod(directory, 0o755);
  await mkdir(join(directory, 'sources'));
  await writeFile(join(directory, 'sources', 'go.mod'), 'module rollgate/says\n\ngo 1.24.0\n');
  await writeMain('println("one")');
  // What is kept is kept here.
  vi.stubEnv('TMPDIR', directory);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true, force: true });
});

const writeMain = (statement: string) =>
  writeFile(join(directory, 'sources', 'main.go'), `package main\n\nfunc main() { ${statement} }\n`);

/** As another process would: nothing is remembered but what is on the disk. */
async function prepare(said: string[] = []): Promise<KeptArtifact> {
  vi.resetModules();
  const { prepareGoModule } = await import('../../src/dev/go-module.js');
  const sources = join(directory, 'sources');
  const module = { name: 'says', sources, programs: { says: '.' }, label: 'says', takes: 'some seconds' };
  return prepareGoModule(module, (line) => said.push(line));
}

async function kept(): Promise<string[]> {
  const [own] = (await readdir(directory)).filter((name) => name.startsWith('rollgate-dev-'));
  return own === undefined ? [] : readdir(join(directory, own));
}

const output = async ({ directory: artifact }: KeptArtifact) =>
  (await promisify(execFile)(join(artifact, 'says'))).stderr;

test('a module is built once, with a word about it, and built again when its sources change', async () => {
  const said: string[] = [];
  const first = await prepare(said);
  expect(said).toHaveLength(2);
  expect(said[0]).toMatch(/^building says with Go, some seconds, once; it is kept in .*\/rollgate-dev-\d+$/);
  expect(said[1]).toMatch(/^says is built \(\d+ s\)$/);
  expect(await digestDirectory(first.directory)).toBe(first.sha256);
  expect(await output(first)).toBe('one\n');

  const quiet: string[] = [];
  expect(await prepare(quiet)).toEqual(first);
  expect(quiet).toEqual([]);

  await writeMain('println("two")');
  const second = await prepare();
  expect(second.directory).not.toBe(first.directory);
  expect(await output(second)).toBe('two\n');
  expect(await output(first)).toBe('one\n');
});

test('two at once give one artifact; a damaged one is built again', async () => {
  const [one, two] = await Promise.all([prepare(), prepare()]);
  expect(one).toEqual(two);
  expect(await kept()).toHaveLength(1);

  await writeFile(join(one.directory, 'says'), 'no program');
  expect(await prepare()).toEqual(one);
  expect(await output(one)).toBe('one\n');
  expect(await kept()).toHaveLength(1);
});

test('without Go the error says what to install, and what cannot be built is told with its reason', async () => {
  vi.stubEnv('PATH', join(directory, 'empty'));
  await expect(prepare()).rejects.toThrow('no program "go" on the PATH: install Go from https://go.dev/dl');
  vi.unstubAllEnvs();
  vi.stubEnv('TMPDIR', directory);

  await writeMain('nothing()');
  await expect(prepare()).rejects.toThrow('undefined: nothing');
  expect(await kept()).toEqual([]);

  await writeMain('println("one")');
  expect(await output(await prepare())).toBe('one\n');
});
