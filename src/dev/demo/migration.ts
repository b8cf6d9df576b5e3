import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunHandle } from '../../client/index.js';
import type { RunState } from '../../contracts/index.js';
import { StorageMigrationSpec } from '../../contracts/spec.js';
import type { PlannedFault } from '../faults.js';
import { makeMigrationSample } from '../scenario/migration.js';
import { say } from './print.js';
import type { DemoStage } from './stage.js';

const kills: readonly PlannedFault[] = [
  { activity: 'copyRanges', at: 'during', nth: 1 },
  { activity: 'hashRanges', at: 'during', nth: 1 },
  { activity: 'fenceSide', at: 'after', nth: 1 },
];

/**
 * A live PostgreSQL 17.10 with replicas becomes an 18.4 under eight writers, while its worker is killed three times;
 * the writes move, come back, move again, and the new cluster is accepted.
 */
export async function playMigration(stage: DemoStage): Promise<boolean> {
  const { client, work } = stage;
  say('PostgreSQL 17.10 with two replicas, and an empty 18.4 with one');
  const directory = join(work, 'pair');
  const sample = await makeMigrationSample(
    { name: 'orders', directory, nodes: 3, destinationNodes: 2 },
    200_000,
  );
  stage.later(() => sample.destroy());
  const { cluster, destination } = sample;
  for (const node of [...cluster.nodes, ...destination.nodes]) console.log(`  ${node.id}  ${node.address}`);
  stage.plan(kills);

  const migration = StorageMigrationSpec.parse({
    name: 'orders-to-18',
    source: cluster.name,
    destination: destination.name,
    observe: { for: '20s' },
    probe: { writers: 8, interval: '5ms' },
  });
  const input = { cluster, destination, migration };
  const plan = await stage.show(() => client.planMigration(input));
  say('Run: eight writers write throughout');
  const handle = await client.startMigration({ ...input, expectPlan: plan.hash });
  const good = await stage.follow(handle, {
    expected: 'completed',
    kills: kills.length,
    instead: cutBackOnce,
  });
  return good;
}

/** With the time of observation this is a minute. */
const longer = 40_000;

/** The first time that the acceptance is asked for, everything is taken back instead. */
async function cutBackOnce(handle: RunHandle, { waiting, migration, spec }: RunState): Promise<boolean> {
  const moved = migration?.switches.filter((s) => s.result === 'done').length ?? 0;
  if (waiting?.step !== 'accept' || moved !== 1) return false;
  console.log(`  … ${spec.migration?.destination ?? ''} is written to for ${longer / 1000} s more`);
  await delay(longer);
  console.log(`  → the demo goes back instead: rollgate rollback ${handle.cluster}`);
  await handle.rollback({ by: 'the demo', reason: 'to show that nothing is lost on the way back' });
  return true;
}
