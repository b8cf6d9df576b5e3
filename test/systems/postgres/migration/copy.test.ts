import { writeFile, chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExportCut, Pair } from '../../../../src/contracts/index.js';
import { sampleContext, sampleLaunch } from '../../../../src/dev/postgres/sample-cluster.js';
import { until } from '../../../../src/dev/postgres/until.js';
import { createLocalHost } from '../../../../src/hosts/local/host.js';
import { dropBookkeeping } from '../../../../src/systems/postgres/migration/bookkeeping.js';
import { copyRoles } from '../../../../src/systems/postgres/migration/roles.js';
import { findHeld } from '../../../../src/systems/postgres/migration/held-snapshot.js';
import {
  createCopyingPair,
  differences,
  nodeOf,
  rangesOf,
  richSchema,
  type CopyingPair,
} from './copying-pair.js';

describe('R-MIG-1: a copy of a live source at its export', () => {
  let it: CopyingPair;
  let cut: ExportCut;
  let stopWriters: () => Promise<void>;

  beforeAll(async () => {
    it = await createCopyingPair();
    await it.withClient('source', (client) => client.query(richSchema));
  });
  afterAll(async () => {
    await stopWriters();
    await it.sample.destroy();
  });

  /** Writers that go on until they are stopped; an error of theirs fails the test that stops them. */
  function startWriters(): () => Promise<void> {
    let stopped = false;
    const write = async (writer: number): Promise<void> => {
      const client = new Client(it.sample.source.connection(nodeOf.source));
      client.on('error', () => undefined);
      await client.connect();
      try {
        for (let n = 0; !stopped; n += 1) {
          const id = ((n * 7 + writer * 500) % 2000) + 1;
          await client.query('BEGIN');
          await client.query('UPDATE public.account SET balance = balance + 1 WHERE id = $1', [id]);
          await client.query('INSERT INTO public.entry (account) VALUES ($1)', [id]);
          await client.query('DELETE FROM public.entry WHERE id = $1', [n + 1]);
          await client.query('COMMIT');
          await delay(1);
        }
      } finally {
        await client.end();
      }
    };
    const writing = [1, 2, 3].map(write);
    return async () => {
      stopped = true;
      await Promise.all(writing);
      stopWriters = () => Promise.resolve();
    };
  }
  stopWriters = () => Promise.resolve();

  const factsOf = async (side: 'source' | 'destination'): Promise<string[]> =>
    (await it.sql<{ name: string }>(side, 'SELECT name FROM rollgate_migration.fact ORDER BY name')).map(
      (r) => r.name,
    );

  test('a schema of our name that is not ours is refused; prepared twice is prepared once', async () => {
    await it.sql('destination', 'CREATE SCHEMA rollgate_migration');
    await expect(it.steps.prepare(it.pair, it.ctx)).rejects.toMatchObject({ code: 'SYSTEM_REFUSED' });
    await expect(dropBookkeeping(it.sessions, it.pair.destination)).rejects.toMatchObject({
      code: 'SYSTEM_REFUSED',
    });
    await it.sql('destination', 'DROP SCHEMA rollgate_migration');
    await it.steps.prepare(it.pair, it.ctx);
    await it.steps.prepare(it.pair, it.ctx);
    expect(await factsOf('destination')).toEqual([]);
    await it.withClient('source', async (client) => {
      await client.query('SET ROLE reader');
      await expect(client.query('SELECT FROM rollgate_migration.fact')).rejects.toThrow(/permission denied/);
    });
  });

  test('an open write transaction is waited for no longer than the bound, and is named', async () => {
    await it.withClient('source', async (writer) => {
      await writer.query("SET application_name = 'nightly batch'");
      await writer.query('BEGIN; UPDATE public.account SET balance = 0 WHERE id = 1');
      const { rows } = await writer.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      await expect(it.steps.impatientExportAt(it.pair, it.ctx)).rejects.toMatchObject({
        code: 'CUT_REFUSED',
        message: expect.stringContaining(`pid ${rows[0]?.pid ?? ''} (nightly batch`) as string,
      });
      await writer.query('ROLLBACK');
    });
    expect(await it.sql('source', 'SELECT slot_name FROM pg_replication_slots')).toEqual([]);
  });

  test('what an attempt without a record has left is made anew; with one it is found again', async () => {
    await it.sql('source', "SELECT pg_create_logical_replication_slot('rollgate_forward', 'pgoutput')");
    stopWriters = startWriters();
    cut = await it.steps.exportAt(it.pair, it.ctx);
    expect(await it.steps.exportAt(it.pair, it.ctx)).toEqual(cut);
    const slots = await it.sql<{ name: string; at: string }>(
      'source',
      'SELECT slot_name AS name, confirmed_flush_lsn AS at FROM pg_replication_slots',
    );
    expect(slots).toEqual([{ name: 'rollgate_forward', at: cut.position.text }]);
    expect(await findHeld(it.sessions, it.pair.source, nodeOf.source, 'export')).toBe(cut.snapshot.id);

    const published = await it.sql<{ name: string }>(
      'source',
      `SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name FROM pg_publication_tables
        WHERE pubname = 'rollgate_forward' ORDER BY 1`,
    );
    expect(published.map((p) => p.name)).toEqual(
      [
        ...['"odd, schema".us_high', '"odd, schema".us_low', 'public.account', 'public.child'],
        ...['public.entry', 'public.nothing', 'public.parent', 'public.part_eu', 'public.rich'],
        'rollgate_migration.marker',
      ].sort(),
    );
    expect(cut.snapshot.tables).toHaveLength(published.length - 1);
  });

  test('a pg_dump that is absent or too old is refused by name', async () => {
    const withDump = (pgDump: string): Pair => ({
      ...it.pair,
      destination: { ...it.pair.destination, settings: { ...it.pair.destination.settings, pgDump } },
    });
    const absent = join(it.sample.source.directory, 'absent');
    await expect(it.steps.createSchema(withDump(absent), it.ctx)).rejects.toMatchObject({
      code: 'SYSTEM_REFUSED',
      message: expect.stringContaining(absent) as string,
    });
    const old = join(it.sample.source.directory, 'old-pg-dump');
    await writeFile(old, '#!/bin/sh\necho "pg_dump (PostgreSQL) 15.3"\n');
    await chmod(old, 0o755);
    await expect(it.steps.createSchema(withDump(old), it.ctx)).rejects.toMatchObject({
      code: 'SYSTEM_REFUSED',
      message: expect.stringMatching(/15\.3; needed is one of version 17 to 18/) as string,
    });
    expect(await it.sql('destination', "SELECT FROM pg_roles WHERE rolname = 'app'")).toEqual([]);
  });

  test('roles of the destination with names of the source are refused, its own superuser is not', async () => {
    await it.sql('destination', 'CREATE ROLE app');
    await expect(it.steps.createSchema(it.pair, it.ctx)).rejects.toMatchObject({
      code: 'SYSTEM_REFUSED',
      message: expect.stringContaining('app') as string,
    });
    await it.sql('destination', 'DROP ROLE app');
  });

  test('roles and definitions are those of the source, and nobody may log in yet', async () => {
    await it.steps.createSchema(it.pair, it.ctx);
    await it.steps.createSchema(it.pair, it.ctx);
    const roles = `SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,
                          rolconnlimit, rolpassword, rolvaliduntil, shobj_description(oid, 'pg_authid') AS comment
                     FROM pg_authid WHERE rolname IN ('app', 'reader', 'owner_group', 'boss') ORDER BY 1`;
    const memberships = `SELECT roleid::regrole::text, member::regrole::text, grantor::regrole::text, admin_option,
                                inherit_option, set_option FROM pg_auth_members
                          WHERE member::regrole::text IN ('app', 'reader') ORDER BY 1, 2`;
    const settings = `SELECT setdatabase <> 0 AS here, setrole::regrole::text AS role, setconfig
                        FROM pg_db_role_setting ORDER BY 1, 2`;
    const database = `SELECT aclexplode(datacl)::text AS rights FROM pg_database WHERE datname = 'postgres'`;
    for (const question of [roles, memberships, settings]) {
      const wanted = await it.sql('source', question);
      expect(wanted.length).toBeGreaterThan(1);
      expect(await it.sql('destination', question)).toEqual(wanted);
    }
    expect(await it.sql('destination', database)).toHaveLength((await it.sql('source', database)).length);
    const open = await it.sql<{ name: string }>(
      'destination',
      'SELECT rolname AS name FROM pg_roles WHERE rolcanlogin ORDER BY 1',
    );
    expect(open.map((r) => r.name)).toEqual(
      expect.not.arrayContaining(['app', 'boss', 'reader']) as string[],
    );
    const logins = await it.sql<{ value: string[] }>(
      'destination',
      "SELECT value FROM rollgate_migration.fact WHERE name = 'logins'",
    );
    expect(logins[0]?.value).toEqual(['app', 'boss', 'reader']);
    const ours = "SELECT FROM pg_event_trigger WHERE evtname LIKE 'rollgate%'";
    expect(await it.sql('source', ours)).not.toEqual([]);
  });

  test('roles that we have made are brought into line, as they were never open', async () => {
    await it.sql(
      'source',
      "ALTER ROLE app CONNECTION LIMIT 3 VALID UNTIL 'infinity'; ALTER ROLE app RESET work_mem",
    );
    await it.sql('source', "ALTER ROLE app SET lock_timeout = '5s'; ALTER ROLE reader PASSWORD 'new'");
    await copyRoles(it.sessions, it.pair, it.ctx);
    await copyRoles(it.sessions, it.pair, it.ctx);
    const roles = `SELECT rolname, rolconnlimit, rolpassword, rolvaliduntil::text, s.setconfig
                     FROM pg_authid r LEFT JOIN pg_db_role_setting s ON s.setrole = r.oid
                    WHERE rolname IN ('app', 'reader', 'owner_group', 'boss') ORDER BY 1, 5`;
    expect(await it.sql('destination', roles)).toEqual(await it.sql('source', roles));
    expect(await it.sql('destination', "SELECT FROM pg_roles WHERE rolname = 'app' AND rolcanlogin")).toEqual(
      [],
    );
  });

  test('an aborted range leaves nothing; resumed it is copied once', async () => {
    const [range] = rangesOf(cut, 2).filter((r) => r.table === '"public"."account"');
    if (!range) throw new Error('the export has no table account');
    const abort = new AbortController();
    // The destination waits in the middle of the range, until the test is done with it.
    await it.withClient('destination', async (blocker) => {
      await blocker.query('BEGIN; LOCK TABLE rollgate_migration.copied IN ACCESS EXCLUSIVE MODE');
      const copying = it.steps.copyRange(it.pair, cut, range, { ...it.ctx, signal: abort.signal });
      const outcome = expect(copying).rejects.toThrow(/abort/i);
      await until('the range is at the lock', async () => {
        const waiting = await it.sql(
          'destination',
          "SELECT FROM pg_stat_activity WHERE application_name = 'rollgate copy' AND wait_event_type = 'Lock'",
        );
        return waiting.length === 1;
      });
      abort.abort();
      await outcome;
      await blocker.query('ROLLBACK');
    });
    const count = 'SELECT count(*)::int AS n FROM public.account';
    expect(await it.sql('destination', count)).toEqual([{ n: 0 }]);
    const first = await it.steps.copyRange(it.pair, cut, range, it.ctx);
    expect(first.rows).toBeGreaterThan(10);
    await expect(it.steps.copyRange(it.pair, cut, { ...range, below: 3 }, it.ctx)).rejects.toMatchObject({
      code: 'SYSTEM_REFUSED',
    });
    expect(await it.steps.copyRange(it.pair, cut, range, it.ctx)).toEqual(first);
    // The sessions that were kept for the next range have been ended: it opens others.
    await it.sql(
      'destination',
      "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'rollgate copy'",
    );
    expect(await it.steps.copyRange(it.pair, cut, range, it.ctx)).toEqual(first);
    expect(await it.sql('destination', count)).toEqual([{ n: first.rows }]);
  });

  test('a range that the destination refuses names why, and leaves nothing', async () => {
    await it.sql('destination', 'ALTER TABLE public.part_eu ADD CONSTRAINT wrong CHECK (id <> 200)');
    const [range] = rangesOf(cut, 1000).filter((r) => r.table === '"public"."part_eu"');
    if (!range) throw new Error('the export has no table part_eu');
    await expect(it.steps.copyRange(it.pair, cut, range, it.ctx)).rejects.toThrow(/wrong/);
    expect(await it.sql('destination', 'SELECT FROM public.part_eu')).toEqual([]);
    await it.sql('destination', 'ALTER TABLE public.part_eu DROP CONSTRAINT wrong');
  });

  test('every row is as it was at the export, while writers go on and tables are rewritten', async () => {
    const [first] = rangesOf(cut, 2).filter((r) => r.table === '"public"."entry"');
    if (!first) throw new Error('the export has no table entry');
    await it.steps.copyRange(it.pair, cut, first, it.ctx);
    // Rows are elsewhere now, some of them in pages that have been copied.
    await it.sql('source', 'DELETE FROM public.entry WHERE id BETWEEN 100 AND 200');
    await it.sql('source', 'CLUSTER public.entry USING entry_pkey');
    await it.copyAll(cut, 2);
    const wanted = await it.rowsAt('source', cut);
    expect(wanted['"public"."rich"']).toHaveLength(4);
    expect(wanted['"public"."entry"']?.length).toBeGreaterThan(400);
    expect(differences(await it.rowsAt('destination', cut), wanted)).toEqual([]);
    const now = await it.sql<{ n: number }>('source', 'SELECT sum(balance)::int AS n FROM public.account');
    const then = await it.sql<{ n: number }>(
      'destination',
      'SELECT sum(balance)::int AS n FROM public.account',
    );
    expect(then[0]?.n).toBeLessThan(now[0]?.n ?? 0);
  });

  test('the schema is finished, from the statement where it stopped', async () => {
    await it.sql('destination', 'CREATE INDEX rich_words ON public.rich (id)');
    await expect(it.steps.finishSchema(it.pair, it.ctx)).rejects.toMatchObject({
      code: 'SYSTEM_REFUSED',
      message: expect.stringMatching(/INDEX rich_words \(public\).*already exists/) as string,
    });
    const done = (await factsOf('destination')).filter((name) => name.startsWith('post-data/'));
    expect(done.length).toBeGreaterThan(3);
    await it.sql('destination', 'DROP INDEX public.rich_words');
    await it.steps.finishSchema(it.pair, it.ctx);
    await it.steps.finishSchema(it.pair, it.ctx);

    const constraints = `SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) AS def FROM pg_constraint
                          WHERE contype <> 'n' AND connamespace::regnamespace::text IN ('public', '"odd, schema"') ORDER BY 1, 2`;
    expect(await it.sql('destination', constraints)).toEqual(await it.sql('source', constraints));
    const indexes = `SELECT indexdef FROM pg_indexes WHERE schemaname IN ('public', 'odd, schema') ORDER BY 1`;
    expect(await it.sql('destination', indexes)).toEqual(await it.sql('source', indexes));
    const owned = `SELECT relname, relowner::regrole::text AS owner, relacl::text FROM pg_class WHERE relname = 'account'`;
    expect(await it.sql('destination', owned)).toEqual(await it.sql('source', owned));
    const triggers = 'SELECT tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1';
    expect(await it.sql('destination', triggers)).toEqual(await it.sql('source', triggers));
    expect(await it.sql('destination', 'SELECT FROM pg_event_trigger')).toEqual([]);
    expect(await it.sql('destination', 'SELECT FROM pg_publication')).toEqual([]);
    const analyzed = await it.sql<{ n: number }>(
      'destination',
      "SELECT reltuples::int AS n FROM pg_class WHERE oid = 'public.account'::regclass",
    );
    expect(analyzed).toEqual([{ n: 2000 }]);
  });

  test('a source that has restarted has lost the export; a new one voids what was copied', async () => {
    await stopWriters();
    const host = createLocalHost({ startGraceMs: 20 });
    const [node] = it.pair.source.nodes;
    if (!node) throw new Error('the source has no node');
    const bounds = { timeoutMs: 30_000, pollMs: 10 };
    await host.stop(node, sampleLaunch(node), bounds, sampleContext);
    await host.start(node, sampleLaunch(node), sampleContext);
    await until('the source answers', async () => (await it.sql('source', 'SELECT 1')).length === 1);

    const stale = cut;
    const [range] = rangesOf(stale, 1000);
    if (!range) throw new Error('the export has no table');
    await expect(it.steps.copyRange(it.pair, stale, range, it.ctx)).rejects.toMatchObject({
      code: 'MIGRATION_RESTART',
    });
    await it.sql('source', 'DELETE FROM public.entry WHERE id % 2 = 0');
    await it.sql('source', "INSERT INTO public.parent VALUES (3, 'new')");
    stopWriters = startWriters();
    cut = await it.steps.exportAt(it.pair, it.ctx);
    expect(cut.position.offset).toBeGreaterThan(stale.position.offset);
    expect(await it.sql('destination', 'SELECT FROM public.account')).toEqual([]);
    await expect(it.steps.copyRange(it.pair, stale, range, it.ctx)).rejects.toMatchObject({
      code: 'MIGRATION_RESTART',
    });
    // A table that is emptied after the export is copied empty: the stream brings the rest.
    await it.sql('source', 'TRUNCATE public.child');
    await it.steps.createSchema(it.pair, it.ctx);
    await it.copyAll(cut);
    await it.steps.finishSchema(it.pair, it.ctx);
    const wanted = await it.rowsAt('source', cut);
    expect(differences(await it.rowsAt('destination', cut), wanted)).toEqual([]);
    expect(wanted['"public"."parent"']).toHaveLength(2);
    expect(wanted['"public"."account"']).toHaveLength(2000);
    await stopWriters();
  });

  test('a destination that has taken part in a stream is not emptied', async () => {
    await it.sql('destination', 'CREATE PUBLICATION rollgate_back');
    await it.sql(
      'source',
      "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name LIKE 'rollgate hold%'",
    );
    await expect(it.steps.exportAt(it.pair, it.ctx)).rejects.toMatchObject({
      code: 'SYSTEM_REFUSED',
      message: expect.stringContaining('publication rollgate_back') as string,
    });
    expect(await it.sql('destination', 'SELECT FROM public.account')).toHaveLength(2000);
    expect(await it.sql('source', 'SELECT FROM pg_replication_slots')).toHaveLength(1);
  });
});
