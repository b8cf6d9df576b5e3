import { appendFile, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RollgateError, type EffectContext, type ProbeFacet } from '../../src/contracts/index.js';
import { processFacts } from '../../src/hosts/local/process-facts.js';
import { probeLayout, type ProbeLayout } from '../../src/probe/layout.js';
import { latestSession } from '../../src/probe/process/sessions.js';
import { createProbeRunner, type ProbeRunnerDependencies } from '../../src/probe/runner.js';
import { cluster, runId } from './simulated-probe.js';

const options = { writers: 3, interval: 5, timeout: 500 };
const ctx: EffectContext = { runId, signal: new AbortController().signal, heartbeat: () => undefined };

let directory: string;
let layout: ProbeLayout;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rollgate-probe-'));
  layout = probeLayout(directory, runId);
  process.env['FAKE_STORE'] = directory;
});
afterEach(async () => {
  await runner().stop(runId, ctx);
  const pid = (await latestSession(layout))?.pid;
  if (pid !== undefined) await gone(pid);
  await rm(directory, { recursive: true, force: true });
  delete process.env['FAKE_STORE'];
});

const facet: Pick<ProbeFacet, 'readBack'> = {
  async *readBack() {
    for (const line of (await readFile(join(directory, 'store'), 'utf8')).trimEnd().split('\n')) {
      const [writer, seq] = line.split(' ').map(Number);
      yield { runId, writer: writer ?? -1, seq: seq ?? -1 };
    }
  },
};

function runner(rest: Partial<ProbeRunnerDependencies> = {}) {
  const connect = () => {
    throw new Error('only the process connects');
  };
  return createProbeRunner({
    system: () => ({ probe: { ...facet, connect } }),
    directory,
    entry: fileURLToPath(new URL('fake-main.mjs', import.meta.url)),
    readyWithinMs: 10_000,
    ...rest,
  });
}

const start = (rest?: Partial<ProbeRunnerDependencies>) => runner(rest).start(cluster, runId, options, ctx);
const stop = () => runner().stop(runId, ctx);
const ledger = () => runner().ledger(cluster, runId, ctx);

async function living() {
  const session = await latestSession(layout);
  if (session?.state !== 'alive') throw new Error('no probe lives');
  return session;
}

async function gone(pid: number): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (!(await processFacts(pid))) return;
    await sleep(25);
  }
  throw new Error(`process ${pid} still lives`);
}

async function failureOf(promise: Promise<unknown>): Promise<RollgateError> {
  const error: unknown = await promise.then(
    () => new Error('it succeeded'),
    (e: unknown) => e,
  );
  if (error instanceof RollgateError) return error;
  throw error;
}

const create = (name: string) => writeFile(join(directory, name), '');
const remove = (name: string) => rm(join(directory, name));

describe('R-PROOF-2: the probe writes in a process of its own', () => {
  test('start returns when a write is acknowledged; after stop the ledger is complete', async () => {
    await start();
    const { pid } = await living();
    expect(pid).not.toBe(process.pid);
    await sleep(300);
    await stop();
    expect(await processFacts(pid)).toBeUndefined();
    const result = await ledger();
    const stored = (await readFile(join(directory, 'store'), 'utf8')).trimEnd().split('\n').length;
    expect(result).toMatchObject({ acknowledged: stored, lost: 0, unknown: 0, resurrected: 0, writers: 3 });
    expect(result.unobserved).toEqual([]);
    expect(stored).toBeGreaterThan(30);
    expect(result.reads).toBeGreaterThan(10);
    for (const name of ['writer-0.journal', 'writer-2.journal', 'reader.journal']) {
      expect(await readFile(join(layout.directory, name), 'utf8')).toMatch(/\ne \d+\.\d{3};\n$/);
    }
  });

  test('stop is idempotent, and fine when nothing runs or ever ran', async () => {
    await stop();
    expect(await readdir(directory)).toEqual([]);
    await start();
    await stop();
    await stop();
    expect((await ledger()).lost).toBe(0);
  });

  test('a ledger of a run in progress is that of a prefix, with nothing lost', async () => {
    await start();
    const first = await ledger();
    await sleep(200);
    const second = await ledger();
    expect(first.lost + second.lost).toBe(0);
    expect(second.acknowledged).toBeGreaterThan(first.acknowledged);
  });

  test('control: writes that are acknowledged and dropped are found', async () => {
    await start();
    await create('drop');
    await sleep(150);
    await remove('drop');
    await stop();
    const result = await ledger();
    expect(result.lost).toBeGreaterThan(10);
    expect(result.lostKeys[0]).toMatch(/^run-1\/\d\/\d+$/);
  });

  test('an outage is a gap of its length, for writes and reads', async () => {
    await start();
    await sleep(100);
    await create('outage');
    await sleep(1000);
    await remove('outage');
    await sleep(200);
    await stop();
    const result = await ledger();
    for (const gaps of [result.writeGaps, result.readGaps]) {
      expect(gaps[0]?.ms).toBeGreaterThan(950);
      expect(gaps[0]?.ms).toBeLessThan(2500);
    }
    expect(result.longestWait?.ms).toBeGreaterThan(950);
    expect(result).toMatchObject({ lost: 0, unknown: 0, resurrected: 0 });
    expect(result.buckets.reduce((sum, b) => sum + b.failed, 0)).toBeGreaterThan(20);
  });

  test('a client that never answers is replaced, and its write is unknown', async () => {
    await start();
    await create('hang');
    await sleep(2000);
    await remove('hang');
    await sleep(200);
    await stop();
    const result = await ledger();
    expect(result.unknown).toBeGreaterThanOrEqual(3);
    expect(result.lost).toBe(0);
    expect(result.writeGaps[0]?.ms).toBeGreaterThan(1900);
  });
});

describe('R-SAGA-1: adopted, started again, ended', () => {
  test('start again adopts the living one, from another worker too, and in the middle of an outage', async () => {
    await start();
    const { pid } = await living();
    await create('outage');
    await Promise.all([start(), start()]);
    expect((await living()).pid).toBe(pid);
    await remove('outage');
  });

  test('several starts at once make one probe', async () => {
    await Promise.all([start(), start(), start()]);
    const { pid } = await living();
    await sleep(500);
    expect((await living()).pid).toBe(pid);
    expect((await readdir(layout.sessions)).filter((n) => n.endsWith('.json'))).toEqual(['1.json']);
    await stop();
    expect((await ledger()).lost).toBe(0);
  });

  test('killed and started again it goes on with the next numbers; the time between is not observed', async () => {
    await start();
    for (let round = 0; round < 3; round++) {
      await sleep(150);
      const { pid } = await living();
      process.kill(pid, 'SIGKILL');
      await gone(pid);
      await sleep(1500);
      await start();
    }
    await sleep(100);
    await stop();
    const result = await ledger();
    expect(result).toMatchObject({ lost: 0, resurrected: 0 });
    expect(result.unknown).toBeLessThanOrEqual(9);
    expect(result.unobserved).toHaveLength(3);
    for (const { ms } of result.unobserved ?? []) expect(ms).toBeGreaterThan(1400);
    expect(result.writeGaps[0]?.ms).toBeLessThan(1400);
    const keys = (await readFile(join(directory, 'store'), 'utf8')).trimEnd().split('\n');
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('a probe that died and was not started again: the rest of the run is told as not observed', async () => {
    await start();
    const { pid } = await living();
    process.kill(pid, 'SIGKILL');
    await gone(pid);
    await sleep(1000);
    await stop();
    const result = await ledger();
    expect(result.unobserved).toHaveLength(1);
    expect(result.unobserved?.[0]?.ms).toBeGreaterThan(700);
    expect(result.lost).toBe(0);
  });

  test('a process that has got the id of a dead probe is not taken for it, nor ended', async () => {
    await start();
    await stop();
    const claim = join(layout.sessions, '1.json');
    const text = await readFile(claim, 'utf8');
    await writeFile(claim, text.replace(/"pid":\d+/, `"pid":${process.pid}`));
    expect((await latestSession(layout))?.state).toBe('gone');
    await stop();
    await start();
    expect((await living()).session).toBe(2);
  });

  test('one that does not listen is killed, and its journal counts', async () => {
    await start();
    const { pid } = await living();
    await sleep(200);
    process.kill(pid, 'SIGSTOP');
    await stop();
    expect(await processFacts(pid)).toBeUndefined();
    expect((await ledger()).lost).toBe(0);
  });

  test.each([
    ['the stop file appears', () => writeFile(layout.stop, '')],
    ['its lease runs out', () => writeFile(layout.lease, String(Date.now() - 1))],
    ['its directory is removed', () => rm(join(directory, runId), { recursive: true })],
    ['its directory is moved away', () => rename(join(directory, runId), join(directory, 'elsewhere'))],
  ])('it ends by itself when %s', async (_, act) => {
    await start();
    const { pid } = await living();
    await act();
    await gone(pid);
  });

  test('start renews the lease, and starts again what has run out', async () => {
    await start({ leaseMs: 1200 });
    const { pid } = await living();
    await sleep(600);
    await start({ leaseMs: 60_000 });
    await sleep(1200);
    expect((await living()).pid).toBe(pid);
    await writeFile(layout.lease, '0');
    await gone(pid);
    await start();
    expect((await living()).session).toBe(2);
  });

  test('one that lives on another host is neither doubled nor taken for dead', async () => {
    await start();
    const { pid } = await living();
    const claim = join(layout.sessions, '1.json');
    const text = await readFile(claim, 'utf8');
    await writeFile(claim, text.replace(/"host":"[^"]*"/, '"host":"another"'));
    const error = await failureOf(start());
    expect(error.code).toBe('PROBE_FAILED');
    expect(error.message).toContain('another');
    // The stop file reaches it over the shared directory.
    await stop();
    await gone(pid);
  });
});

describe('R-PROOF-2: without a whole record nothing is claimed', () => {
  test('a probe that gets no write acknowledged says why, without secrets, and lives on to be adopted', async () => {
    await create('outage');
    const error = await failureOf(start({ readyWithinMs: 1500 }));
    expect(error.code).toBe('PROBE_FAILED');
    expect(error.message).toContain('outage, said [secret]');
    expect(await readFile(layout.log, 'utf8')).not.toContain('canary-secret');
    const { pid } = await living();
    await remove('outage');
    await start();
    expect((await living()).pid).toBe(pid);
  });

  test('a program that does not start at all', async () => {
    const error = await failureOf(start({ entry: join(directory, 'absent.js') }));
    expect(error).toMatchObject({
      code: 'PROBE_FAILED',
      message: expect.stringContaining('exit code 1') as string,
    });
  });

  test('no probe ever ran', async () => {
    expect((await failureOf(ledger())).code).toBe('PROBE_FAILED');
  });

  test.each(['writer-1.journal', 'reader.journal', 'config.json'])('%s is gone', async (name) => {
    await start();
    await stop();
    await rm(join(layout.directory, name));
    expect((await failureOf(ledger())).code).toBe('PROBE_FAILED');
  });

  test('a journal that somebody has written to', async () => {
    await start();
    await stop();
    await appendFile(layout.writer(0), 'hello\n');
    expect((await failureOf(ledger())).code).toBe('PROBE_FAILED');
  });

  test('a journal that is gone is not begun again at number 1', async () => {
    await start();
    await stop();
    await rm(layout.writer(0));
    const error = await failureOf(start());
    expect(error.message).toContain('writer-0.journal');
    expect(await readdir(layout.directory)).not.toContain('writer-0.journal');
  });

  test('run ids that are no file names are refused', async () => {
    const error = await failureOf(runner().start(cluster, '../x', options, ctx));
    expect(error.code).toBe('INTERNAL');
  });
});

test('R-SPEC-3: what the probe writes is for its user alone, and holds references only', async () => {
  const secret = { ...cluster, settings: { password: 'env:PROBE_TEST_PASSWORD' } };
  process.env['PROBE_TEST_PASSWORD'] = 'canary-password';
  await runner().start(secret, runId, options, ctx);
  delete process.env['PROBE_TEST_PASSWORD'];
  await stop();
  for (const name of await readdir(layout.directory, { recursive: true })) {
    const path = join(layout.directory, name);
    const facts = await stat(path);
    if (facts.isDirectory()) continue;
    expect(facts.mode & 0o077, name).toBe(0);
    expect(await readFile(path, 'utf8')).not.toContain('canary-password');
  }
  expect(await readFile(layout.config, 'utf8')).toContain('env:PROBE_TEST_PASSWORD');
});
