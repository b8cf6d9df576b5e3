import { execFile } from 'node:child_process';
import { access, constants, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { etcdVersions, prepareEtcd, prepareGoTool } from '../../../src/dev/etcd/binaries.js';
import { digestDirectory } from '../../../src/hosts/artifact-digest.js';

const run = promisify(execFile);
const buildMs = 900_000;

test.each(etcdVersions)(
  'etcd %s is prepared with the digest of what is there, and both programs are of that version',
  async (version) => {
    const { directory, sha256 } = await prepareEtcd(version, (line) => console.error(line));
    expect(await digestDirectory(directory)).toBe(sha256);
    const etcd = await run(join(directory, 'etcd'), ['--version']);
    expect(etcd.stdout).toContain(`etcd Version: ${version}\n`);
    const etcdutl = await run(join(directory, 'etcdutl'), ['version']);
    expect(etcdutl.stdout).toContain(`etcdutl version: ${version}\n`);
  },
  buildMs,
);

test(
  'a tool of our own is one program that is named like its folder',
  async () => {
    const { directory, program, sha256 } = await prepareGoTool('linearizability', (line) =>
      console.error(line),
    );
    expect(await readdir(directory)).toEqual(['linearizability']);
    expect(await digestDirectory(directory)).toBe(sha256);
    await access(program, constants.X_OK);
  },
  buildMs,
);

test('a tool that is not there is named', async () => {
  await expect(prepareGoTool('no-such-tool')).rejects.toThrow(/tools\/no-such-tool/);
});
