import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createHosts } from '../../hosts/registry.js';
import { createProbeRunner } from '../../probe/runner.js';
import { createSystems } from '../../systems/registry.js';
import { connectTemporal } from '../../worker/connection.js';
import { registerSearchAttributes } from '../../worker/search-attributes.js';
import { createSecretResolver } from '../../worker/secrets.js';
import { createSampleCluster } from '../postgres/cluster.js';
import { sampleContext, type SampleCluster } from '../postgres/sample-cluster.js';
import { runScenario } from '../scenario/run.js';
import { startTemporal } from '../temporal.js';
import { median } from './figures.js';
import { plainHandover, plainRoll } from './plain-script.js';

/**
 * Our handover and roll against a plain script on clusters of the same make, in turns, under the same eight
 * writers; each figure is a ratio within this run. `ROLLGATE_BENCH_ROUNDS` sets the number of rounds (5).
 */
const rounds = Number(process.env.ROLLGATE_BENCH_ROUNDS ?? 5);
const intervalMs = 20;
const writers = { writers: 8, interval: `${intervalMs}ms` };

export async function benchUpgrade(): Promise<void> {
  const temporal = await startTemporal({ onProgress: (line) => console.error(line) });
  process.env.TEMPORAL_ADDRESS = temporal.address;
  try {
    await compareWithScript();
  } finally {
    await temporal.stop();
  }
}

async function compareWithScript(): Promise<void> {
  const { connection, namespace } = await connectTemporal();
  await registerSearchAttributes(connection, namespace);
  await connection.close();
  const gaps = { script: [] as number[], ours: [] as number[], killed: [] as number[] };
  const rolls = { script: [] as number[], ours: [] as number[] };
  for (let round = 1; round <= rounds; round++) {
    gaps.script.push(await measured((sample) => plainHandover(sample, 'pg-1', 'pg-2')).then((m) => m.gapMs));
    rolls.script.push(await measured((sample) => plainRoll(sample, '17.10')).then((m) => m.tookMs));
    const ours = await roll([]);
    gaps.ours.push(ours.gapMs);
    rolls.ours.push(ours.tookMs);
    gaps.killed.push((await roll([{ activity: 'fencePrimary', at: 'after', nth: 1 }])).gapMs);
    console.error(`round ${round}: ${JSON.stringify({ gaps, rolls })}`);
  }
  const [script, gap, killed] = [median(gaps.script), median(gaps.ours), median(gaps.killed)];
  const [scriptRoll, ourRoll] = [median(rolls.script), median(rolls.ours)];
  console.log(`median of ${rounds}, 8 writers with a pause of ${intervalMs} ms, 3 nodes, synchronous ANY 1`);
  console.log(
    `write gap of a handover      script ${script} ms   rollgate ${gap} ms   ratio ${(gap / script).toFixed(2)}`,
  );
  console.log(
    `  worker killed in between   rollgate ${killed} ms   ratio to undisturbed ${(killed / gap).toFixed(2)}`,
  );
  console.log(
    `whole roll                   script ${scriptRoll} ms   rollgate ${ourRoll} ms   ratio ${(ourRoll / scriptRoll).toFixed(2)}`,
  );
}

/** Our own run: its write gap, and its time from the first drain to the last node complete. */
async function roll(
  faults: Parameters<typeof runScenario>[0]['faults'],
): Promise<{ gapMs: number; tookMs: number }> {
  const { state } = await runScenario({ faults, upgrade: { soak: '0ms', probe: writers } });
  if (state.run.outcome !== 'completed')
    throw new Error(`the run is ${state.run.outcome}: ${state.failure?.message ?? ''}`);
  if (state.writes?.lost !== 0) throw new Error('writes were lost');
  const starts = state.nodes.flatMap((n) => (n.startedAt === undefined ? [] : [Date.parse(n.startedAt)]));
  const ends = state.nodes.flatMap((n) => (n.endedAt === undefined ? [] : [Date.parse(n.endedAt)]));
  return { gapMs: state.writes.writeGaps[0]?.ms ?? 0, tookMs: Math.max(...ends) - Math.min(...starts) };
}

/** A script under the same probe that our runs use. */
async function measured(
  script: (sample: SampleCluster) => Promise<void>,
): Promise<{ gapMs: number; tookMs: number }> {
  const work = mkdtempSync(join(tmpdir(), 'rollgate-bench-'));
  chmodSync(work, 0o755);
  const sample = await createSampleCluster({ directory: join(work, 'cluster'), name: 'bench' });
  try {
    const secrets = createSecretResolver();
    const systems = createSystems({ host: createHosts(), secrets });
    const system = systems('postgres');
    const entry = fileURLToPath(new URL('../../probe/main.js', import.meta.url));
    const probe = createProbeRunner({ system: systems, directory: join(work, 'artifacts'), entry });
    const ctx = { ...sampleContext, runId: 'bench' };
    await system.scratch.create(sample.cluster, ctx);
    await probe.start(sample.cluster, 'bench', { writers: 8, interval: intervalMs, timeout: 5000 }, ctx);
    await delay(1000);
    const began = performance.now();
    await script(sample);
    const tookMs = Math.round(performance.now() - began);
    await delay(1000);
    await probe.stop('bench', ctx);
    const ledger = await probe.ledger(sample.cluster, 'bench', ctx);
    return { gapMs: ledger.writeGaps[0]?.ms ?? 0, tookMs };
  } finally {
    await sample.destroy();
    rmSync(work, { recursive: true, force: true });
  }
}
