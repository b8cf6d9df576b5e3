import { spawn } from 'node:child_process';
import { readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { until } from '../../../src/dev/postgres/until.js';
import { processFacts } from '../../../src/hosts/local/process-facts.js';
import { nobody, serverFixture, type ServerFixture } from './server-fixture.js';

let f: ServerFixture;
beforeEach(async () => {
  f = await serverFixture();
  await f.install();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await f.dispose();
});

const status = () => f.host.status(f.node, f.launch(), f.ctx);
const stop = (timeoutMs = 5000) => f.host.stop(f.node, f.launch(), { timeoutMs, pollMs: 10 }, f.ctx);
async function runningPid(): Promise<number> {
  const seen = await status();
  if (seen.kind !== 'running') throw new Error(`the node is ${seen.kind}`);
  return seen.pid;
}
const pidFile = () => join(f.dataDir, 'server.pid');
async function waitForPidFile(): Promise<void> {
  await until('the pid file is written', async () => (await readFile(pidFile(), 'utf8')).trim() !== '');
}

test('R-SAGA-1: start and stop act once, however often they are asked', async () => {
  await f.host.start(f.node, f.launch(), f.ctx);
  const pid = await runningPid();
  await f.host.start(f.node, f.launch(), f.ctx);
  expect(await runningPid()).toBe(pid);
  await stop();
  await stop();
  expect(await status()).toEqual({ kind: 'stopped', version: '1.0', fenced: false });
  expect(await f.actions()).toEqual(['install', 'start', 'stop']);
  expect(await readFile(f.log, 'utf8')).toContain('serving 1.0');
});

test('the process is a session of its own, of the user that the spec names', async () => {
  await f.host.start(f.node, f.launch(), f.ctx);
  const pid = await runningPid();
  await waitForPidFile();
  const { stdout } = await new Promise<{ stdout: string }>((resolve, reject) => {
    const ps = spawn('ps', ['-o', 'pgid=', '-o', 'uid=', '-p', String(pid)]);
    let text = '';
    ps.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    ps.once('error', reject);
    ps.once('close', () => resolve({ stdout: text }));
  });
  expect(stdout.trim().split(/\s+/).map(Number)).toEqual([pid, nobody?.uid ?? process.getuid?.()]);
});

test('R-SPEC-3: the process is given what the spec says, and nothing of the environment of the worker', async () => {
  vi.stubEnv('ROLLGATE_CANARY_SECRET', 'canary-8c1f');
  await f.host.start(f.node, f.launch(), f.ctx);
  await waitForPidFile();
  const env = await readFile(join(f.dataDir, 'env.txt'), 'utf8');
  expect(env).toContain('GREETING=hello');
  expect(env).not.toContain('canary-8c1f');
});

test('R-SAGA-1: a process that others started is adopted: not started twice, and stopped', async () => {
  const child = f.spawnForeign();
  await waitForPidFile();
  expect(await runningPid()).toBe(child.pid);
  await f.host.start(f.node, f.launch(), f.ctx);
  expect(await f.actions()).toEqual(['install']);
  await stop();
  expect(await status()).toMatchObject({ kind: 'stopped' });
});

test('R-SAGA-1: a reused pid is not the process that had it', async () => {
  await f.host.start(f.node, f.launch(), f.ctx);
  process.kill(await runningPid(), 'SIGKILL');
  await until('it is gone', async () => (await status()).kind === 'stopped');
  const other = spawn('sleep', ['60']);
  try {
    const record = join(f.directory, 'node', 'rollgate', 'pid.json');
    const { token } = JSON.parse(await readFile(record, 'utf8')) as { token: string };
    await writeFile(record, JSON.stringify({ pid: other.pid, token }));
    await writeFile(pidFile(), `${String(other.pid)}\n`);
    expect(await status()).toMatchObject({ kind: 'stopped' });
    await stop();
    expect(other.exitCode ?? other.signalCode).toBeNull();
    expect(await processFacts(other.pid ?? 0)).toBeDefined();
  } finally {
    other.kill('SIGKILL');
  }
});

test('R-SAGA-1: a pid file that leads to the same program of another node is unknown: nothing is signalled', async () => {
  const other = f.spawnForeign('serve', f.directory);
  await until('it runs', async () => (await processFacts(other.pid ?? 0)) !== undefined);
  await writeFile(pidFile(), `${String(other.pid)}\n`);
  expect(await status()).toMatchObject({ kind: 'unknown' });
  await expect(stop()).rejects.toMatchObject({ code: 'HOST_UNKNOWN' });
  await expect(f.host.start(f.node, f.launch(), f.ctx)).rejects.toMatchObject({ code: 'HOST_UNKNOWN' });
  expect(await processFacts(other.pid ?? 0)).toBeDefined();

  // Written long before that process began: it cannot be the one that wrote it.
  await utimes(pidFile(), 1_000_000, 1_000_000);
  expect(await status()).toMatchObject({ kind: 'stopped' });
});

test.each(['', 'not a pid', '-77', '0'])(
  'a pid file that begins with %j is unknown, not stopped',
  async (text) => {
    await writeFile(pidFile(), text);
    expect(await status()).toMatchObject({ kind: 'unknown' });
  },
);

test('a zombie counts as stopped', async () => {
  // The shell becomes a program that never asks how its child ended, before the child ends.
  const parent = spawn('sh', ['-c', 'sleep 0.5 & echo $!; exec sleep 60']);
  try {
    const pid = await new Promise<number>((resolve) =>
      parent.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString()))),
    );
    await until('it is seen as gone', async () => (await processFacts(pid)) === undefined);
    expect(process.kill(pid, 0)).toBe(true);
    await writeFile(pidFile(), `${pid}\n`);
    expect(await status()).toMatchObject({ kind: 'stopped' });
  } finally {
    parent.kill('SIGKILL');
  }
});

test('R-SAGA-4: a start that fails shows how it ended and what this start wrote', async () => {
  await f.host.start(f.node, f.launch(), f.ctx);
  await stop();
  const failing = f.host.start(f.node, f.launch('die'), f.ctx);
  await expect(failing).rejects.toMatchObject({ code: 'HOST_START_FAILED' });
  await expect(failing).rejects.toThrow(/exit code 3.*first words\ncannot open the moon$/s);
  await expect(failing).rejects.not.toThrow('serving');
  expect(await status()).toMatchObject({ kind: 'stopped' });
});

test('a program that is not there is a failed start', async () => {
  const launch = { ...f.launch(), executable: 'bin/absent' };
  const failing = f.host.start(f.node, launch, f.ctx);
  await expect(failing).rejects.toMatchObject({ code: 'HOST_START_FAILED' });
  await expect(failing).rejects.toThrow('could not be executed');
  expect(await f.actions()).toEqual(['install']);
});

test('R-SAGA-1: a process that does not stop is an unknown outcome: no SIGKILL, and asked again it is one stop', async () => {
  await f.host.start(f.node, f.launch('deaf'), f.ctx);
  const pid = await runningPid();
  await waitForPidFile();
  const began = performance.now();
  await expect(stop(300)).rejects.toMatchObject({ code: 'HOST_STOP_TIMED_OUT' });
  expect(performance.now() - began).toBeGreaterThanOrEqual(300);
  await expect(stop(50)).rejects.toMatchObject({ code: 'HOST_STOP_TIMED_OUT' });
  expect(await runningPid()).toBe(pid);
  expect(await f.actions()).toEqual(['install', 'start', 'stop']);
});

test('R-SAGA-3: a cancelled stop ends at once with the reason of the cancellation', async () => {
  await f.host.start(f.node, f.launch('deaf'), f.ctx);
  await waitForPidFile();
  const cancel = new AbortController();
  const ctx = { ...f.ctx, signal: cancel.signal };
  const stopping = f.host.stop(f.node, f.launch(), { timeoutMs: 60_000, pollMs: 10 }, ctx);
  setTimeout(() => cancel.abort(new Error('cancelled by the operator')), 50);
  await expect(stopping).rejects.toThrow('cancelled by the operator');
});

test('R-SAGA-1: a node whose directory is absent is unknown, not stopped', async () => {
  const node = { ...f.node, host: { kind: 'local', directory: join(f.directory, 'elsewhere') } };
  expect(await f.host.status(node, f.launch(), f.ctx)).toMatchObject({ kind: 'unknown' });
  await expect(f.host.start(node, f.launch(), f.ctx)).rejects.toMatchObject({ code: 'HOST_UNKNOWN' });
  await expect(f.host.setFence(node, 'run-1', f.ctx)).rejects.toMatchObject({ code: 'HOST_UNKNOWN' });
});
