import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { freePort } from '../../../src/dev/free-port.js';
import { samplePgDump } from '../../../src/dev/postgres/pg-dump.js';
import { createSamplePair, type SamplePair } from '../../../src/dev/postgres/sample-pair.js';
import { until } from '../../../src/dev/postgres/until.js';

let pair: SamplePair;
let source: Client;
let destination: Client;
beforeAll(async () => {
  pair = await createSamplePair();
  source = new Client(pair.source.connection('pg-1'));
  destination = new Client(pair.destination.connection('new-1'));
  await Promise.all([source.connect(), destination.connect()]);
});
afterAll(async () => {
  await Promise.all([source.end(), destination.end()]);
  await pair.destroy();
});
beforeEach(async () => {
  for (const side of [source, destination]) {
    await side.query('RESET ALL; DROP SCHEMA IF EXISTS shop CASCADE; DROP ROLE IF EXISTS reader, "Odd Name"');
  }
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function pgDump(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(await samplePgDump(), args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // One that hangs ends with the test, not after it.
    timeout: 30_000,
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code));
  });
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, stdout, stderr };
}

function of(side: 'source' | 'destination') {
  const connection =
    side === 'source' ? pair.source.connection('pg-1') : pair.destination.connection('new-1');
  const args = [
    ...['--host', connection.host, `--port=${connection.port}`, '--username', connection.user],
    ...['--dbname', connection.database, '--no-password'],
  ];
  return { args, env: { PGPASSWORD: connection.password }, connection };
}

const roles = 'CREATE ROLE reader; CREATE ROLE "Odd Name"';
const shop = `
  CREATE SCHEMA shop;
  CREATE TYPE shop.state AS ENUM ('new', 'it''s paid', 'sent');
  CREATE DOMAIN shop.email AS text CHECK (VALUE LIKE '%@%');
  CREATE SEQUENCE shop.tickets INCREMENT 5 START 100 CACHE 3;
  CREATE FUNCTION shop.touch() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN NEW.note := $x$touched; 'twice'$x$; RETURN NEW; END $$;
  CREATE TABLE shop.customer (
    id bigint GENERATED ALWAYS AS IDENTITY (START 7) PRIMARY KEY,
    email shop.email NOT NULL UNIQUE,
    "Odd ""Name" text DEFAULT E'a\\n''b\\\\ü€😀',
    lower_email text GENERATED ALWAYS AS (lower(email)) STORED
  );
  CREATE TABLE shop.orders (
    id bigserial,
    placed timestamptz NOT NULL DEFAULT now(),
    customer bigint REFERENCES shop.customer ON DELETE CASCADE,
    state shop.state NOT NULL DEFAULT 'new',
    total numeric(12, 2) CHECK (total >= 0),
    note text COLLATE "C",
    PRIMARY KEY (id, placed)
  ) PARTITION BY RANGE (placed);
  CREATE TABLE shop.orders_2025 PARTITION OF shop.orders FOR VALUES FROM ('2025-01-01 00:00Z') TO ('2026-01-01 00:00Z');
  CREATE TABLE shop.orders_rest PARTITION OF shop.orders DEFAULT;
  CREATE INDEX orders_open ON shop.orders (customer DESC, lower(note)) WHERE state <> 'sent';
  CREATE TRIGGER touched BEFORE UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.touch();
  CREATE VIEW shop.open_orders AS SELECT o.id, c.email FROM shop.orders o JOIN shop.customer c ON c.id = o.customer;
  CREATE FUNCTION shop.total_of(bigint) RETURNS numeric LANGUAGE sql STABLE
    BEGIN ATOMIC SELECT sum(total) FROM shop.orders WHERE customer = $1; END;
  ALTER TABLE shop.customer ENABLE ROW LEVEL SECURITY;
  CREATE POLICY readers ON shop.customer FOR SELECT TO reader USING (id > 10);
  CREATE STATISTICS shop.related ON state, total FROM shop.orders;
  ALTER TABLE shop.customer REPLICA IDENTITY FULL;
  COMMENT ON TABLE shop.orders IS 'What was ordered; $$ and \\ and ''quotes''';
  GRANT USAGE ON SCHEMA shop TO reader;
  GRANT SELECT, UPDATE (note) ON shop.orders TO reader WITH GRANT OPTION;
  ALTER TABLE shop.orders_rest OWNER TO "Odd Name";
`;

/** Everything of the schema, told without oids. A NOT NULL is a constraint only since 18. */
const definitions = {
  relations: `SELECT c.relname, c.relkind, c.relpersistence, c.relreplident, c.relrowsecurity, pg_get_userbyid(c.relowner) AS owner,
      c.relacl::text AS acl, pg_get_expr(c.relpartbound, c.oid) AS bound, obj_description(c.oid, 'pg_class') AS comment,
      pg_get_partkeydef(c.oid) AS key, CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END AS view,
      CASE WHEN c.relkind IN ('i', 'I') THEN pg_get_indexdef(c.oid) END AS index
    FROM pg_class c WHERE c.relnamespace = 'shop'::regnamespace ORDER BY 1`,
  columns: `SELECT c.relname, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull, a.attidentity,
      a.attgenerated, pg_get_expr(d.adbin, d.adrelid) AS default, a.attacl::text AS acl, a.attcollation::regcollation::text AS collation
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'shop'::regnamespace AND a.attnum > 0 ORDER BY 1, 3`,
  constraints: `SELECT conname, conrelid::regclass::text AS table, contype, convalidated, pg_get_constraintdef(oid) AS def
    FROM pg_constraint WHERE connamespace = 'shop'::regnamespace AND contype <> 'n' ORDER BY 1, 2`,
  types: `SELECT t.typname, t.typtype, format_type(t.typbasetype, t.typtypmod) AS base,
      ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = t.oid ORDER BY enumsortorder) AS labels
    FROM pg_type t WHERE t.typnamespace = 'shop'::regnamespace ORDER BY 1`,
  sequences: `SELECT sequencename, data_type::text, start_value, increment_by, cache_size, cycle FROM pg_sequences
    WHERE schemaname = 'shop' ORDER BY 1`,
  functions: `SELECT proname, pg_get_functiondef(oid) AS def FROM pg_proc WHERE pronamespace = 'shop'::regnamespace ORDER BY 1`,
  triggers: `SELECT pg_get_triggerdef(t.oid) AS def, tgenabled FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
    WHERE c.relnamespace = 'shop'::regnamespace AND NOT tgisinternal ORDER BY 1`,
  policies: `SELECT tablename, policyname, roles::text, cmd, qual FROM pg_policies WHERE schemaname = 'shop'`,
  statistics: `SELECT pg_get_statisticsobjdef(oid) AS def FROM pg_statistic_ext WHERE stxnamespace = 'shop'::regnamespace`,
};

async function definitionsOf(client: Client, kinds: readonly (keyof typeof definitions)[]) {
  await client.query('SET search_path = pg_catalog');
  const found: [string, unknown[]][] = [];
  for (const kind of kinds) {
    const { rows } = await client.query<Record<string, unknown>>(definitions[kind]);
    expect(rows, kind).not.toHaveLength(0);
    found.push([kind, rows]);
  }
  return Object.fromEntries(found);
}

test('the definitions of a 17.10 are dumped in two parts, and an 18.4 that loads them has the same', async () => {
  for (const side of [source, destination]) await side.query(roles);
  await source.query(shop);
  const { args, env } = of('source');

  const pre = await pgDump([...args, '--schema-only', '--section=pre-data'], env);
  expect(pre).toMatchObject({ code: 0, stderr: '' });
  expect(pre.stdout).toContain('-- Dumped from database version 17.10');
  expect(pre.stdout).toContain('-- Dumped by pg_dump version 18.');
  expect(pre.stdout).not.toMatch(/^\\/m);
  await destination.query(pre.stdout);
  const before = await definitionsOf(destination, ['types', 'sequences', 'functions']);
  expect(before).toEqual(await definitionsOf(source, ['types', 'sequences', 'functions']));
  const { rows } = await destination.query(definitions.triggers);
  expect(rows).toEqual([]);

  const post = await pgDump([...args, '--schema-only', '--section=post-data'], env);
  expect(post).toMatchObject({ code: 0, stderr: '' });
  await destination.query('RESET ALL');
  await destination.query(post.stdout);
  const kinds = Object.keys(definitions) as (keyof typeof definitions)[];
  const expected = await definitionsOf(source, kinds);
  expect(expected['relations']?.length).toBeGreaterThan(15);
  expect(await definitionsOf(destination, kinds)).toEqual(expected);
});

test('an 18.4 that is newer in its last digit is dumped too, and rows come as INSERT', async () => {
  await destination.query(
    `${roles}; ${shop}; INSERT INTO shop.customer (email) VALUES ('ü€😀@b.c'), ('d''e@f.g')`,
  );
  const { args, env } = of('destination');
  const { code, stdout, stderr } = await pgDump([...args, '-n', 'shop', '--no-owner'], env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('-- Dumped from database version 18.4');
  expect(stdout).not.toContain('OWNER TO');

  await source.query('CREATE ROLE reader');
  await source.query(stdout);
  const { rows } = await source.query('SELECT id, email, lower_email FROM shop.customer ORDER BY id');
  expect(rows).toEqual([
    { id: '7', email: 'ü€😀@b.c', lower_email: 'ü€😀@b.c' },
    { id: '8', email: "d'e@f.g", lower_email: "d'e@f.g" },
  ]);
});

test('questions and answers of many kilobytes arrive whole', async () => {
  const body = `-- ${'x'.repeat(2_000_000)} ü`;
  await source.query('CREATE SCHEMA shop');
  await source.query(
    `CREATE FUNCTION shop.long() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; ${body}\nEND $$`,
  );
  const names = Array.from({ length: 400 }, (_, index) => `table_with_a_rather_long_name_number_${index}`);
  await source.query(names.map((name) => `CREATE TABLE shop.${name} (id int PRIMARY KEY);`).join(''));
  const { args, env } = of('source');

  const functions = await pgDump([...args, '--schema-only'], env);
  expect({ ...functions, stdout: functions.stdout.includes(body) }).toEqual({
    code: 0,
    stderr: '',
    stdout: true,
  });
  const chosen = names.slice(100, 300);
  const tables = await pgDump([...args, '-s', ...chosen.map((name) => `--table=shop.${name}`)], env);
  expect(tables).toMatchObject({ code: 0, stderr: '' });
  const created = [...tables.stdout.matchAll(/^CREATE TABLE shop\.(\w+)/gm)].map(([, name]) => name);
  expect(created.sort()).toEqual(chosen.sort());
});

test('a dump is of the snapshot that it is given, and goes to the file that it is given', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'rollgate-pg-dump-'));
  const { args, env, connection } = of('source');
  const holder = new Client(connection);
  await holder.connect();
  try {
    await source.query('CREATE SCHEMA shop; CREATE TABLE shop.early (id int)');
    await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const { rows } = await holder.query<{ id: string }>('SELECT pg_export_snapshot() AS id');
    await source.query('CREATE TABLE shop.late (id int)');
    const file = join(directory, 'out.sql');
    const ended = await pgDump([...args, '-s', `--snapshot=${rows[0]?.id ?? ''}`, '--file', file], env);
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '' });
    const dumped = await readFile(file, 'utf8');
    expect(dumped).toContain('CREATE TABLE shop.early');
    expect(dumped).not.toContain('shop.late');
  } finally {
    await holder.end();
    await rm(directory, { recursive: true });
  }
});

test('the connection is found in a connection string and in the variables of libpq as well', async () => {
  const { env, connection } = of('source');
  await source.query('CREATE SCHEMA shop; CREATE VIEW shop.v AS SELECT 1 AS x');
  const { host, port, user, password, database } = connection;
  const variables = { PGHOST: host, PGPORT: String(port), PGUSER: user, PGDATABASE: database };
  const ways: [string[], Record<string, string>][] = [
    [['-d', `host=${host} port=${port} user='${user}' dbname=${database}`], env],
    [[`--dbname=postgresql://${user}:${password}@${host}:${port}/${database}`], {}],
    [[], { ...env, ...variables }],
    [[`-h${host}`, '-U', user, '-wp', String(port), '-sOd', database], env],
  ];
  for (const [args, environment] of ways) {
    const { code, stdout, stderr } = await pgDump([...args, '--schema-only'], environment);
    expect({ code, stderr }, args.join(' ')).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('CREATE VIEW shop.v');
  }
});

test('what goes wrong is told on standard error with an exit code that is not 0', async () => {
  const { args, env, connection } = of('source');
  const portOfNobody = await freePort();
  const wrong: [string, string[], Record<string, string>, string][] = [
    ['a wrong password', args, { PGPASSWORD: 'wrong' }, 'password authentication failed for user "rollgate"'],
    ['no password', args, {}, 'the server asks for a password and none was supplied'],
    [
      'nobody at the port',
      [...args, '-p', String(portOfNobody)],
      env,
      `port ${portOfNobody} failed: connect ECONN`,
    ],
    ['no such database', [...args, '-d', 'nonesuch'], env, 'database "nonesuch" does not exist'],
    ['no such table', [...args, '-t', 'nonesuch'], env, 'pg_dump: error: no matching tables were found'],
    ['no such option', [...args, '--nonesuch'], env, 'unrecognized option: nonesuch'],
    ['a second database', [...args, 'other'], env, 'too many command-line arguments (first is "other")'],
    ['another format', [...args, '-Fc'], env, 'output format "c" is not available here'],
    ['a shortened option', ['--hos=x', ...args], env, 'write --host in full'],
    ['an unknown keyword', ['--dbname', 'hosts=a'], env, 'connection option "hosts" is not available here'],
  ];
  for (const [what, given, environment, reason] of wrong) {
    const { code, stdout, stderr } = await pgDump(given, environment);
    expect({ code, stdout }, what).toEqual({ code: 1, stdout: '' });
    expect(stderr, what).toContain(reason);
    expect(stderr, what).toMatch(/^pg_dump: /);
    expect(stderr, what).not.toContain(connection.password);
  }
});

test('a server that ends the session in the middle ends the dump', async () => {
  await source.query('CREATE SCHEMA shop; CREATE TABLE shop.locked (id int)');
  const { args, env, connection } = of('source');
  const locker = new Client(connection);
  await locker.connect();
  try {
    await locker.query('BEGIN; LOCK TABLE shop.locked IN ACCESS EXCLUSIVE MODE');
    const dumping = pgDump(args, env);
    await until('the dump waits for the lock and is terminated', async () => {
      const { rowCount } = await source.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pg_dump' AND wait_event_type = 'Lock'",
      );
      return rowCount === 1;
    });
    const { code, stdout, stderr } = await dumping;
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('terminating connection due to administrator command');
  } finally {
    await locker.end();
  }
});

test('it tells its version without a server, and its file can be run by its owner', async () => {
  const { code, stdout, stderr } = await pgDump(['--version']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^pg_dump \(PostgreSQL\) 18\.\d+\n$/);
  expect((await stat(await samplePgDump())).mode & 0o777).toBe(0o755);
});
