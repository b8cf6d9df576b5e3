import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { freePort } from '../../src/dev/free-port.js';
import { until } from '../../src/dev/postgres/until.js';
import { startTemporal, type TemporalServer } from '../../src/dev/temporal.js';

let directory: string;
const started: TemporalServer[] = [];

beforeEach(async () => {
  vi.stubEnv('TEMPORAL_ADDRESS', '');
  directory = await mkdtemp(join(tmpdir(), 'rollgate-temporal-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const server of started.splice(0)) await server.stop();
  await rm(directory, { recursive: true, force: true });
});

async function start(options: Parameters<typeof startTemporal>[0]): Promise<TemporalServer> {
  const server = await startTemporal(options);
  started.push(server);
  return server;
}

async function withClient<T>(server: TemporalServer, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: server.address });
  try {
    return await use(new Client({ connection, namespace: server.namespace }));
  } finally {
    await connection.close();
  }
}

const isAlive = (pid: number | undefined): boolean => {
  try {
    return pid !== undefined && process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('R-SAGA-1: a Temporal server killed with SIGKILL goes on from its file on the same port', async () => {
  const dbFile = join(directory, 'temporal.db');
  const port = await freePort();
  const first = await start({ dbFile, port });
  await withClient(first, (client) =>
    client.workflow.start('nobodyRunsThis', { workflowId: 'survivor', taskQueue: 'nobody' }),
  );
  process.kill(first.pid ?? 0, 'SIGKILL');
  await until('the server is gone', () => Promise.resolve(!isAlive(first.pid)));

  const second = await start({ dbFile, port });
  expect(second.address).toBe(first.address);
  expect(second.pid).not.toBe(first.pid);
  const found = await withClient(second, (client) => client.workflow.getHandle('survivor').describe());
  expect(found.status.name).toBe('RUNNING');

  await second.stop();
  expect(isAlive(second.pid)).toBe(false);
});

test('with a UI the server has an address for it that answers', async () => {
  const server = await start({ ui: true });
  await until('the UI answers', async () => (await fetch(server.uiUrl ?? '')).ok);
});

test('TEMPORAL_ADDRESS: the server that is there is used, nothing is started, and stop leaves it alone', async () => {
  const own = await start({});
  vi.stubEnv('TEMPORAL_ADDRESS', own.address);
  const given = await startTemporal();
  expect(given).toMatchObject({ address: own.address, namespace: 'default' });
  expect(given.pid).toBeUndefined();
  await given.stop();
  expect(isAlive(own.pid)).toBe(true);
});

test('a server that cannot start is an error with what it said, and leaves no process', async () => {
  const error = await startTemporal({ dbFile: join(directory, 'no', 'such', 'folder', 'x.db') }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(String(error)).toMatch(/did not start.*ended while it was started/);
});
