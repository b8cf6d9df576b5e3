import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { nodeSpec, type EffectContext, type WriteLedger } from '../../src/contracts/index.js';
import { createSampleCluster } from '../../src/dev/postgres/cluster.js';
import type { SampleCluster } from '../../src/dev/postgres/sample-cluster.js';
import { runScenario } from '../../src/dev/scenario/run.js';
import { layoutOf } from '../../src/hosts/local/layout.js';
import { createHosts } from '../../src/hosts/registry.js';
import { createProbeRunner } from '../../src/probe/runner.js';
import { createSystems } from '../../src/systems/registry.js';
import { createSecretResolver } from '../../src/worker/secrets.js';
import { sql, stall } from './support/lag.js';

const minutes = (n: number) => ({ timeout: n * 60_000 });
const ctx: EffectContext = {
  runId: 'control',
  signal: new AbortController().signal,
  heartbeat: () => undefined,
};
const missing = 64 * 1024;

/** What the product never does: the new primary is made while the old one serves, whatever it has applied. */
async function handoverWithoutFenceAndGate(sample: SampleCluster): Promise<void> {
  await sql(sample, 'pg-2', 'SELECT pg_promote()');
  const data = layoutOf(nodeSpec(sample.cluster, 'pg-1')).dataDir;
  const postmaster = Number((await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')[0]);
  process.kill(postmaster, 'SIGKILL');
}

/** One such handover under the product's own probe, and what the product's own ledger says of it. */
async function unfencedRun(): Promise<WriteLedger> {
  const directory = await mkdtemp(join(tmpdir(), 'rollgate-control-'));
  const sample = await createSampleCluster();
  const system = createSystems({ host: createHosts(), secrets: createSecretResolver() });
  const entry = fileURLToPath(new URL('../../dist/probe/main.js', import.meta.url));
  const probe = createProbeRunner({ system, directory, entry });
  try {
    await system('postgres').scratch.create(sample.cluster, ctx);
    await probe.start(sample.cluster, ctx.runId, { writers: 4, interval: 5, timeout: 2000 }, ctx);
    const resume = await stall(sample, 'pg-1', 'pg-2', missing);
    try {
      await handoverWithoutFenceAndGate(sample);
    } finally {
      resume();
    }
    await delay(300);
    await probe.stop(ctx.runId, ctx);
    return await probe.ledger(sample.cluster, ctx.runId, ctx);
  } finally {
    await probe.stop(ctx.runId, ctx);
    await sample.destroy();
    await rm(directory, { recursive: true, force: true });
  }
}

describe('R-PROOF-2: a control that must fail', () => {
  it(
    'without fence and gate, the ledger reports lost writes in every one of 10 runs',
    minutes(5),
    async () => {
      const ledgers: WriteLedger[] = [];
      for (let pair = 0; pair < 5; pair += 1) {
        ledgers.push(...(await Promise.all([unfencedRun(), unfencedRun()])));
      }
      expect(ledgers).toHaveLength(10);
      for (const ledger of ledgers) {
        expect(ledger.acknowledged).toBeGreaterThan(0);
        expect(ledger.lost).toBeGreaterThan(0);
        expect(ledger.lostKeys.length).toBeGreaterThan(0);
      }
    },
  );

  it.each([
    ['the gate on lag holds', 'others-in-sync', '16KiB', /others-in-sync hold/],
    ['the canary holds, where the accepted lag is larger', 'canary-replicated', '1GiB', /CANARY_MISSING/],
  ] as const)(
    'the product under the same lag: %s, nothing is fenced, and no write is lost',
    minutes(4),
    async (_title, gate, maxLag, seen) => {
      const { state, journals } = await runScenario({
        upgrade: {
          maxLag,
          onFailure: 'wait',
          approvals: { before: ['handover'] },
          timeouts: { gate: '2s', drain: '2s' },
        },
        during: async ({ sample, handle, until }) => {
          const waiting = await until('it waits', (s) => s.waiting !== undefined);
          const resume = await stall(sample, 'pg-1', 'pg-2', missing);
          try {
            await handle.approve({ by: 'the test', step: 'handover/default', planHash: waiting.plan?.hash });
            const held = await until('the run is blocked', (s) => s.phase === 'blocked');
            expect(held.gates.filter((g) => g.name === gate && g.verdict === 'hold')).not.toEqual([]);
            expect(held.fence).toBeUndefined();
            expect(await sql(sample, 'pg-1', 'SELECT pg_is_in_recovery() AS replica')).toEqual([
              { replica: false },
            ]);
          } finally {
            resume();
          }
          await handle.retry({ by: 'the test', reason: 'the lag is gone' });
        },
      });
      expect(state.timeline.map((e) => e.text).join('\n')).toMatch(seen);
      expect(state.run.outcome).toBe('completed');
      expect(state.writes?.lost).toBe(0);
      expect(journals['pg-1']?.filter((l) => l.action === 'stop')).toHaveLength(1);
    },
  );
});
