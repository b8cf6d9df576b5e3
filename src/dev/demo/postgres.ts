import { join } from 'node:path';
import { RollingUpgradeSpec } from '../../contracts/spec.js';
import type { PlannedFault } from '../faults.js';
import { withBrokenTarget } from '../postgres/broken-artifact.js';
import { createSampleCluster } from '../postgres/cluster.js';
import { say } from './print.js';
import type { DemoStage } from './stage.js';

const kills: readonly PlannedFault[] = [
  { activity: 'drainNode', at: 'during', nth: 1 },
  { activity: 'fencePrimary', at: 'after', nth: 1 },
  { activity: 'installArtifact', at: 'during', nth: 1, node: 'pg-1' },
];

/**
 * A real three-node PostgreSQL cluster under eight writers goes from 17.5 to 17.10 while its worker is killed three
 * times; with `fail` the target does not start, and the run goes back.
 */
export async function playPostgres(stage: DemoStage, { fail }: { fail: boolean }): Promise<boolean> {
  const { client, work } = stage;
  say('PostgreSQL 17.5: three nodes, synchronous, ANY 1');
  const sample = await createSampleCluster({ directory: join(work, 'cluster'), name: 'orders' });
  stage.later(() => sample.destroy());
  const cluster = fail ? await withBrokenTarget(sample.cluster, work, 'dies') : sample.cluster;
  for (const node of cluster.nodes) console.log(`  ${node.id}  ${node.address}`);

  stage.plan(fail ? [] : kills);
  const upgrade = RollingUpgradeSpec.parse({
    name: 'orders-17.10',
    cluster: 'orders',
    to: '17.10',
    onFailure: 'rollback',
    soak: '2s',
    timeouts: fail ? { start: '15s' } : {},
    probe: { writers: 8, interval: '5ms' },
  });
  const plan = await stage.show(() => client.plan(cluster, upgrade));
  say('Run: eight writers write throughout');
  const handle = await client.start({ cluster, upgrade, expectPlan: plan.hash });
  return stage.follow(handle, {
    expected: fail ? 'rolled-back' : 'completed',
    kills: fail ? 0 : kills.length,
  });
}
