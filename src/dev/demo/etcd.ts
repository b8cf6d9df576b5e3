import { join } from 'node:path';
import { RollingUpgradeSpec } from '../../contracts/spec.js';
import { prepareGoTool } from '../etcd/binaries.js';
import { createEtcdSampleCluster } from '../etcd/cluster.js';
import type { PlannedFault } from '../faults.js';
import { say } from './print.js';
import type { DemoStage } from './stage.js';

const kills: readonly PlannedFault[] = [
  { activity: 'drainNode', at: 'during', nth: 1 },
  { activity: 'transferPrimary', at: 'after', nth: 1 },
];

/**
 * A real three-member etcd under eight writers goes from 3.5 to 3.6, with the approval before the last member and
 * the switch of the cluster version, while its worker is killed twice; then back by etcd's downgrade.
 */
export async function playEtcd(stage: DemoStage): Promise<boolean> {
  const { client, work } = stage;
  const onProgress = (line: string): void => console.log(`  ${line}`);
  say('etcd 3.5.35: three members');
  const { program } = await prepareGoTool('linearizability', onProgress);
  const sample = await createEtcdSampleCluster({
    directory: join(work, 'cluster'),
    name: 'config',
    onProgress,
  });
  stage.later(() => sample.destroy());
  const { cluster } = sample;
  for (const node of cluster.nodes) console.log(`  ${node.id}  ${node.address}`);
  stage.plan(kills, { ROLLGATE_HISTORY_CHECKER: program });

  const run = async (name: string, to: string, killed: number): Promise<boolean> => {
    const upgrade = RollingUpgradeSpec.parse({
      name,
      cluster: 'config',
      to,
      onFailure: 'rollback',
      soak: '1s',
      switch: { approval: true, burnIn: '2s' },
      probe: { writers: 8, interval: '10ms' },
    });
    const plan = await stage.show(() => client.plan(cluster, upgrade));
    say(`Run to ${to}: eight writers write throughout`);
    const handle = await client.start({ cluster, upgrade, expectPlan: plan.hash });
    return stage.follow(handle, { expected: 'completed', kills: killed });
  };
  const up = await run('config-3.6.16', '3.6.16', kills.length);
  if (!up) return false;
  say('And back, by the downgrade of etcd');
  return run('config-3.5.35', '3.5.35', 0);
}
