import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { nodeSpec, type EffectContext } from '../../src/contracts/index.js';
import { createSampleCluster } from '../../src/dev/postgres/cluster.js';
import { sampleLaunch, type SampleCluster } from '../../src/dev/postgres/sample-cluster.js';
import { createHosts } from '../../src/hosts/registry.js';
import { processFacts } from '../../src/hosts/local/process-facts.js';
import { probeLayout } from '../../src/probe/layout.js';
import { latestSession } from '../../src/probe/process/sessions.js';
import { createProbeRunner } from '../../src/probe/runner.js';
import { createSystems } from '../../src/systems/registry.js';
import { createSecretResolver } from '../../src/worker/secrets.js';

const dist = process.env['ROLLGATE_DIST'] ?? fileURLToPath(new URL('../../dist', import.meta.url));
const options = { writers: 8, interval: 5, timeout: 5000 };
const runId = 'run-pg';
const ctx: EffectContext = { runId, signal: new AbortController().signal, heartbeat: () => undefined };
const host = createHosts();
const system = createSystems({ host, secrets: createSecretResolver() });

let sample: SampleCluster;
let directory: string;
beforeAll(async () => {
  sample = await createSampleCluster();
});
afterAll(() => sample.destroy());
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rollgate-probe-'));
  await system('postgres').scratch.create(sample.cluster, ctx);
});
afterEach(async () => {
  await probe().stop(runId, ctx);
  await system('postgres').scratch.drop(sample.cluster, ctx);
  await rm(directory, { recursive: true, force: true });
});

const probe = () => createProbeRunner({ system, directory, entry: join(dist, 'probe', 'main.js') });
const start = () => probe().start(sample.cluster, runId, options, ctx);
const ledger = () => probe().ledger(sample.cluster, runId, ctx);

async function pid(): Promise<number> {
  const session = await latestSession(probeLayout(directory, runId));
  if (session?.state !== 'alive') throw new Error('no probe lives');
  return session.pid;
}

async function ask<T extends object>(sql: string): Promise<T[]> {
  const client = new Client(sample.connection('pg-1'));
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('R-PROOF-2: eight writers, the probe killed and started again: 0 lost, no key twice', async () => {
  await start();
  await sleep(1500);
  const first = await pid();
  process.kill(first, 'SIGKILL');
  while (await processFacts(first)) await sleep(10);
  await sleep(500);
  await start();
  expect(await pid()).not.toBe(first);
  await sleep(1500);
  expect((await ledger()).lost).toBe(0);
  await probe().stop(runId, ctx);

  const result = await ledger();
  const [row] = await ask<{ n: number }>('SELECT count(*)::int AS n FROM rollgate.ledger');
  expect(result).toMatchObject({ lost: 0, resurrected: 0, writers: 8 });
  expect(result.unknown).toBeLessThanOrEqual(8);
  expect(result.acknowledged).toBeGreaterThan(200);
  expect(row?.n).toBeGreaterThanOrEqual(result.acknowledged);
  expect(row?.n).toBeLessThanOrEqual(result.acknowledged + result.unknown);
  expect(result.unobserved).toHaveLength(1);
  expect(result.reads).toBeGreaterThan(50);
});

test('R-PROOF-2 control: acknowledged rows that vanish from the cluster are found, each by its key', async () => {
  await start();
  await sleep(500);
  await probe().stop(runId, ctx);
  expect((await ledger()).lost).toBe(0);
  await ask('DELETE FROM rollgate.ledger WHERE writer = 3 AND seq IN (1, 4)');
  expect(await ledger()).toMatchObject({ lost: 2, lostKeys: ['run-pg/3/1', 'run-pg/3/4'] });
});

test('R-PROOF-2: a primary that is down for two seconds is a gap of about that', async () => {
  await start();
  await sleep(500);
  const node = nodeSpec(sample.cluster, 'pg-1');
  await host(node).stop(node, sampleLaunch(node), { timeoutMs: 20_000, pollMs: 10 }, ctx);
  const down = performance.now();
  await sleep(2000);
  await host(node).start(node, sampleLaunch(node), ctx);
  const upAgain = performance.now() - down;
  await sleep(2000);
  await probe().stop(runId, ctx);

  const result = await ledger();
  expect(result).toMatchObject({ lost: 0, resurrected: 0, unobserved: [] });
  expect(result.writeGaps[0]?.ms).toBeGreaterThan(2000);
  // What the server itself needs to stop and to recover is part of what clients saw.
  expect(result.writeGaps[0]?.ms).toBeLessThan(upAgain + 3000);
  // Replicas went on serving reads.
  expect(result.readGaps[0]?.ms).toBeLessThan(1000);
  expect(await readFile(probeLayout(directory, runId).log, 'utf8')).toContain('client waits');
});
