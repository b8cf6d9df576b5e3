import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createRollgateClient, type RunHandle } from '../../client/index.js';
import { RollgateError, type RunState } from '../../contracts/index.js';
import { RollingUpgradeSpec } from '../../contracts/spec.js';
import { describePlan } from '../../planning/describe.js';
import { writeArtifacts } from '../../report/write-artifacts.js';
import { connectTemporal } from '../../worker/connection.js';
import { faultFiles, firedFaults, type PlannedFault } from '../faults.js';
import { withBrokenTarget } from '../postgres/broken-artifact.js';
import { createSampleCluster } from '../postgres/cluster.js';
import { startTemporal } from '../temporal.js';
import { superviseWorker } from '../worker-process.js';
import { describeFault, printEnd, say, tellProgress } from './print.js';

/**
 * The demo: a real three-node PostgreSQL cluster under eight writers goes from 17.5 to 17.10 while its worker is
 * killed three times. `--keep` leaves everything running, `--fail` shows a target that does not start.
 */
const { values: flags } = parseArgs({
  options: { keep: { type: 'boolean', default: false }, fail: { type: 'boolean', default: false } },
});

const kills: readonly PlannedFault[] = [
  { activity: 'drainNode', at: 'during', nth: 1 },
  { activity: 'fencePrimary', at: 'after', nth: 1 },
  { activity: 'installArtifact', at: 'during', nth: 1, node: 'pg-1' },
];

const artifacts = resolve('artifacts');
const work = mkdtempSync(join(tmpdir(), 'rollgate-demo-'));
chmodSync(work, 0o755);
const faultDirectory = join(work, 'faults');
mkdirSync(faultDirectory);
mkdirSync(artifacts, { recursive: true });

const cleanUp: (() => Promise<void>)[] = [];
const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => interrupt.abort());
}

try {
  process.exitCode = await demo();
} catch (error) {
  if (!(error instanceof RollgateError)) throw error;
  console.error(`error ${error.code}: ${error.message}\n  remedy: ${error.remedy}`);
  process.exitCode = error.exitCode;
} finally {
  while (flags.keep && process.exitCode === 0 && !interrupt.signal.aborted) await delay(200);
  for (const step of cleanUp.reverse()) await step();
  rmSync(work, { recursive: true, force: true });
}

async function demo(): Promise<number> {
  say('Temporal');
  const temporal = await startTemporal({
    ui: true,
    outlive: true,
    onProgress: (line) => console.log(`  ${line}`),
  });
  cleanUp.push(() => temporal.stop());
  process.env.TEMPORAL_ADDRESS = temporal.address;
  process.env.TEMPORAL_NAMESPACE = temporal.namespace;
  console.log(`  server ${temporal.address}${temporal.uiUrl === undefined ? '' : `, UI ${temporal.uiUrl}`}`);

  say('PostgreSQL 17.5: three nodes, synchronous, ANY 1');
  const sample = await createSampleCluster({ directory: join(work, 'cluster'), name: 'orders' });
  cleanUp.push(() => sample.destroy());
  const cluster = flags.fail ? await withBrokenTarget(sample.cluster, work, 'dies') : sample.cluster;
  for (const node of cluster.nodes) console.log(`  ${node.id}  ${node.address}`);

  if (!flags.fail) writeFileSync(join(faultDirectory, faultFiles.planFile), JSON.stringify(kills));
  const worker = superviseWorker({
    log: join(work, 'worker.log'),
    env: { ROLLGATE_FAULTS: faultDirectory, ROLLGATE_TASK_QUEUE: 'rollgate', ROLLGATE_ARTIFACTS: artifacts },
    onDeath: (how) => console.log(`  ✗ the worker died (${how}); it is started again`),
  });
  cleanUp.push(() => worker.stop());

  const { connection, namespace } = await connectTemporal();
  cleanUp.push(() => connection.close());
  const client = createRollgateClient({ connection, namespace });
  const upgrade = RollingUpgradeSpec.parse({
    name: 'orders-17.10',
    cluster: 'orders',
    to: '17.10',
    onFailure: 'rollback',
    soak: '2s',
    timeouts: flags.fail ? { start: '15s' } : {},
    probe: { writers: 8, interval: '5ms' },
  });

  say('Plan');
  const plan = await planWhenServed(() => client.plan(cluster, upgrade));
  console.log(indent(describePlan(plan)));

  say('Run: eight writers write throughout');
  const handle = await client.start({ cluster, upgrade, expectPlan: plan.hash });
  if (temporal.uiUrl !== undefined) {
    const path = `namespaces/${namespace}/workflows/${encodeURIComponent(`rollgate/${cluster.name}`)}`;
    console.log(`  watch it: ${temporal.uiUrl}/${path}`);
  }
  const ended = await follow(handle);
  const state = {
    ...ended,
    faults: firedFaults(faultDirectory).map((f) => ({
      kind: 'worker killed with SIGKILL',
      during: describeFault(f),
      at: f.firedAt,
    })),
  };
  const { directory } = await writeArtifacts(state, artifacts);
  const ok = printEnd(state, {
    expected: flags.fail ? 'rolled-back' : 'completed',
    kills: flags.fail ? 0 : kills.length,
  });
  if (flags.keep) keepHint(temporal, sample.directory);
  console.log(`\n${join(directory, 'summary.json')}`);
  return ok ? 0 : 1;
}

/** The worker has just been started: no worker yet is no failure here. */
async function planWhenServed<T>(plan: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await plan();
    } catch (error) {
      if (!(error instanceof RollgateError) || error.code !== 'NO_WORKER' || tries >= 30) throw error;
      await delay(500);
    }
  }
}

async function follow(handle: RunHandle): Promise<RunState> {
  let told = 0;
  for (;;) {
    if (interrupt.signal.aborted)
      throw new RollgateError('WAIT_TIMED_OUT', 'interrupted', 'Start the demo again.');
    const state = await statusOrNothing(handle);
    if (state) {
      told = tellProgress(state, told);
      if (state.run.outcome !== 'running') return handle.result();
    }
    await delay(200);
  }
}

/** While the worker is dead nobody answers the query; that is part of the show. */
async function statusOrNothing(handle: RunHandle): Promise<RunState | undefined> {
  try {
    return await handle.status();
  } catch (error) {
    if (error instanceof RollgateError && error.retryable) return undefined;
    throw error;
  }
}

function keepHint(temporal: { address: string; uiUrl?: string }, directory: string): void {
  say('Left running; commands to try');
  console.log(`  export TEMPORAL_ADDRESS=${temporal.address}`);
  console.log('  node dist/client/cli/main.js status orders');
  console.log('  node dist/client/cli/main.js list');
  console.log(`  node dist/client/cli/main.js doctor -f ${join(directory, 'cluster.yaml')}`);
  console.log('  node dist/client/cli/main.js report orders --out artifacts');
  if (temporal.uiUrl !== undefined) console.log(`  ${temporal.uiUrl}`);
  console.log('  Press Ctrl-C here to end everything.');
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ');
}
