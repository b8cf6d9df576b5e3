import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSampleCluster } from '../../../../src/dev/postgres/cluster.js';
import { sampleContext, type SampleCluster } from '../../../../src/dev/postgres/sample-cluster.js';
import { createSessions } from '../../../../src/systems/postgres/connection.js';
import { createDdlGuard, passGuard } from '../../../../src/systems/postgres/migration/ddl-guard.js';
import { createSecretResolver } from '../../../../src/worker/secrets.js';

const ctx = { ...sampleContext, runId: "run-7'of-shop" };

describe.each(['17.10', '18.4'] as const)('R-MIG-4: DDL in mid-migration is refused on %s', (version) => {
  let sample: SampleCluster;
  let client: Client;
  const guard = createDdlGuard(createSessions(createSecretResolver()));

  beforeAll(async () => {
    sample = await createSampleCluster({ nodes: 1, version, synchronous: null, artifacts: [version] });
    client = new Client(sample.connection('pg-1'));
    await client.connect();
    await client.query(`CREATE ROLE app; GRANT CREATE ON SCHEMA public TO app; CREATE TABLE kept (id int PRIMARY KEY, note text);
      CREATE INDEX kept_note ON kept (note); CREATE SEQUENCE kept_numbers; CREATE VIEW kept_view AS SELECT * FROM kept;
      CREATE FUNCTION kept_function() RETURNS int LANGUAGE sql RETURN 1; INSERT INTO kept VALUES (1, 'a')`);
  });
  afterAll(async () => {
    await client.end();
    await sample.destroy();
  });
  beforeEach(() => guard.set(sample.cluster, ctx));

  const refused = new RegExp(
    `^.+ is refused until rollgate's migration of this database \\(run ${ctx.runId}\\)`,
  );

  it.each([
    'CREATE TABLE t (id int)',
    'CREATE TABLE t AS SELECT 1 AS a',
    'SELECT 1 AS a INTO t',
    'CREATE UNLOGGED TABLE t (id int)',
    'ALTER TABLE kept ADD extra int',
    'ALTER TABLE kept RENAME TO other',
    'ALTER TABLE kept ALTER note TYPE varchar',
    'DROP TABLE kept CASCADE',
    'CREATE INDEX ON kept (note)',
    'CREATE INDEX CONCURRENTLY late ON kept (note)',
    'DROP INDEX kept_note',
    'DROP INDEX CONCURRENTLY kept_note',
    'ALTER INDEX kept_note RENAME TO other',
    'CREATE SEQUENCE s',
    'ALTER SEQUENCE kept_numbers INCREMENT 3',
    'DROP SEQUENCE kept_numbers',
    'CREATE VIEW v AS SELECT 1',
    'DROP VIEW kept_view',
    'CREATE MATERIALIZED VIEW m AS SELECT 1',
    'CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1',
    'DROP FUNCTION kept_function()',
    'CREATE SCHEMA s',
    'CREATE TYPE e AS ENUM ()',
    'CREATE EXTENSION hstore',
    'CREATE PUBLICATION p FOR ALL TABLES',
    'CREATE STATISTICS ON id, note FROM kept',
    'GRANT SELECT ON kept TO app',
    'REVOKE ALL ON kept FROM PUBLIC',
    'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO app',
    "COMMENT ON TABLE kept IS 'x'",
    'DROP OWNED BY app',
    'SET session_replication_role = replica; CREATE TABLE t (id int)',
    `DO $$ BEGIN EXECUTE 'CREATE TABLE t (id int)'; END $$`,
    "SET rollgate.migration = 'on'; SET SESSION AUTHORIZATION app; CREATE TABLE t (id int)",
    "SET application_name = 'rollgate'; CREATE TABLE t (id int)",
  ])('%s', async (statement) => {
    const before = await catalog();
    await expect(client.query(statement)).rejects.toMatchObject({
      message: expect.stringMatching(refused) as unknown,
      hint: expect.stringContaining('being copied to another server') as unknown,
      code: '55000',
    });
    await client.query('RESET SESSION AUTHORIZATION; RESET ALL');
    expect(await catalog()).toEqual(before);
  });

  it.each([
    'TRUNCATE kept',
    'REINDEX TABLE kept',
    'REINDEX INDEX CONCURRENTLY kept_note',
    'ANALYZE kept',
    'VACUUM kept',
    "SELECT nextval('kept_numbers')",
    'CREATE TEMP TABLE t (id serial PRIMARY KEY, n int DEFAULT 5 CHECK (n > 0)); CREATE INDEX ON t (n); INSERT INTO t DEFAULT VALUES; DROP TABLE t',
    'CREATE TEMP TABLE t AS SELECT * FROM kept; SELECT * INTO TEMP u FROM kept; DROP TABLE t, u',
    'BEGIN; CREATE TEMP TABLE t (id int) ON COMMIT DROP; CREATE TEMP VIEW v AS SELECT * FROM t; CREATE TEMP SEQUENCE s; COMMIT',
    'DISCARD TEMP',
  ])('goes on as before: %s', async (statement) => {
    await client.query(statement);
    await client.query('DISCARD ALL');
  });

  it('a temporary table of a session that has gone is removed by whoever takes its place', async () => {
    const other = new Client(sample.connection('pg-1'));
    await other.connect();
    await other.query('CREATE TEMP TABLE t (id serial PRIMARY KEY)');
    await other.end();
  });

  it('a permanent object that would go with a temporary one is kept', async () => {
    await client.query(`CREATE TEMP TABLE t (id int); BEGIN; ${passGuard};
      CREATE FUNCTION public.of_t(t) RETURNS int LANGUAGE sql RETURN 1; COMMIT`);
    await expect(client.query('DROP TABLE t CASCADE')).rejects.toThrow(refused);
    await client.query(`BEGIN; ${passGuard}; DROP FUNCTION public.of_t(t); COMMIT`);
    await client.query('DROP TABLE t');
  });

  it('our own sessions make what they need', async () => {
    await client.query(`BEGIN; ${passGuard}; CREATE TABLE ours (id int); DROP TABLE ours; COMMIT`);
    const ours = new Client({ ...sample.connection('pg-1'), options: '-c rollgate.migration=on' });
    await ours.connect();
    await ours.query('CREATE TABLE ours (id int); DROP TABLE ours');
    await ours.end();
    await expect(client.query('CREATE TABLE theirs (id int)')).rejects.toThrow(refused);
  });

  it('is set twice, set by two at once, set for another run and set again when half of it is gone', async () => {
    await Promise.all([guard.set(sample.cluster, ctx), guard.set(sample.cluster, ctx)]);
    await guard.set(sample.cluster, { ...ctx, runId: 'another' });
    await expect(client.query('CREATE TABLE t (id int)')).rejects.toThrow('(run another)');
    await client.query('DROP EVENT TRIGGER rollgate_ddl_guard_end');
    await client.query('CREATE TABLE t (id int)');
    await guard.set(sample.cluster, { ...ctx, runId: 'another' });
    await expect(client.query('DROP TABLE t')).rejects.toThrow('(run another)');
    await client.query('ALTER EVENT TRIGGER rollgate_ddl_guard DISABLE');
    await guard.set(sample.cluster, { ...ctx, runId: 'another' });
    await expect(client.query("COMMENT ON TABLE t IS 'x'")).rejects.toThrow('(run another)');
    await client.query(`BEGIN; ${passGuard}; DROP TABLE t; COMMIT`);
  });

  it('lets DDL through again when it is removed, and may be removed twice', async () => {
    await guard.remove(sample.cluster, ctx);
    await guard.remove(sample.cluster, ctx);
    await client.query('CREATE TABLE t (id int); DROP TABLE t');
    expect((await client.query('SELECT FROM pg_event_trigger')).rowCount).toBe(0);
    expect(
      (await client.query("SELECT FROM pg_proc WHERE pronamespace = 'rollgate_migration'::regnamespace"))
        .rowCount,
    ).toBe(0);
  });

  async function catalog(): Promise<unknown> {
    const { rows } = await client.query<object>(
      `SELECT (SELECT array_agg(format('%s %s %s', relname, relkind, relacl) ORDER BY oid) FROM pg_class WHERE relpersistence <> 't' AND oid > 16384) AS relations,
              (SELECT count(*) FROM pg_index WHERE NOT indisvalid) AS invalid,
              (SELECT count(*) FROM pg_proc) AS routines, (SELECT count(*) FROM pg_type WHERE typtype <> 'c') AS types,
              (SELECT count(*) FROM pg_publication) AS publications, (SELECT count(*) FROM pg_description) AS comments,
              (SELECT count(*) FROM pg_default_acl) AS defaults, (SELECT count(*) FROM pg_namespace WHERE nspname !~ '^pg_') AS schemas`,
    );
    return rows[0];
  }
});
