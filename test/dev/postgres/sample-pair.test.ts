import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterEach, expect, test, vi } from 'vitest';
import {
  createSamplePair,
  type SamplePair,
  type SamplePairOptions,
} from '../../../src/dev/postgres/sample-pair.js';
import type { SampleCluster } from '../../../src/dev/postgres/sample-cluster.js';
import { until } from '../../../src/dev/postgres/until.js';

const made: SamplePair[] = [];
afterEach(async () => {
  for (const pair of made.splice(0)) await pair.destroy();
});

async function pairOf(options?: SamplePairOptions): Promise<SamplePair> {
  const pair = await createSamplePair(options);
  made.push(pair);
  return pair;
}

async function ask<T extends object>(sample: SampleCluster, node: string, sql: string): Promise<T[]> {
  const client = new Client(sample.connection(node));
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

const versionAndLevel =
  "SELECT split_part(current_setting('server_version'), ' ', 1) AS version, current_setting('wal_level') AS wal";

test('each side subscribes to the other as the superuser of that other side', async () => {
  const { source, destination, pair } = await pairOf();
  expect(pair).toEqual({ source: source.cluster, destination: destination.cluster });
  expect(await ask(source, 'pg-1', versionAndLevel)).toEqual([{ version: '17.10', wal: 'logical' }]);
  expect(await ask(destination, 'new-1', versionAndLevel)).toEqual([{ version: '18.4', wal: 'logical' }]);
  expect(source.connection('pg-1').password).not.toBe(destination.connection('new-1').password);

  const stream = async (from: [SampleCluster, string], to: [SampleCluster, string], table: string) => {
    const { host, port, user, password, database } = from[0].connection(from[1]);
    await ask(...from, `CREATE TABLE ${table} (id int PRIMARY KEY)`);
    await ask(...to, `CREATE TABLE ${table} (id int PRIMARY KEY)`);
    await ask(...from, `CREATE PUBLICATION p FOR TABLE ${table}`);
    const conninfo = `host=${host} port=${port} user=${user} password=${password} dbname=${database}`;
    await ask(...to, `CREATE SUBSCRIPTION s CONNECTION '${conninfo}' PUBLICATION p WITH (origin = none)`);
    await ask(...from, `INSERT INTO ${table} SELECT generate_series(1, 10)`);
    await until(`the rows of ${table} have arrived`, async () => {
      const [found] = await ask<{ n: string }>(...to, `SELECT count(*) AS n FROM ${table}`);
      return found?.n === '10';
    });
  };
  await stream([source, 'pg-1'], [destination, 'new-1'], 'forward');
  await stream([destination, 'new-1'], [source, 'pg-1'], 'back');
});

test('standbys follow on both sides', async () => {
  const { source, destination } = await pairOf({ nodes: 2, destinationNodes: 2, version: '17.5' });
  const senders = 'SELECT application_name AS id, state, sync_state AS sync FROM pg_stat_replication';
  expect(await ask(source, 'pg-1', senders)).toEqual([{ id: 'pg-2', state: 'streaming', sync: 'quorum' }]);
  expect(await ask(destination, 'new-1', senders)).toEqual([
    { id: 'new-2', state: 'streaming', sync: 'quorum' },
  ]);
  expect(await ask(source, 'pg-2', versionAndLevel)).toEqual([{ version: '17.5', wal: 'logical' }]);
  expect(await ask(destination, 'new-2', versionAndLevel)).toEqual([{ version: '18.4', wal: 'logical' }]);
});

test('both sides are gone when a pair is destroyed', async () => {
  const pair = await createSamplePair();
  await pair.destroy();
  await expect(ask(pair.source, 'pg-1', 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
  await expect(ask(pair.destination, 'new-1', 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
});

test('nothing is left of a pair of which one side cannot be made', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'rollgate-pair-'));
  await chmod(directory, 0o755);
  vi.stubEnv('TMPDIR', directory);
  try {
    const unknown = { version: '9.9' as '17.10' };
    await expect(createSamplePair(unknown)).rejects.toThrow('PostgreSQL 9.9 is not installed');
    expect((await readdir(directory)).filter((name) => !name.startsWith('rollgate-dev-'))).toEqual([]);
  } finally {
    vi.unstubAllEnvs();
    await rm(directory, { recursive: true });
  }
});
