import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { until } from '../../../src/dev/postgres/until.js';
import { processFacts } from '../../../src/hosts/local/process-facts.js';
import { nobody, serverFixture, type ServerFixture } from './server-fixture.js';

const program = `#!/bin/sh
case "$1" in
  say) echo "out $2"; echo "err $2" >&2; exit 7 ;;
  env) env ;;
  who) id -u; pwd ;;
  much) head -c 3000000 /dev/zero | tr '\\\\0' x; echo "all said" >&2 ;;
  hang) sleep 60 & echo $! > "$2"; wait ;;
  die) echo "last words" >&2; kill -9 $$ ;;
  leave) sleep 60 & echo "$!" ;;
esac
`;

let f: ServerFixture;
let artifact: string;
beforeEach(async () => {
  f = await serverFixture();
  artifact = join(f.directory, 'tools');
  await mkdir(artifact);
  await writeFile(join(artifact, 'tool'), program);
  await chmod(join(artifact, 'tool'), 0o755);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await f.dispose();
});

const run = (
  args: string[],
  options: { timeoutMs?: number; executable?: string; signal?: AbortSignal } = {},
) =>
  f.host.runTool(
    f.node,
    { artifact, executable: options.executable ?? 'tool', args, timeoutMs: options.timeoutMs ?? 20_000 },
    { ...f.ctx, signal: options.signal ?? f.ctx.signal },
  );
const records = async () => {
  const place = join(f.directory, 'node', 'rollgate', 'tools');
  return existsSync(place) ? readdir(place) : [];
};

/** The pid of what `hang` has begun. */
async function hanging(): Promise<{ path: string; pid: () => Promise<number> }> {
  const place = join(f.directory, 'hang');
  await mkdir(place);
  await chmod(place, 0o777);
  const path = join(place, 'pid');
  const pid = async () => {
    await until('it has begun', async () => (await readFile(path, 'utf8')).endsWith('\n'));
    return Number(await readFile(path, 'utf8'));
  };
  return { path, pid };
}
const isGone = async (pid: number) => (await processFacts(pid)) === undefined;

test('R-SAFE-2: a tool is given its arguments as they are, and its exit code and words are handed back', async () => {
  const text = '$(id) "a b" ; *';
  expect(await run(['say', text])).toEqual({ code: 7, stdout: `out ${text}\n`, stderr: `err ${text}\n` });
  expect(await records()).toEqual([]);
  expect(await f.actions()).toEqual([]);
});

test("a tool runs as the node's user in the node's directory", async () => {
  const uid = nobody?.uid ?? process.getuid?.();
  const said = (await run(['who'])).stdout.trim().split('\n');
  expect(said).toEqual([String(uid), join(f.directory, 'node')]);
  const scratch = f.host.scratchNode(f.node, 'x');
  const there = await f.host.runTool(
    scratch,
    { artifact, executable: 'tool', args: ['who'], timeoutMs: 20_000 },
    f.ctx,
  );
  expect(there.stdout).toContain(join('rollgate', 'scratch-x'));
});

test('R-SPEC-3: a tool is given nothing of the environment of the worker', async () => {
  vi.stubEnv('ROLLGATE_CANARY_SECRET', 'canary-51e0');
  const { stdout } = await run(['env']);
  expect(stdout).toContain('PATH=');
  expect(stdout).not.toContain('canary-51e0');
});

test('what a tool says is kept up to 1 MiB; it is read to its end all the same', async () => {
  const { code, stdout, stderr } = await run(['much']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'all said\n' });
  expect(stdout).toHaveLength(1024 * 1024 + '\n[1951424 more bytes were dropped]'.length);
});

test('R-SAGA-1: a tool that takes too long is ended with all it has begun; what came of it is unknown', async () => {
  const hang = await hanging();
  const running = run(['hang', hang.path], { timeoutMs: 700 });
  await expect(running).rejects.toMatchObject({ code: 'HOST_UNKNOWN' });
  await expect(running).rejects.toThrow(/tool of .*tools did not end within 700 ms/);
  const pid = await hang.pid();
  await until('its child is gone', () => isGone(pid), 5000);
  expect(await records()).toEqual([]);
});

test('R-SAGA-3: a cancelled tool is ended', async () => {
  const hang = await hanging();
  const cancel = new AbortController();
  const running = run(['hang', hang.path], { signal: cancel.signal });
  const pid = await hang.pid();
  cancel.abort(new Error('cancelled by the operator'));
  await expect(running).rejects.toThrow('cancelled by the operator');
  await until('its child is gone', () => isGone(pid), 5000);
});

test('R-SAGA-1: a tool that was ended by a signal, or that is not there, is no exit code', async () => {
  await expect(run(['die'])).rejects.toThrow(/ended by SIGKILL.*last words/);
  for (const executable of ['absent', 'tool/below']) {
    await expect(run([], { executable })).rejects.toMatchObject({ code: 'HOST_UNKNOWN' });
    await expect(run([], { executable })).rejects.toThrow(`${executable} could not be executed`);
  }
});

test.each(['../tool', '/bin/sh', 'a//b', ''])(
  'R-SAFE-2: %j is not a program of the artifact',
  async (executable) => {
    await expect(run([], { executable })).rejects.toMatchObject({ code: 'HOST_PATH_REFUSED' });
  },
);

test('a child that a tool leaves behind does not keep us waiting', async () => {
  const began = performance.now();
  const { code, stdout } = await run(['leave']);
  const pid = Number(stdout.trim());
  try {
    expect(code).toBe(0);
    expect(performance.now() - began).toBeLessThan(15_000);
  } finally {
    process.kill(pid, 'SIGKILL');
  }
});

test('R-SAGA-1: a tool that an earlier worker began is waited for before the next one begins', async () => {
  const directory = join(f.directory, 'node', 'rollgate', 'tools');
  await mkdir(directory, { recursive: true });
  const earlier = spawn('sleep', ['60'], { stdio: 'ignore' });
  try {
    const facts = await processFacts(earlier.pid ?? 0);
    const record = { pid: earlier.pid, token: facts?.token, program: 'restore' };
    await writeFile(join(directory, `${String(earlier.pid)}.json`), JSON.stringify(record));
    await expect(run(['say', 'x'], { timeoutMs: 300 })).rejects.toThrow(/restore.*still runs as process/);
    const scratch = f.host.scratchNode(f.node, 'x');
    await f.host.makeDataDirectory(scratch, f.ctx);
    await expect(f.host.removeScratch(scratch, f.ctx)).rejects.toMatchObject({ code: 'HOST_UNKNOWN' });
    const waiting = run(['say', 'x']);
    earlier.kill('SIGKILL');
    expect((await waiting).code).toBe(7);
  } finally {
    earlier.kill('SIGKILL');
  }
  expect(await records()).toEqual([]);
});

test('R-SAGA-1: a tool that runs is on record, so that the next worker finds it', async () => {
  const hang = await hanging();
  const cancel = new AbortController();
  const running = run(['hang', hang.path], { signal: cancel.signal });
  await until('it is on record', async () => (await records()).some((name) => /^\d+\.json$/.test(name)));
  cancel.abort(new Error('enough'));
  await expect(running).rejects.toThrow('enough');
  expect(await records()).toEqual([]);
});
