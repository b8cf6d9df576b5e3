import { readFile, writeFile } from 'node:fs/promises';
import { createSecretResolver } from '../../../src/worker/secrets.js';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterSpec, Obstacle } from '../../../src/contracts/index.js';
import { createSessions } from '../../../src/systems/postgres/connection.js';
import { readFacts } from '../../../src/systems/postgres/facts.js';
import { obstaclesOf } from '../../../src/systems/postgres/obstacles.js';
import type { Answer } from '../../../src/systems/postgres/answer.js';
import { codesOf, realCluster, until, type Real } from './fixture.js';

let real: Real;
beforeAll(async () => {
  real = await realCluster();
});
afterAll(() => real.dispose());

const obstacles = async (): Promise<readonly Obstacle[]> => (await real.observe()).obstacles;
const found = async (): Promise<{ code: string; node: string | undefined; acceptAs: string | undefined }[]> =>
  (await obstacles()).map(({ code, node, acceptAs }) => ({ code, node, acceptAs }));
const isHealthy = async (): Promise<boolean> => codesOf(await real.observe()).length === 0;

async function setting(node: string, change: string): Promise<void> {
  await real.sql(node, `ALTER SYSTEM ${change}`);
  await real.sql(node, 'SELECT pg_reload_conf()');
}

/** Make the obstacle, see that it is the only one, take it away, see that it is gone. */
async function only(
  expected: { code: string; node: string; acceptAs?: string },
  make: () => Promise<unknown>,
  unmake: () => Promise<unknown>,
): Promise<readonly Obstacle[]> {
  expect(await found()).toEqual([]);
  try {
    await make();
    await until(`${expected.code} is seen`, async () => (await obstacles()).length > 0, 10_000);
    expect(await found()).toEqual([{ acceptAs: undefined, ...expected }]);
    return await obstacles();
  } finally {
    await unmake();
    await until('the cluster is healthy again', isHealthy, 10_000);
  }
}

describe('R-PLAN-2: what forbids a run is found on real servers, by code, and nothing else is', () => {
  it('a healthy cluster has none', async () => {
    expect(await obstacles()).toEqual([]);
    expect((await real.observe()).groups[0]?.durability).toEqual({ kind: 'known', value: 'quorum' });
  });

  it('PG_ASYNCHRONOUS: commits wait for nobody', async () => {
    const code = { code: 'PG_ASYNCHRONOUS', node: 'pg-1', acceptAs: 'asynchronous-replication' };
    await only(
      code,
      () => setting('pg-1', "SET synchronous_standby_names = ''"),
      () => setting('pg-1', 'RESET synchronous_standby_names'),
    );
  });

  it.each(['local', 'off'])('PG_ASYNCHRONOUS: names are set, but synchronous_commit is %s', async (level) => {
    const code = { code: 'PG_ASYNCHRONOUS', node: 'pg-1', acceptAs: 'asynchronous-replication' };
    await only(
      code,
      () => setting('pg-1', `SET synchronous_commit = '${level}'`),
      () => setting('pg-1', 'RESET synchronous_commit'),
    );
  });

  it.each(['pg-2', 'pg-3'])('PG_REPLAY_PAUSED on %s', async (node) => {
    await only(
      { code: 'PG_REPLAY_PAUSED', node },
      () => real.sql(node, 'SELECT pg_wal_replay_pause()'),
      () => real.sql(node, 'SELECT pg_wal_replay_resume()'),
    );
  });

  it('PG_APPLY_DELAY on a replica that applies late', async () => {
    const [obstacle] = await only(
      { code: 'PG_APPLY_DELAY', node: 'pg-3' },
      () => setting('pg-3', "SET recovery_min_apply_delay = '2min'"),
      () => setting('pg-3', 'RESET recovery_min_apply_delay'),
    );
    expect(obstacle?.message).toContain('120000 ms');
  });

  it('PG_LOGICAL_SLOTS: a slot that a new primary does not have', async () => {
    await setting('pg-1', "SET wal_level = 'logical'");
    await real.stop('pg-1');
    await real.start('pg-1');
    await real.ready('pg-1');
    await real.streaming('pg-1', ['pg-2', 'pg-3']);
    await until('the cluster is healthy', isHealthy);
    const [obstacle] = await only(
      { code: 'PG_LOGICAL_SLOTS', node: 'pg-1', acceptAs: 'logical-slots-lost' },
      () => real.sql('pg-1', "SELECT pg_create_logical_replication_slot('orders', 'pgoutput')"),
      () => real.sql('pg-1', "SELECT pg_drop_replication_slot('orders')"),
    );
    expect(obstacle?.message).toContain('orders');
  });

  it('R-SAGA-2: PG_MIGRATION while the database is a side of a storage migration', async () => {
    await only(
      { code: 'PG_MIGRATION', node: 'pg-1' },
      () => real.sql('pg-1', 'CREATE SCHEMA rollgate_migration'),
      () => real.sql('pg-1', 'DROP SCHEMA rollgate_migration'),
    );
  });

  it('PG_BACKUP_IN_PROGRESS while a base backup is taken', async () => {
    const backup = await startBaseBackup('pg-1');
    try {
      await until('the backup is seen', async () => !(await isHealthy()), 10_000);
      expect(await found()).toEqual([{ code: 'PG_BACKUP_IN_PROGRESS', node: 'pg-1', acceptAs: undefined }]);
    } finally {
      await backup.abandon();
    }
    await until('the cluster is healthy again', isHealthy, 10_000);
  });

  it('PG_APPLICATION_NAME: a replica that streams under a name that is not its own', async () => {
    const [row] = await real.sql<{ now: string }>(
      'pg-3',
      "SELECT current_setting('primary_conninfo') AS now",
    );
    const named = (name: string): string =>
      `SET primary_conninfo = '${row?.now.replace('application_name=pg-3', `application_name=${name}`) ?? ''}'`;
    const [obstacle] = await only(
      { code: 'PG_APPLICATION_NAME', node: 'pg-3' },
      async () => {
        await setting('pg-3', named('walreceiver'));
        await real.streaming('pg-1', ['walreceiver']);
      },
      () => setting('pg-3', named('pg-3')),
    );
    expect(obstacle?.message).toContain('walreceiver');
  });

  it('PG_PRIVILEGES on every node: the role is no superuser', async () => {
    const file = `${real.sample.directory}/modest`;
    await writeFile(file, 'a-modest-password');
    await real.sql('pg-1', "CREATE ROLE modest LOGIN PASSWORD 'a-modest-password' IN ROLE pg_monitor");
    const cluster: ClusterSpec = {
      ...real.cluster,
      settings: { ...real.cluster.settings, user: 'modest', password: `file:${file}` },
    };
    await until('the role is everywhere', async () => {
      const view = await real.system.observe(cluster, real.ctx);
      return view.groups[0]?.nodes.every((n) => n.role.kind === 'known') === true;
    });
    const view = await real.system.observe(cluster, real.ctx);
    expect(view.obstacles.map((o) => [o.code, o.node])).toEqual([
      ['PG_PRIVILEGES', 'pg-1'],
      ['PG_PRIVILEGES', 'pg-2'],
      ['PG_PRIVILEGES', 'pg-3'],
    ]);
    expect(await obstacles()).toEqual([]);
  });

  it('PG_MIXED_MAJORS: what the nodes say, with one of them on another major version', async () => {
    const sessions = createSessions(createSecretResolver());
    const answers = await Promise.all(
      real.cluster.nodes.map(async (spec): Promise<Answer> => {
        return { spec, facts: await sessions.on(real.cluster, spec.id, readFacts) };
      }),
    );
    expect(obstaclesOf(answers)).toEqual([]);
    const mixed = answers.map(({ spec, facts }) => ({
      spec,
      ...(facts && { facts: spec.id === 'pg-3' ? { ...facts, version: '16.9' } : facts }),
    }));
    expect(obstaclesOf(mixed)).toMatchObject([{ code: 'PG_MIXED_MAJORS', message: /17, 16/ }]);
    // A node on another minor version is what a rolling upgrade is about.
    const minor = answers.map(({ spec, facts }) => ({
      spec,
      ...(facts && { facts: { ...facts, version: `17.${spec.id.at(-1) ?? ''}` } }),
    }));
    expect(obstaclesOf(minor)).toEqual([]);
  });

  it('PG_SEVERAL_GROUPS: a cluster file with more than one primary and its replicas', async () => {
    const nodes = real.cluster.nodes.map((n) => (n.id === 'pg-3' ? { ...n, group: 'other' } : n));
    const view = await real.system.observe({ ...real.cluster, nodes }, real.ctx);
    expect(view.obstacles).toMatchObject([{ code: 'PG_SEVERAL_GROUPS', message: /default, other/ }]);
  });

  it('every code of obstacles.ts is made here', async () => {
    const at = (path: string): URL => new URL(path, import.meta.url);
    const source = await readFile(at('../../../src/systems/postgres/obstacles.ts'), 'utf8');
    const tests = await readFile(at('obstacles.test.ts'), 'utf8');
    const codes = [...source.matchAll(/code: '(PG_[A-Z_]+)'/g)].map((m) => m[1] ?? '');
    expect(codes.length).toBeGreaterThan(0);
    for (const code of codes) expect(tests).toMatch(new RegExp(`code: '${code}'|\\['${code}'`));
  });
});

/**
 * BASE_BACKUP over the replication protocol, throttled so that it lasts; nobody reads to its end.
 * https://www.postgresql.org/docs/17/protocol-replication.html
 */
async function startBaseBackup(node: string): Promise<{ abandon(): Promise<void> }> {
  const passfile = await readFile(`${real.sample.directory}/replication.pgpass`, 'utf8');
  const [user, password] = passfile.trim().split(':').slice(3);
  const backup = new Client({
    ...real.sample.connection(node),
    ...{ user, password, replication: 'true' },
  });
  backup.on('error', () => undefined);
  await backup.connect();
  const [row] = await real.sql<{ n: number }>(
    node,
    'SELECT count(*)::int AS n FROM pg_stat_progress_basebackup',
  );
  expect(row?.n).toBe(0);
  const running = backup
    .query("BASE_BACKUP (CHECKPOINT 'fast', MAX_RATE 32, WAL false)")
    .then(() => 'it ended', String);
  return {
    async abandon() {
      await real.sql(
        node,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BASE_BACKUP%'",
      );
      await backup.end();
      await running;
    },
  };
}
