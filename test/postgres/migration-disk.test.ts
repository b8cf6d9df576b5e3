import { rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import type { Obstacle } from '../../src/contracts/index.js';
import { startAgain } from '../../src/dev/postgres/lose-node.js';
import { sampleContext, type SampleCluster } from '../../src/dev/postgres/sample-cluster.js';
import { until } from '../../src/dev/postgres/until.js';
import { judgeMigration, type MigrationEnd } from '../../src/dev/scenario/crash/migration.js';
import {
  runMigrationScenario,
  type MigrationSample,
  type MigrationScenario,
} from '../../src/dev/scenario/migration.js';
import type { ScenarioContext, ScenarioResult } from '../../src/dev/scenario/run.js';
import { makeSmallDisk, type SmallDisk } from '../../src/dev/small-disk.js';
import { createHosts } from '../../src/hosts/registry.js';
import { createPostgresSystem } from '../../src/systems/postgres/system.js';
import { createSecretResolver } from '../../src/worker/secrets.js';

const patience = { timeout: 300_000 };
const MiB = 1024 ** 2;

describe.concurrent('R-SAGA-4: the disk of B is full while it is copied to, on real servers', () => {
  it(
    'a range finds no space: the run says so, waits, and goes on there once there is some',
    patience,
    async () => {
      const { state } = await runOnSmallDisk({
        migration: { approvals: { before: ['bootstrap', 'validate/export'] } },
        before: async (sample, disk) => {
          await keepLog(sample.pair.destination, 256);
          const full = await fill(disk, 8 * MiB);
          expect(await obstaclesOf(sample)).toMatchObject([
            {
              code: 'PG_DISK_SMALL',
              node: 'new-1',
              message: expect.stringMatching(/ 8\.0 MiB free, .* 1\d\d\.\d MiB/) as string,
            },
          ]);
          await rm(full);
          expect(await obstaclesOf(sample)).toEqual([]);
        },
        during: async ({ until, handle, sample }, disk) => {
          const { source, destination } = sample.pair;
          const { plan } = await until('the copy waits', (s) => s.waiting?.step === 'bootstrap');
          await fill(disk, 64 * MiB);
          await handle.approve({ by: 'the test', planHash: plan?.hash });
          const blocked = await until('the copy has no space', (s) => s.phase === 'blocked');
          expect(blocked.failure).toMatchObject({
            code: 'SYSTEM_REFUSED',
            step: 'bootstrap',
            message: expect.stringMatching(
              new RegExp(`no space left on a disk of ${destination.cluster.name}: .*No space left on device`),
            ) as string,
            remedy: expect.stringMatching(/Make space there.* then retry/) as string,
          });
          expect(blocked.migration).toMatchObject({ phase: 'bootstrapping', authority: 'source' });
          await sql(source, "INSERT INTO shop.customer (name) VALUES ('while B is full')");
          const before = await copied(destination);
          expect(before.length).toBeGreaterThan(0);

          await disk.resize(1000 * MiB);
          await handle.retry({ by: 'the test' });
          await until('it is copied', (s) => s.waiting?.step === 'validate/export');
          const after = await copied(destination);
          expect(after.length).toBeGreaterThan(before.length);
          // By the transaction that has written each: what was copied was not copied again.
          expect(after).toEqual(expect.arrayContaining(before));
          await handle.approve({ by: 'the test', planHash: plan?.hash });
        },
        end: { outcome: 'completed', switches: 1, open: 'destination' },
      });
      expect(state.failure).toBeUndefined();
    },
  );

  it(
    'the log has no space and the server of B ends by it: given up, A is free of it all',
    patience,
    async () => {
      await runOnSmallDisk({
        migration: { approvals: { before: ['bootstrap'] } },
        during: async ({ until: seen, handle, sample }, disk) => {
          const { source, destination } = sample.pair;
          const { plan } = await seen('the copy waits', (s) => s.waiting?.step === 'bootstrap');
          // Room for rows, but not for another file of the log once those that are there are full.
          await fill(disk, (await logLeft(destination)) + 8 * MiB);
          await handle.approve({ by: 'the test', planHash: plan?.hash });
          await until('the server of B has ended', async () => !(await answers(destination)));
          await handle.rollback({ by: 'the test' });
          await until('nothing of it is left on A', async () => (await oursOn(source)) === 0);
          expect(await answers(destination)).toBe(false);
          await sql(source, "INSERT INTO shop.customer (name) VALUES ('while B is down')");

          await disk.resize(1000 * MiB);
          await startAgain(destination, 'new-1');
        },
        end: { outcome: 'rolled-back', switches: 0, open: 'source' },
      });
    },
  );
});

/** A migration to a B whose data directory is on a disk of its own, which is gone afterwards whatever happens. */
async function runOnSmallDisk({
  migration,
  before,
  during,
  end,
}: {
  migration: MigrationScenario['migration'];
  before?: (sample: MigrationSample, disk: SmallDisk) => Promise<void>;
  during: (context: ScenarioContext<MigrationSample>, disk: SmallDisk) => Promise<void>;
  end: MigrationEnd;
}): Promise<ScenarioResult> {
  const disk = await makeSmallDisk(700 * MiB);
  try {
    const objections: string[] = [];
    const result = await runMigrationScenario({
      sample: { destinationData: disk.path },
      migration: { copy: { streams: 1 }, ...migration },
      before: async (sample) => {
        // Several ranges, more than there will be space for.
        await sql(
          sample.pair.source,
          `CREATE TABLE shop.large (id int PRIMARY KEY, filler text);
           INSERT INTO shop.large SELECT i, repeat('x', 900) FROM generate_series(1, 120000) i`,
        );
        await before?.(sample, disk);
        return sample.cluster;
      },
      during: (context) => during(context, disk),
      after: async (context, ended) => {
        objections.push(...(await judgeMigration(end, context, ended)));
      },
    });
    expect(objections).toEqual([]);
    return result;
  } finally {
    await disk.remove();
  }
}

/** Leave so many bytes free on a disk. @returns the file that takes the rest */
async function fill(disk: SmallDisk, left: number): Promise<string> {
  const { bavail, bsize } = await statfs(disk.path);
  const file = join(disk.path, 'ballast');
  await writeFile(file, Buffer.alloc(bavail * bsize - left));
  return file;
}

/** Have the server keep so much of its log for further use, so that it needs no space for more. */
async function keepLog(sample: SampleCluster, mebibytes: number): Promise<void> {
  await sql(sample, `ALTER SYSTEM SET min_wal_size = '${mebibytes}MB'`);
  await sql(sample, `ALTER SYSTEM SET max_wal_size = '${2 * mebibytes}MB'`);
  await sql(sample, 'SELECT pg_reload_conf()');
  for (let written = 0; written < mebibytes; written += 16) {
    await sql(sample, "SELECT pg_logical_emit_message(false, 'test', repeat('x', 16 * 1024 * 1024))");
  }
  await sql(sample, 'CHECKPOINT');
}

/** Bytes of its log that the server can still write without a further file. */
async function logLeft(sample: SampleCluster): Promise<number> {
  const [row] = await sql<{ left: number }>(
    sample,
    `SELECT (16777216 - (pg_current_wal_insert_lsn() - '0/0') % 16777216
             + 16777216 * (SELECT count(*) FROM pg_ls_waldir()
                            WHERE name > pg_walfile_name(pg_current_wal_insert_lsn()) AND name ~ '^[0-9A-F]{24}$')
            )::float8 AS left`,
  );
  return row?.left ?? 0;
}

async function obstaclesOf({ cluster, destination }: MigrationSample): Promise<readonly Obstacle[]> {
  const { migration } = createPostgresSystem({ host: createHosts(), secrets: createSecretResolver() });
  const view = await migration?.inspect({ source: cluster, destination }, sampleContext);
  if (!view) throw new Error('PostgreSQL has no migration');
  return view.obstacles;
}

/** Ranges that are recorded as copied, with the transaction that has written each. */
const copied = (sample: SampleCluster): Promise<object[]> =>
  sql(sample, 'SELECT "table", from_page, xmin::text FROM rollgate_migration.copied ORDER BY 1, 2');

async function oursOn(sample: SampleCluster): Promise<number> {
  const [row] = await sql<{ count: number }>(
    sample,
    `SELECT (SELECT count(*) FROM pg_publication)::int + (SELECT count(*) FROM pg_replication_slots)::int
          + (SELECT count(*) FROM pg_event_trigger)::int
          + (SELECT count(*) FROM pg_namespace WHERE nspname = 'rollgate_migration')::int
          + (SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'rollgate hold%')::int AS count`,
  );
  return row?.count ?? -1;
}

async function answers(sample: SampleCluster): Promise<boolean> {
  try {
    await sql(sample, 'SELECT');
    return true;
  } catch {
    return false;
  }
}

async function sql<T extends object>(sample: SampleCluster, statement: string): Promise<T[]> {
  const client = new Client(sample.connection(sample.cluster.nodes[0]?.id ?? ''));
  // A server that goes away raises this beside the rejection.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<T>(statement)).rows;
  } finally {
    await client.end();
  }
}
