import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { EffectContext, ProbeFacet } from '../../src/contracts/index.js';
import { prepareGoTool } from '../../src/dev/etcd/binaries.js';
import { processFacts } from '../../src/hosts/local/process-facts.js';
import { probeLayout, type ProbeLayout } from '../../src/probe/layout.js';
import { createHistoryChecker } from '../../src/probe/linearizability/checker.js';
import { latestSession } from '../../src/probe/process/sessions.js';
import { createProbeRunner } from '../../src/probe/runner.js';
import { cluster, runId } from './simulated-probe.js';

const options = { writers: 8, interval: 2, timeout: 500 };
const ctx: EffectContext = { runId, signal: new AbortController().signal, heartbeat: () => undefined };

let program: string;
let directory: string;
let layout: ProbeLayout;
beforeAll(async () => {
  ({ program } = await prepareGoTool('linearizability'));
}, 300_000);
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rollgate-registers-'));
  layout = probeLayout(directory, runId);
  process.env['FAKE_STORE'] = directory;
  process.env['FAKE_REGISTERS'] = '3';
});
afterEach(async () => {
  await runner().stop(runId, ctx);
  await rm(directory, { recursive: true, force: true });
  delete process.env['FAKE_STORE'];
  delete process.env['FAKE_REGISTERS'];
});

const facet: ProbeFacet = {
  registers: 3,
  connect: () => {
    throw new Error('only the process connects');
  },
  async *readBack() {
    for (const line of (await readFile(join(directory, 'store'), 'utf8')).trimEnd().split('\n')) {
      const [writer, seq] = line.split(' ').map(Number);
      yield { runId, writer: writer ?? -1, seq: seq ?? -1 };
    }
  },
};

const runner = (history = createHistoryChecker({ program })) =>
  createProbeRunner({
    system: () => ({ probe: facet }),
    directory,
    entry: fileURLToPath(new URL('fake-main.mjs', import.meta.url)),
    readyWithinMs: 10_000,
    history,
  });
const start = () => runner().start(cluster, runId, options, ctx);
const stop = () => runner().stop(runId, ctx);
const ledger = () => runner().ledger(cluster, runId, ctx);
const create = (name: string) => writeFile(join(directory, name), '');
const remove = (name: string) => rm(join(directory, name));

async function kill(): Promise<void> {
  const session = await latestSession(layout);
  if (session?.state !== 'alive') throw new Error('no probe lives');
  process.kill(session.pid, 'SIGKILL');
  while (await processFacts(session.pid)) await sleep(10);
}

test('R-PROOF-2: the reader goes round the registers and writes down what it saw; the history is linearizable', async () => {
  await start();
  await sleep(500);
  await stop();
  const result = await ledger();
  expect(result).toMatchObject({ lost: 0, linearizability: { verdict: 'linearizable', registers: 3 } });
  expect(result.linearizability?.operations).toBe(result.acknowledged + result.unknown + result.reads);
  const text = await readFile(layout.reader, 'utf8');
  const seen = [...text.matchAll(/^a (\d+) \S+ (\d+):\d+;$/gm)];
  expect(seen.length).toBeGreaterThan(50);
  for (const [, seq, writer] of seen) expect(Number(writer) % 3).toBe(Number(seq) % 3);
});

test('R-SAGA-1: it is also when the probe was killed and started again, and an outage came between', async () => {
  await start();
  for (let round = 0; round < 2; round++) {
    await sleep(200);
    await kill();
    await start();
    await create('outage');
    await sleep(100);
    await remove('outage');
  }
  await sleep(200);
  await stop();
  expect(await ledger()).toMatchObject({ lost: 0, linearizability: { verdict: 'linearizable' } });
});

test('R-PROOF-1: of a run in progress it is the history so far; what is under way is open-ended', async () => {
  await start();
  for (let round = 0; round < 20; round++) {
    expect((await ledger()).linearizability).toMatchObject({ verdict: 'linearizable' });
  }
});

test('R-PROOF-2 control: acknowledged writes that are dropped are found by both checks in 10 of 10 runs', async () => {
  let found = 0;
  for (let round = 0; round < 10; round++) {
    await start();
    await sleep(100);
    const before = await ledger();
    expect(before).toMatchObject({ lost: 0, linearizability: { verdict: 'linearizable' } });
    await create('drop');
    await sleep(150);
    await remove('drop');
    await stop();
    const result = await ledger();
    if (result.lost > 0 && result.linearizability?.verdict === 'violated') found += 1;
    await rm(join(directory, runId), { recursive: true });
    await remove('store');
  }
  expect(found).toBe(10);
});

test('R-PROOF-2 control: reads of older values are found, though no write is lost', async () => {
  await start();
  await sleep(200);
  await create('stale');
  await sleep(200);
  await stop();
  const result = await ledger();
  expect(result).toMatchObject({ lost: 0, linearizability: { verdict: 'violated' } });
  expect(result.linearizability?.reason).toMatch(/register \d: no order explains/);
});

test('R-PROOF-2: without a program that checks it, the ledger says so and claims nothing', async () => {
  await start();
  await stop();
  const result = await runner(createHistoryChecker()).ledger(cluster, runId, ctx);
  expect(result).toMatchObject({ lost: 0, linearizability: { verdict: 'unchecked' } });
  expect(result.linearizability?.reason).toContain('no program');
});

test('R-PROOF-2: what a reader without registers wrote down is left out', async () => {
  await start();
  await stop();
  const { linearizability } = await ledger();
  const text = await readFile(layout.reader, 'utf8');
  const [, last] = /(\d+) \S+ ?\S*;\ne \S+;\n$/.exec(text) ?? [];
  const seq = Number(last) + 1;
  const at = (Date.now() + 1000).toFixed(3);
  await appendFile(layout.reader, `s 2 ${seq} ${at};\ni ${seq} ${at};\na ${seq} ${at};\n`);
  expect((await ledger()).linearizability).toEqual(linearizability);
});
