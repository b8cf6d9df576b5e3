import { join } from 'node:path';
import { ClusterFormationSpec, formationStages } from '../../contracts/spec.js';
import { prepareGoTool } from '../etcd/binaries.js';
import { createEtcdSampleCluster } from '../etcd/cluster.js';
import type { PlannedFault } from '../faults.js';
import { say } from './print.js';
import type { DemoStage } from './stage.js';

const kills: readonly PlannedFault[] = [
  { activity: 'snapshotStandalone', at: 'after', nth: 1 },
  { activity: 'addLearner', at: 'after', nth: 1 },
];

const keys = 1000;

/** A standalone etcd with data in it becomes a cluster of three, while its worker is killed twice. */
export async function playFormation(stage: DemoStage): Promise<boolean> {
  const { client, work } = stage;
  const onProgress = (line: string): void => console.log(`  ${line}`);
  say('etcd 3.6.16: one standalone, and two machines that are to join');
  const { program } = await prepareGoTool('linearizability', onProgress);
  const sample = await createEtcdSampleCluster({
    directory: join(work, 'cluster'),
    name: 'config',
    version: '3.6.16',
    artifacts: ['3.6.16'],
    standalone: true,
    onProgress,
  });
  stage.later(() => sample.destroy());
  const { cluster } = sample;
  for (let i = 0; i < keys; i++) await sample.put('etcd-1', `orders/${i}`, `order ${i}`);
  console.log(`  ${keys} keys written to etcd-1`);
  stage.plan(kills, { ROLLGATE_HISTORY_CHECKER: program });

  const formation = ClusterFormationSpec.parse({
    name: 'config-three',
    cluster: 'config',
    seed: 'etcd-1',
    version: '3.6.16',
    expand: ['etcd-2', 'etcd-3'],
    probe: { writers: 8, interval: '10ms' },
  });
  const stages = formationStages;
  const plan = await stage.show(() => client.planFormation(cluster, formation, stages));
  say('Run: from the first member on, eight writers write');
  const handle = await client.startFormation({ cluster, formation, stages, expectPlan: plan.hash });
  const good = await stage.follow(handle, { expected: 'completed', kills: kills.length });

  for (const { id } of cluster.nodes) {
    for (let i = 0; i < keys; i++) {
      if ((await sample.get(id, `orders/${i}`, { local: true })) !== `order ${i}`) {
        console.log(`✗ orders/${i} is not what it was on ${id}`);
        return false;
      }
    }
  }
  console.log(`every one of the ${keys} keys is on ${cluster.nodes.map((n) => n.id).join(', ')}`);
  return good;
}
