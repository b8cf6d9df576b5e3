import { execFile } from 'node:child_process';
import { chmod, chown, copyFile, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isRoot, nobody, serverFixture, type ServerFixture } from './server-fixture.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));

let f: ServerFixture;
beforeEach(async () => {
  f = await serverFixture();
  await f.install();
});
afterEach(async () => {
  const left = await f.host.status(unprivileged(), f.launch(), f.ctx);
  if (left.kind === 'running') process.kill(left.pid, 'SIGKILL');
  await f.dispose();
});

const unprivileged = () => ({
  ...f.node,
  host: { kind: 'local', directory: join(f.directory, 'unprivileged', 'node') },
});

test('a user that does not exist is named in the error, and nothing is started', async () => {
  const node = { ...f.node, host: { ...f.node.host, runAs: 'no-such-user' } };
  const starting = f.host.start(node, f.launch(), f.ctx);
  await expect(starting).rejects.toMatchObject({ code: 'HOST_USER_UNKNOWN' });
  await expect(starting).rejects.toThrow('no-such-user');
  expect(await f.actions()).toEqual(['install']);
});

/** What a worker without privilege does; it runs as a process of its own, because a test cannot change its user. */
const script = `
import { createLocalHost } from './src/hosts/local/host.js';
const { directory, artifact, me } = JSON.parse(process.argv[2]);
const ctx = { signal: new AbortController().signal, heartbeat() {}, runId: 'r' };
const launch = { executable: 'bin/server', args: ['serve'], env: {}, stopSignal: 'SIGTERM', pidFile: 'server.pid' };
const host = createLocalHost();
const node = (runAs) => ({ id: 'n', group: 'g', address: 'h:1', host: { kind: 'local', directory, ...(runAs && { runAs }) } });
const said = { uid: process.getuid() };
await host.install(node(), '1.0', artifact, launch, ctx);
said.other = await host.start(node('root'), launch, ctx).then(() => 'started', (e) => e.code + ': ' + e.message);
for (const as of [undefined, me]) {
  await host.start(node(as), launch, ctx);
  said[as ?? 'unnamed'] = (await host.status(node(as), launch, ctx)).kind;
  await host.stop(node(as), launch, { timeoutMs: 5000, pollMs: 10 }, ctx);
}
await host.writeFile(node(), 'note', 'x', ctx);
said.end = (await host.status(node(), launch, ctx)).kind;
console.log(JSON.stringify(said));
`;

test('without root a node runs as our own user; naming that user is fine, another one is refused', async () => {
  const place = join(f.directory, 'unprivileged');
  await mkdir(join(place, 'node', 'data'), { recursive: true });
  if (nobody) {
    await chown(join(place, 'node'), nobody.uid, nobody.gid);
    await chown(join(place, 'node', 'data'), nobody.uid, nobody.gid);
  }
  const program = await transpiled(place);
  const me = (await run('id', isRoot ? ['-un', 'nobody'] : ['-un'])).stdout.trim();
  const input = { directory: join(place, 'node'), artifact: await f.artifact('1.0'), me };
  const { stdout } = await run(await reachableNode(), [program, JSON.stringify(input)], {
    ...nobody,
    cwd: place,
  });
  expect(JSON.parse(stdout)).toEqual({
    uid: nobody?.uid ?? process.getuid?.(),
    other: expect.stringMatching(
      /^HOST_USER_UNKNOWN: .* may not start processes as another user$/,
    ) as unknown,
    unnamed: 'running',
    [me]: 'running',
    end: 'stopped',
  });
});

/** The host's own code, where any user can read it, as JavaScript. */
async function transpiled(place: string): Promise<string> {
  for (const folder of ['src/contracts', 'src/hosts']) {
    for (const file of await readdir(join(root, folder), { recursive: true })) {
      if (!file.endsWith('.ts')) continue;
      const target = join(place, folder, file.replace(/\.ts$/, '.js'));
      await mkdir(dirname(target), { recursive: true });
      const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
      const source = await readFile(join(root, folder, file), 'utf8');
      await writeFile(target, ts.transpileModule(source, { compilerOptions }).outputText);
    }
  }
  await cp(join(root, 'node_modules', 'zod'), join(place, 'node_modules', 'zod'), { recursive: true });
  await writeFile(join(place, 'package.json'), '{ "type": "module" }');
  const program = join(place, 'program.js');
  await writeFile(program, script);
  return program;
}

/** Node itself may be installed in a private home. */
async function reachableNode(): Promise<string> {
  try {
    await run(process.execPath, ['--version'], { ...nobody, cwd: '/' });
    return process.execPath;
  } catch {
    const copy = join(f.directory, 'node-program');
    await copyFile(process.execPath, copy);
    await chmod(copy, 0o755);
    return copy;
  }
}
