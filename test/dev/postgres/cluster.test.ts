import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterEach, expect, test } from 'vitest';
import { nodeSpec } from '../../../src/contracts/index.js';
import { createSampleCluster } from '../../../src/dev/postgres/cluster.js';
import { sampleContext, sampleLaunch, type SampleCluster } from '../../../src/dev/postgres/sample-cluster.js';
import { until } from '../../../src/dev/postgres/until.js';
import { createLocalHost } from '../../../src/hosts/local/host.js';

const made: SampleCluster[] = [];
afterEach(async () => {
  for (const sample of made.splice(0)) await sample.destroy();
});

async function sampleOf(version: '17.5' | '17.10', synchronous?: null): Promise<SampleCluster> {
  const sample = await createSampleCluster({ version, synchronous });
  made.push(sample);
  return sample;
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

const walSenders =
  'SELECT application_name AS id, state, sync_state AS sync FROM pg_stat_replication ORDER BY 1';

test.each(['17.5', '17.10'] as const)(
  'a sample cluster on %s has a primary and two replicas that confirm its commits',
  async (version) => {
    const sample = await sampleOf(version);

    expect(await ask(sample, 'pg-1', walSenders)).toEqual([
      { id: 'pg-2', state: 'streaming', sync: 'quorum' },
      { id: 'pg-3', state: 'streaming', sync: 'quorum' },
    ]);
    for (const node of ['pg-1', 'pg-2', 'pg-3']) {
      const rows = await ask(
        sample,
        node,
        "SELECT pg_is_in_recovery() AS replica, split_part(current_setting('server_version'), ' ', 1) AS version, current_setting('cluster_name') AS name",
      );
      expect(rows).toEqual([{ replica: node !== 'pg-1', version, name: node }]);
    }
    await ask(sample, 'pg-1', 'CREATE TABLE t AS SELECT 42 AS n');
    for (const node of ['pg-2', 'pg-3']) {
      await until('the row is there', async () => (await ask(sample, node, 'SELECT n FROM t')).length === 1);
    }
  },
);

test('a replica on 17.10 follows a primary on 17.5 and applies what it writes', async () => {
  const sample = await sampleOf('17.5');
  const host = createLocalHost();
  const replace = async (id: string) => {
    const node = nodeSpec(sample.cluster, id);
    const launch = sampleLaunch(node);
    const artifact = sample.cluster.artifacts['17.10'];
    if (!artifact) throw new Error('no artifact of 17.10');
    await host.stop(node, launch, { timeoutMs: 30_000, pollMs: 20 }, sampleContext);
    await host.install(node, '17.10', artifact, launch, sampleContext);
    await host.start(node, launch, sampleContext);
    expect(await host.installed(node, sampleContext)).toBe('17.10');
  };

  await replace('pg-2');
  await until('the replica on 17.10 streams from the primary on 17.5', async () => {
    const rows = await ask<{ id: string; state: string }>(sample, 'pg-1', walSenders);
    return rows.some(({ id, state }) => id === 'pg-2' && state === 'streaming');
  });
  const versionOf = async (id: string) =>
    (await ask<{ v: string }>(sample, id, "SELECT current_setting('server_version_num') AS v"))[0]?.v;
  expect([await versionOf('pg-1'), await versionOf('pg-2')]).toEqual(['170005', '170010']);

  await ask(sample, 'pg-1', 'CREATE TABLE mixed AS SELECT generate_series(1, 1000) AS n');
  await until('it applies what the primary writes', async () => {
    const rows = await ask<{ n: string }>(sample, 'pg-2', 'SELECT count(*) AS n FROM mixed');
    return rows[0]?.n === '1000';
  });
});

test('R-SPEC-3: no password of a sample cluster is in its document, its configuration or its logs', async () => {
  const sample = await sampleOf('17.5');
  const { password } = sample.connection('pg-1');
  const passfile = await readFile(join(sample.directory, 'replication.pgpass'), 'utf8');
  const secrets = [password, passfile.trim().split(':')[4] ?? ''];
  expect(secrets.every((secret) => secret.length > 20)).toBe(true);

  const files = ['cluster.yaml'];
  for (const id of ['pg-1', 'pg-2', 'pg-3']) {
    files.push(`${id}/log/node.log`, `${id}/rollgate/journal.ndjson`);
    files.push(`${id}/data/postgresql.conf`, `${id}/data/postgresql.auto.conf`, `${id}/data/pg_hba.conf`);
  }
  for (const file of files) {
    const text = await readFile(join(sample.directory, file), 'utf8');
    for (const secret of secrets) expect(text.includes(secret), file).toBe(false);
  }
  expect((await stat(join(sample.directory, 'password'))).mode & 0o777).toBe(0o600);
  expect((await stat(join(sample.directory, 'replication.pgpass'))).mode & 0o777).toBe(0o600);
});

test('stopped nodes keep their data, and a destroyed cluster leaves neither process nor file', async () => {
  const sample = await sampleOf('17.5', null);
  const host = createLocalHost();
  await ask(sample, 'pg-1', 'CREATE TABLE t AS SELECT 1 AS n');
  await sample.stop();
  for (const node of sample.cluster.nodes) {
    expect(await host.status(node, sampleLaunch(node), sampleContext)).toMatchObject({ kind: 'stopped' });
  }
  const [first] = sample.cluster.nodes;
  if (!first) throw new Error('no node');
  await host.start(first, sampleLaunch(first), sampleContext);
  await until('the row is there', async () => (await ask(sample, 'pg-1', 'SELECT n FROM t')).length === 1);
  const running = await host.status(first, sampleLaunch(first), sampleContext);

  await sample.destroy();
  await expect(stat(sample.directory)).rejects.toThrow('ENOENT');
  if (running.kind !== 'running') throw new Error(`the node is ${running.kind}`);
  expect(() => process.kill(running.pid, 0)).toThrow('ESRCH');
});
