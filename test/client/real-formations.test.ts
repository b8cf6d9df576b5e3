import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ClusterFormationSpec,
  createRollgateClient,
  formationStages,
  type RollgateClient,
} from '../../src/client/index.js';
import { createStage, type Stage } from './support/temporal.js';

let stage: Stage;
let client: RollgateClient;

beforeEach(async () => {
  stage = await createStage();
  client = createRollgateClient({ connection: stage.connection, taskQueue: stage.taskQueue });
});
afterEach(() => stage.close());

const formation = () =>
  ClusterFormationSpec.parse({
    name: 'f',
    cluster: stage.cluster.name,
    seed: 'a',
    version: '1.0',
    expand: ['b'],
  });

describe('R-FORM-1: formations of the client', () => {
  it('are looked at and planned by a worker, which changes nothing', async () => {
    await stage.startWorker();
    const view = await client.inspectFormation(stage.cluster, formation());
    expect(view.mode.kind).toBe('known');
    const plan = await client.planFormation(stage.cluster, formation(), ['init', 'serve']);
    expect(plan).toMatchObject({ cluster: stage.cluster.name, target: '1.0, init, serve' });
    expect(plan.hash).toMatch(/^[0-9a-f]{16}$/);
    expect(stage.model.effects).toEqual([]);
  });

  it('without a worker fail at once and name the queue', async () => {
    const noWorker = { code: 'NO_WORKER', message: expect.stringContaining(stage.taskQueue) as string };
    await expect(client.inspectFormation(stage.cluster, formation())).rejects.toMatchObject(noWorker);
    await expect(client.planFormation(stage.cluster, formation(), ['init'])).rejects.toMatchObject(noWorker);
  });

  it('R-SAGA-2: are runs: one at a time beside upgrades, found by cluster, and listed', async () => {
    const input = { cluster: stage.cluster, formation: formation(), stages: formationStages };
    // Without a worker the first one stays where it is.
    const run = await client.startFormation({ ...input, expectPlan: 'feedfeedfeedfeed' });
    const second = { code: 'RUN_ALREADY_RUNNING', exitCode: 6 };
    await expect(client.startFormation(input)).rejects.toMatchObject(second);
    const upgrade = { cluster: stage.cluster, upgrade: stage.upgrade() };
    await expect(client.start(upgrade)).rejects.toMatchObject(second);

    await stage.startWorker();
    const end = await run.result();
    expect(end.run).toMatchObject({ kind: 'ClusterFormation', name: 'f', outcome: 'failed' });
    expect(end.failure?.code).toBe('PLAN_CHANGED');
    expect(end.spec).toMatchObject({ stages: formationStages, formation: { seed: 'a' } });
    expect(stage.model.effects).toEqual([]);

    const found = await client.get(stage.cluster.name);
    expect((await found.status()).run).toMatchObject({ id: run.runId, kind: 'ClusterFormation' });
    for (let tries = 0; ; tries++) {
      const [listed] = await client.list({ cluster: stage.cluster.name, phase: 'finished' });
      if (listed) {
        expect(listed).toMatchObject({
          kind: 'ClusterFormation',
          target: 'a cluster from a',
          runId: run.runId,
        });
        break;
      }
      expect(tries, 'the list shows the run within 10 s').toBeLessThan(100);
      await delay(100);
    }
  });
});
