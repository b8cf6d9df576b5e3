import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createActivities } from '../../../src/activities/index.js';
import { RollingUpgradeSpec, type ClusterSpec } from '../../../src/contracts/index.js';
import { registerSearchAttributes } from '../../../src/worker/search-attributes.js';
import { Model, modelDependencies } from '../../fakes/model.js';

const bundle = fileURLToPath(new URL('../../../dist/workflow-bundle.js', import.meta.url));

Runtime.install({ logger: new DefaultLogger('ERROR') });

/** The Temporal server of this test run. */
export function temporalAddress(): string {
  const address = process.env.ROLLGATE_TEST_TEMPORAL;
  if (address === undefined) throw new Error('ROLLGATE_TEST_TEMPORAL is not set: run through vitest');
  return address;
}

export interface Stage {
  readonly connection: Connection;
  readonly taskQueue: string;
  readonly model: Model;
  readonly cluster: ClusterSpec;
  upgrade(fields?: Record<string, unknown>): RollingUpgradeSpec;
  startWorker(): Promise<void>;
  stopWorker(): Promise<void>;
  close(): Promise<void>;
}

/** A cluster of the model, on a task queue of its own, that a worker in this process serves when told to. */
export async function createStage(): Promise<Stage> {
  const address = temporalAddress();
  const connection = await Connection.connect({ address });
  await registerSearchAttributes(connection, 'default');
  const taskQueue = `test-${randomUUID()}`;
  const name = `c-${randomUUID().slice(0, 8)}`;
  const model = new Model();
  let stop: (() => Promise<void>) | undefined;

  const stage: Stage = {
    connection,
    taskQueue,
    model,
    cluster: model.cluster(name),
    upgrade: (fields = {}) =>
      RollingUpgradeSpec.parse({
        name: 'u',
        cluster: name,
        to: '1.1',
        soak: '0ms',
        poll: '10ms',
        timeouts: { gate: '2s', drain: '1s', rejoin: '1s', start: '1s' },
        ...fields,
      }),
    startWorker: async () => {
      const native = await NativeConnection.connect({ address });
      const worker = await Worker.create({
        connection: native,
        taskQueue,
        workflowBundle: { codePath: bundle },
        activities: createActivities(modelDependencies(model)),
      });
      const running = worker.run();
      stop = async () => {
        worker.shutdown();
        await running;
        await native.close();
      };
    },
    stopWorker: async () => {
      await stop?.();
      stop = undefined;
    },
    close: async () => {
      await stage.stopWorker();
      await connection.close();
    },
  };
  return stage;
}
