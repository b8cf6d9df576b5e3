import { readFile, readdir, writeFile } from 'node:fs/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterSpec, MigrationView, Obstacle, Pair, Side } from '../../../../src/contracts/index.js';
import { sampleContext, sampleLaunch } from '../../../../src/dev/postgres/sample-cluster.js';
import { createSamplePair, type SamplePair } from '../../../../src/dev/postgres/sample-pair.js';
import { until } from '../../../../src/dev/postgres/until.js';
import { createLocalHost } from '../../../../src/hosts/local/host.js';
import { createSessions } from '../../../../src/systems/postgres/connection.js';
import { createInspect } from '../../../../src/systems/postgres/migration/inspect.js';
import { listed } from '../../../../src/systems/postgres/migration/obstacles/look.js';
import { versions } from '../../../../src/systems/postgres/migration/obstacles/versions.js';
import { createSecretResolver } from '../../../../src/worker/secrets.js';

let sample: SamplePair;
const sessions = createSessions(createSecretResolver());
const inspect = createInspect(sessions);
const nodes: Record<Side, string> = { source: 'pg-1', destination: 'new-1' };

async function run(side: Side, statement: string, database = 'postgres'): Promise<void> {
  // The superuser is called like the scratch schema, which would come first.
  const options = '-c search_path=public';
  const client = new Client({ ...sample[side].connection(nodes[side], database), options });
  await client.connect();
  try {
    // One by one: some of them are not allowed together with others.
    for (const one of statement.split('\n').filter((s) => s.trim() !== '')) await client.query(one);
  } finally {
    await client.end();
  }
}

async function restart(side: Side): Promise<void> {
  const host = createLocalHost({ startGraceMs: 20 });
  const [node] = sample[side].cluster.nodes;
  if (!node) throw new Error('a side has a node');
  const launch = sampleLaunch(node);
  await host.stop(node, launch, { timeoutMs: 30_000, pollMs: 5 }, sampleContext);
  await host.start(node, launch, sampleContext);
  await until(`${side} answers`, async () => run(side, 'SELECT 1').then(() => true));
}

const look = (pair: Pair = sample.pair): Promise<MigrationView> => inspect(pair, sampleContext);
const withSettings = (cluster: ClusterSpec, settings: Record<string, unknown>): ClusterSpec => ({
  ...cluster,
  settings: { ...cluster.settings, ...settings },
});
const only = (view: MigrationView): Obstacle => {
  expect(view.obstacles.map((o) => o.code)).toHaveLength(1);
  return view.obstacles[0] as Obstacle;
};

beforeAll(async () => {
  sample = await createSamplePair();
  await run('source', 'ALTER SYSTEM SET max_prepared_transactions = 2');
  await restart('source');
});
afterAll(() => sample.destroy());

/** What the clean pair has already, and what makes no obstacle: it stays while the offences come and go. */
const harmless = `
  CREATE SCHEMA rollgate; CREATE TABLE rollgate.canary (token text PRIMARY KEY)
  CREATE TABLE events (day date, id bigint GENERATED ALWAYS AS IDENTITY, n int, double int GENERATED ALWAYS AS (n * 2) STORED, PRIMARY KEY (day, id)) PARTITION BY RANGE (day)
  CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')
  CREATE TABLE parent (id serial PRIMARY KEY); CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent)
  CREATE TABLE wide (a int[], b text, c jsonb, d int4range, e numeric); ALTER TABLE wide REPLICA IDENTITY FULL
  CREATE TABLE by_index (a int NOT NULL, b json); CREATE UNIQUE INDEX by_a ON by_index (a); ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_a
  CREATE EXTENSION btree_gist; CREATE EXTENSION pgcrypto
  CREATE TABLE spans (id int PRIMARY KEY, r int4range, n int UNIQUE DEFERRABLE INITIALLY DEFERRED, EXCLUDE USING gist (r WITH &&) DEFERRABLE)
  ALTER TABLE spans ENABLE ROW LEVEL SECURITY; ALTER TABLE spans FORCE ROW LEVEL SECURITY
  CREATE RULE kept AS ON DELETE TO spans DO ALSO NOTHING; ALTER TABLE spans ENABLE ALWAYS RULE kept
  CREATE FUNCTION noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER plain BEFORE INSERT ON spans FOR EACH ROW EXECUTE FUNCTION noop()
  CREATE ROLE app LOGIN; CREATE ROLE lister; ALTER ROLE app SET work_mem = '8MB'
  CREATE UNLOGGED SEQUENCE quick
  CREATE SCHEMA rollgate_migration; CREATE TABLE rollgate_migration.anything (id int)
  INSERT INTO events (day, n) SELECT '2024-05-05', 1 FROM generate_series(1, 1000)`;

interface Offence {
  readonly code: string;
  /** On which side; default: the source. */
  readonly on?: Side;
  readonly make: string;
  readonly undo: string;
  /** Parts of the message: the objects by name. */
  readonly told: readonly string[];
  readonly remedy: string;
  readonly acceptAs?: string;
  readonly reload?: true;
}

const offences: readonly Offence[] = [
  {
    code: 'PG_NO_REPLICA_IDENTITY',
    make: 'CREATE TABLE keyless (id int); CREATE TABLE "Odd ""name" (id int)',
    undo: 'DROP TABLE keyless, "Odd ""name"',
    told: ['2 tables on the source (pg-1)', 'public.keyless', 'public."Odd ""name"'],
    remedy:
      'ADD PRIMARY KEY (…); where rows have none: ALTER TABLE public."Odd ""name" REPLICA IDENTITY FULL;',
  },
  {
    code: 'PG_NO_REPLICA_IDENTITY',
    make: 'CREATE TABLE refused (id int PRIMARY KEY); ALTER TABLE refused REPLICA IDENTITY NOTHING',
    undo: 'DROP TABLE refused',
    told: ['1 table on', 'public.refused'],
    remedy: 'ALTER TABLE public.refused REPLICA IDENTITY FULL;',
  },
  {
    code: 'PG_NO_REPLICA_IDENTITY',
    make: 'CREATE TABLE late (id int PRIMARY KEY DEFERRABLE)',
    undo: 'DROP TABLE late',
    told: ['public.late'],
    remedy: 'ALTER TABLE public.late ADD PRIMARY KEY',
  },
  {
    code: 'PG_NO_REPLICA_IDENTITY',
    make: `CREATE TABLE lost (id int NOT NULL); CREATE UNIQUE INDEX lost_id ON lost (id); ALTER TABLE lost REPLICA IDENTITY USING INDEX lost_id; DROP INDEX lost_id`,
    undo: 'DROP TABLE lost',
    told: ['public.lost'],
    remedy: 'ALTER TABLE public.lost ADD PRIMARY KEY',
  },
  {
    code: 'PG_NO_REPLICA_IDENTITY',
    make: `CREATE TABLE invalid (id int PRIMARY KEY)\nUPDATE pg_index SET indisvalid = false WHERE indexrelid = 'invalid_pkey'::regclass`,
    undo: 'DROP TABLE invalid',
    told: ['public.invalid'],
    remedy: 'ALTER TABLE public.invalid ADD PRIMARY KEY',
  },
  {
    code: 'PG_NO_REPLICA_IDENTITY',
    make: `CREATE TABLE parts (id int) PARTITION BY LIST (id); CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1)`,
    undo: 'DROP TABLE parts',
    told: ['1 table on', 'public.parts_1'],
    remedy: 'ALTER TABLE public.parts_1 ADD PRIMARY KEY',
  },
  ...(['json', 'point', 'xml', 'box', 'point[]', 'json_pair'] as const).map((type) => ({
    code: 'PG_INCOMPARABLE_ROWS',
    make: `CREATE TYPE json_pair AS (a int, b json); CREATE TABLE fuzzy (id int, "what not" ${type}); ALTER TABLE fuzzy REPLICA IDENTITY FULL`,
    undo: 'DROP TABLE fuzzy; DROP TYPE json_pair',
    told: [`public.fuzzy."what not" (${type === 'json_pair' ? 'public.json_pair' : type})`],
    remedy:
      'ALTER TABLE public.fuzzy ADD PRIMARY KEY (…); ALTER TABLE public.fuzzy REPLICA IDENTITY DEFAULT;',
  })),
  {
    code: 'PG_GENERATED_IDENTITY',
    make: 'CREATE TABLE made (a int, b int GENERATED ALWAYS AS (a + 1) STORED PRIMARY KEY)',
    undo: 'DROP TABLE made',
    told: ['public.made.b'],
    remedy: 'ALTER TABLE public.made REPLICA IDENTITY USING INDEX',
  },
  {
    code: 'PG_GENERATED_IDENTITY',
    make: 'CREATE TABLE made (a int, b int GENERATED ALWAYS AS (a + 1) STORED); ALTER TABLE made REPLICA IDENTITY FULL',
    undo: 'DROP TABLE made',
    told: ['public.made.b'],
    remedy: 'ALTER TABLE public.made REPLICA IDENTITY USING INDEX',
  },
  {
    code: 'PG_UNLOGGED_TABLES',
    make: 'CREATE UNLOGGED TABLE cache (id int PRIMARY KEY)',
    undo: 'DROP TABLE cache',
    told: ['1 unlogged table', 'public.cache'],
    remedy: 'ALTER TABLE public.cache SET LOGGED;',
  },
  ...(['oid', 'regclass', 'regrole[]', 'aclitem', 'ref', 'holder'] as const).map((type) => ({
    code: 'PG_OID_COLUMNS',
    make: `CREATE DOMAIN ref AS oid; CREATE TYPE holder AS (a int, b ref[]); CREATE TABLE points (id int PRIMARY KEY, "to" ${type})`,
    undo: 'DROP TABLE points; DROP TYPE holder; DROP DOMAIN ref',
    told: [
      '1 column on the source',
      `public.points."to" (${['ref', 'holder'].includes(type) ? 'public.' : ''}${type})`,
    ],
    remedy: 'ALTER TABLE public.points ALTER COLUMN "to" TYPE text;',
  })),
  {
    code: 'PG_EXTENSION_TABLES',
    make: 'CREATE TABLE known (id int PRIMARY KEY); INSERT INTO known VALUES (1); ALTER EXTENSION pgcrypto ADD TABLE known',
    undo: 'ALTER EXTENSION pgcrypto DROP TABLE known; DROP TABLE known',
    told: ['public.known (pgcrypto)'],
    remedy: 'ALTER EXTENSION pgcrypto DROP TABLE public.known;',
    acceptAs: 'extension-tables',
  },
  {
    code: 'PG_LARGE_OBJECTS',
    make: 'SELECT lo_create(4711)',
    undo: 'SELECT lo_unlink(4711)',
    told: ['1 large object', '4711'],
    remedy: 'SELECT lo_unlink(oid) FROM pg_largeobject_metadata;',
  },
  {
    code: 'PG_MATERIALIZED_VIEWS',
    make: 'CREATE MATERIALIZED VIEW sums AS SELECT 1 AS n',
    undo: 'DROP MATERIALIZED VIEW sums',
    told: ['1 materialized view', 'public.sums'],
    remedy: 'DROP MATERIALIZED VIEW public.sums;',
  },
  {
    code: 'PG_FOREIGN_TABLES',
    make: 'CREATE FOREIGN DATA WRAPPER none; CREATE SERVER far FOREIGN DATA WRAPPER none; CREATE FOREIGN TABLE away (id int) SERVER far',
    undo: 'DROP FOREIGN DATA WRAPPER none CASCADE',
    told: ['1 foreign table', 'public.away'],
    remedy: 'DROP FOREIGN TABLE public.away;',
  },
  ...(['ALWAYS', 'REPLICA'] as const).map((mode) => ({
    code: 'PG_REPLICA_TRIGGERS',
    make: `CREATE TRIGGER audit BEFORE INSERT ON spans FOR EACH ROW EXECUTE FUNCTION noop(); ALTER TABLE spans ENABLE ${mode} TRIGGER audit`,
    undo: 'DROP TRIGGER audit ON spans',
    told: [`audit on public.spans (${mode})`],
    remedy: 'ALTER TABLE public.spans ENABLE TRIGGER audit;',
  })),
  {
    code: 'PG_EVENT_TRIGGERS',
    make: `CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER watching ON ddl_command_end EXECUTE FUNCTION watch()`,
    undo: 'DROP EVENT TRIGGER watching; DROP FUNCTION watch()',
    told: ['1 enabled event trigger', 'watching'],
    remedy: 'ALTER EVENT TRIGGER watching DISABLE;',
    acceptAs: 'event-triggers',
  },
  {
    code: 'PG_PUBLICATIONS',
    make: 'CREATE PUBLICATION "Everything" FOR ALL TABLES; CREATE PUBLICATION rollgate_forward',
    undo: 'DROP PUBLICATION "Everything", rollgate_forward',
    told: ['1 publication on the source (pg-1)', '"Everything"'],
    remedy: 'DROP PUBLICATION "Everything";',
  },
  {
    code: 'PG_SECURITY_LABELS',
    make: `INSERT INTO pg_seclabel VALUES ('spans'::regclass, 'pg_class'::regclass, 0, 'selinux', 'secret')`,
    undo: 'DELETE FROM pg_seclabel',
    told: ['table public.spans (selinux)'],
    remedy: 'SECURITY LABEL FOR selinux ON table public.spans IS NULL;',
  },
  {
    code: 'PG_PREPARED_TRANSACTIONS',
    make: `BEGIN\nINSERT INTO spans (id) VALUES (99)\nPREPARE TRANSACTION 'half done'`,
    undo: "ROLLBACK PREPARED 'half done'",
    told: ["'half done' in database postgres"],
    remedy: "COMMIT PREPARED 'half done'; or ROLLBACK PREPARED 'half done';",
  },
  ...(['source', 'destination'] as const).flatMap((on): Offence[] => [
    {
      code: 'PG_FOREIGN_SLOTS',
      on,
      make: "SELECT pg_create_logical_replication_slot('warehouse', 'pgoutput')",
      undo: "SELECT pg_drop_replication_slot('warehouse')",
      told: [`1 logical slot of others on the ${on}`, 'warehouse'],
      remedy: "SELECT pg_drop_replication_slot('warehouse');",
    },
    {
      code: 'PG_SUBSCRIBER',
      on,
      make: "CREATE SUBSCRIPTION intake CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false)",
      undo: 'ALTER SUBSCRIPTION intake SET (slot_name = NONE)\nDROP SUBSCRIPTION intake',
      told: [`the ${on} (${nodes[on]}) is a subscriber itself`, 'intake in database postgres'],
      remedy: 'In database postgres: DROP SUBSCRIPTION intake;',
    },
    {
      code: 'PG_NO_ROOM',
      on,
      make: "SELECT pg_create_physical_replication_slot('standby_' || i) FROM generate_series(1, current_setting('max_replication_slots')::int) i",
      undo: "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name ~ '^standby_'",
      told: [`max_replication_slots of the ${on}`, 'the slot that keeps its changes'],
      remedy: 'ALTER SYSTEM SET max_replication_slots = ',
    },
    {
      code: 'PG_NO_ROOM',
      on,
      make: "SELECT pg_replication_origin_create('other_' || i) FROM generate_series(1, 20) i",
      undo: "SELECT pg_replication_origin_drop(roname) FROM pg_replication_origin WHERE roname ~ '^other_'",
      told: [
        `${on === 'source' ? 'max_replication_slots' : 'max_active_replication_origins'} of the ${on}`,
        'the origin that remembers',
      ],
      remedy: `ALTER SYSTEM SET ${on === 'source' ? 'max_replication_slots' : 'max_active_replication_origins'} = 21;`,
    },
    {
      code: 'PG_SLOT_LIMIT',
      on,
      make: "ALTER SYSTEM SET max_slot_wal_keep_size = '1GB'\nSELECT pg_reload_conf()",
      undo: 'ALTER SYSTEM RESET max_slot_wal_keep_size\nSELECT pg_reload_conf()',
      told: [`max_slot_wal_keep_size of the ${on}`, '1GB'],
      remedy: 'ALTER SYSTEM SET max_slot_wal_keep_size = -1; SELECT pg_reload_conf();',
      acceptAs: 'slot-limit',
      reload: true,
    },
  ]),
  {
    code: 'PG_SLOT_LIMIT',
    on: 'destination',
    make: "ALTER SYSTEM SET idle_replication_slot_timeout = '1h'\nSELECT pg_reload_conf()",
    undo: 'ALTER SYSTEM RESET idle_replication_slot_timeout\nSELECT pg_reload_conf()',
    told: ['idle_replication_slot_timeout of the destination', '1h'],
    remedy: 'ALTER SYSTEM SET idle_replication_slot_timeout = 0;',
    acceptAs: 'slot-limit',
    reload: true,
  },
  {
    code: 'PG_SYNCHRONOUS_STANDBYS',
    make: "ALTER SYSTEM SET synchronous_standby_names = '*'\nSELECT pg_reload_conf()",
    undo: 'ALTER SYSTEM RESET synchronous_standby_names\nSELECT pg_reload_conf()',
    told: ["synchronous_standby_names of the source (pg-1) is '*'", 'rollgate_forward'],
    remedy: "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (a, b)';",
    reload: true,
  },
  ...['ANY 1 (a, b)', '*'].map((rule): Offence => ({
    code: 'PG_SYNCHRONOUS_RULE',
    on: 'destination',
    make: `ALTER SYSTEM SET synchronous_standby_names = '${rule}'\nSELECT pg_reload_conf()`,
    undo: 'ALTER SYSTEM RESET synchronous_standby_names\nSELECT pg_reload_conf()',
    told: ['the destination (new-1)', `synchronous_standby_names = '${rule}'`],
    remedy: "e.g. 'FIRST 2 (a, b)'",
    acceptAs: 'reverse-asynchronous',
    reload: true,
  })),
  ...(
    [
      ['CREATE TABLE stray (id int)', 'DROP TABLE stray', 'table public.stray'],
      ['CREATE SCHEMA "Other"', 'DROP SCHEMA "Other"', 'schema "Other"'],
      ['CREATE SEQUENCE stray', 'DROP SEQUENCE stray', 'sequence public.stray'],
      ['CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1', 'DROP FUNCTION f()', 'function public.f()'],
      ['CREATE TYPE e AS ENUM ()', 'DROP TYPE e', 'type public.e'],
      ['CREATE EXTENSION hstore', 'DROP EXTENSION hstore', 'extension hstore'],
      ['CREATE PUBLICATION p', 'DROP PUBLICATION p', 'publication p'],
      [
        'CREATE TEXT SEARCH CONFIGURATION c (COPY = simple)',
        'DROP TEXT SEARCH CONFIGURATION c',
        'text search configuration public.c',
      ],
      ['SELECT lo_create(815)', 'SELECT lo_unlink(815)', 'large object 815'],
    ] as const
  ).map(([make, undo, name]): Offence => ({
    code: 'PG_DESTINATION_NOT_EMPTY',
    on: 'destination',
    ...{ make, undo },
    told: ['database postgres of the destination (new-1) is not empty', name],
    remedy: `DROP ${name};`,
  })),
  {
    code: 'PG_ROLES_DIFFER',
    on: 'destination',
    make: 'CREATE ROLE app LOGIN CREATEDB',
    undo: 'DROP ROLE app',
    told: ['1 role on the destination', 'app (CREATEDB)'],
    remedy: 'DROP ROLE …; on the destination',
  },
  {
    code: 'PG_ROLES_DIFFER',
    on: 'destination',
    make: "CREATE ROLE app LOGIN PASSWORD 'another'",
    undo: 'DROP ROLE app',
    told: ['app (PASSWORD)'],
    remedy: 'DROP ROLE …; on the destination',
  },
  {
    code: 'PG_ROLES_DIFFER',
    on: 'destination',
    make: 'CREATE ROLE "Stranger"',
    undo: 'DROP ROLE "Stranger"',
    told: ['"Stranger" (not on the source)'],
    remedy: 'CREATE ROLE or ALTER ROLE',
  },
  {
    code: 'PG_EXTENSION_MISSING',
    make: "CREATE EXTENSION hstore\nUPDATE pg_extension SET extname = 'rare' WHERE extname = 'hstore'",
    undo: "UPDATE pg_extension SET extname = 'hstore' WHERE extname = 'rare'\nDROP EXTENSION hstore",
    told: ['not installed for the destination (new-1)', 'rare 1.8'],
    remedy: 'Install the package of rare for PostgreSQL 18',
  },
  {
    code: 'PG_EXTENSION_VERSION',
    make: "CREATE EXTENSION hstore\nUPDATE pg_extension SET extversion = '99' WHERE extname = 'hstore'",
    undo: 'DROP EXTENSION hstore',
    told: ['hstore 1.8 instead of 99'],
    remedy: 'ALTER EXTENSION … UPDATE;',
    acceptAs: 'extension-version',
  },
  {
    code: 'PG_TABLESPACES',
    make: "SET allow_in_place_tablespaces = on\nCREATE TABLESPACE fast LOCATION ''\nCREATE TABLE quick_one (id int PRIMARY KEY) TABLESPACE fast",
    undo: 'DROP TABLE quick_one\nDROP TABLESPACE fast',
    told: ['not on the destination (new-1)', 'fast'],
    remedy: `CREATE TABLESPACE "fast" LOCATION '…';`,
  },
  {
    code: 'PG_SETTINGS_UNKNOWN',
    make: "ALTER ROLE lister SET work_mem = '8MB'\nUPDATE pg_db_role_setting SET setconfig = '{old_setting=1}' WHERE setrole = 'lister'::regrole",
    undo: 'ALTER ROLE lister RESET ALL',
    told: ['old_setting of role lister'],
    remedy: 'ALTER ROLE … RESET old_setting;',
  },
  {
    code: 'PG_COLLATION_VERSION',
    make: "UPDATE pg_database SET datcollversion = '0.1' WHERE datname = 'postgres'",
    undo: "UPDATE pg_database SET datcollversion = NULL WHERE datname = 'postgres'",
    told: ['database postgres on the source (pg-1) was made with version 0.1 and is now of none'],
    remedy: 'REFRESH COLLATION VERSION',
    acceptAs: 'collation-version',
  },
  {
    code: 'PG_COLLATION_VERSION',
    make: "CREATE COLLATION german (provider = icu, locale = 'de')\nUPDATE pg_collation SET collversion = '1' WHERE collname = 'german'",
    undo: 'DROP COLLATION german',
    told: ['collation public.german on the source (pg-1) was made with version 1'],
    remedy: 'ALTER COLLATION … REFRESH VERSION',
    acceptAs: 'collation-version',
  },
];

const codeOf = (on: Side | undefined, code: string): string =>
  // It is told of the side that has to do something about it.
  nodes[
    ['PG_EXTENSION_MISSING', 'PG_EXTENSION_VERSION', 'PG_TABLESPACES', 'PG_SETTINGS_UNKNOWN'].includes(code)
      ? 'destination'
      : (on ?? 'source')
  ];

describe('R-MIG-4: what forbids a migration is found on real servers, by name and with its remedy', () => {
  it('an empty pair has no obstacle, and says what it is', async () => {
    const view = await look();
    expect(view).toMatchObject({
      versions: { source: '17.10', destination: '18.4' },
      ...{ obstacles: [], tables: [], sequences: 0, residue: { source: [], destination: [] } },
    });
    expect(Date.parse(view.observedAt)).not.toBeNaN();
  });

  it('what is fine makes no obstacle, and is counted', async () => {
    await run('source', harmless);
    const view = await look();
    expect(view.obstacles).toEqual([]);
    expect(view.tables.map((t) => t.table).sort()).toEqual(
      [
        ...['"public"."by_index"', '"public"."child"', '"public"."events_1"', '"public"."parent"'],
        ...['"public"."spans"', '"public"."wide"', '"rollgate"."canary"'],
      ].sort(),
    );
    const events = view.tables.find((t) => t.table === '"public"."events_1"');
    expect(events?.pages).toBeGreaterThan(3);
    expect(events?.bytes).toBeGreaterThanOrEqual((events?.pages ?? 0) * 8192);
    // parent_id_seq, events_id_seq and the unlogged one, whose value is carried like any other's.
    expect(view.sequences).toBe(3);
    expect(view.residue).toEqual({ source: ['schema rollgate_migration'], destination: [] });
  });

  it.each(offences)('$code: $make', async ({ code, on, make, undo, told, remedy, acceptAs, reload }) => {
    await run(on ?? 'source', make);
    try {
      // A reload is not in force in every session at once.
      if (reload) await until(`${code} is seen`, async () => (await look()).obstacles.length > 0, 10_000);
      const found = only(await look());
      expect(found).toMatchObject({ code, node: codeOf(on, code) });
      expect(found.acceptAs).toBe(acceptAs);
      for (const part of told) expect(found.message).toContain(part);
      expect(found.remedy).toContain(remedy);
    } finally {
      await run(on ?? 'source', undo);
    }
    if (reload) await until('it is gone', async () => (await look()).obstacles.length === 0, 10_000);
    expect((await look()).obstacles).toEqual([]);
  });

  it('PG_EVENT_TRIGGERS: one that is disabled does nothing', async () => {
    await run(
      'source',
      `CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER w ON ddl_command_end EXECUTE FUNCTION watch(); ALTER EVENT TRIGGER w DISABLE`,
    );
    expect((await look()).obstacles).toEqual([]);
    await run('source', 'DROP EVENT TRIGGER w; DROP FUNCTION watch()');
  });

  it('PG_COLLATION_VERSION: a library of another version on the other side', async () => {
    await run('source', "CREATE COLLATION local (provider = icu, locale = 'de')");
    await run('destination', "CREATE COLLATION local (provider = libc, locale = 'C')");
    const view = await look();
    await run('source', 'DROP COLLATION local');
    await run('destination', 'DROP COLLATION local');
    expect(view.obstacles.map((o) => o.code)).toEqual(['PG_COLLATION_VERSION', 'PG_DESTINATION_NOT_EMPTY']);
    expect(view.obstacles[0]?.message).toMatch(
      /public\.local is of version [\d.]+ on the source and none on the/,
    );
    expect(view.obstacles[1]?.message).toContain('collation public.local');
  });

  it.each([
    ["ENCODING 'SQL_ASCII'", 'encoding UTF8 and SQL_ASCII', "ENCODING 'UTF8'"],
    [
      "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'",
      'provider libc and builtin',
      'LOCALE_PROVIDER libc',
    ],
    ["LOCALE_PROVIDER icu ICU_LOCALE 'de' LOCALE 'C'", 'locale none and de', "LC_COLLATE 'C'"],
  ])('PG_LOCALE: a database made with %s', async (options, told, remedy) => {
    await run('destination', `CREATE DATABASE "Shop" TEMPLATE template0 ${options}`);
    const view = await look({
      source: sample.pair.source,
      destination: withSettings(sample.pair.destination, { database: 'Shop' }),
    });
    await run('destination', 'DROP DATABASE "Shop" WITH (FORCE)');
    const found = view.obstacles.find((o) => o.code === 'PG_LOCALE');
    expect(found).toMatchObject({ node: 'new-1' });
    expect(found?.message).toContain('database postgres of the source (pg-1) and database Shop of the');
    expect(found?.message).toContain(told);
    expect(found?.remedy).toContain(`CREATE DATABASE "Shop" TEMPLATE template0`);
    expect(found?.remedy).toContain(remedy);
  });

  it.each(['source', 'destination'] as const)('PG_DATABASE_MISSING on the %s', async (side) => {
    const pair = { ...sample.pair, [side]: withSettings(sample.pair[side], { database: 'nowhere' }) };
    const found = only(await look(pair));
    expect(found).toMatchObject({ code: 'PG_DATABASE_MISSING', node: nodes[side] });
    expect(found.message).toContain(`the ${side} (${nodes[side]}) has no database nowhere`);
    expect(found.remedy).toContain('CREATE DATABASE "nowhere" TEMPLATE template0;');
  });

  it.each(['source', 'destination'] as const)('PG_PRIVILEGES on the %s', async (side) => {
    const file = `${sample[side].directory}/modest`;
    await writeFile(file, 'a-modest-password');
    await run(side, "CREATE ROLE modest LOGIN PASSWORD 'a-modest-password' IN ROLE pg_monitor");
    const cluster = withSettings(sample.pair[side], { user: 'modest', password: `file:${file}` });
    const found = only(await look({ ...sample.pair, [side]: cluster }));
    await run(side, 'DROP ROLE modest');
    expect(found).toMatchObject({ code: 'PG_PRIVILEGES', node: nodes[side] });
    expect(found.message).toContain(`not a superuser on the ${side} (${nodes[side]})`);
    expect(found.remedy).toContain('ALTER ROLE … SUPERUSER;');
  });

  it('PG_DESTINATION_OLDER: source and destination exchanged', async () => {
    const view = await look({ source: sample.pair.destination, destination: sample.pair.source });
    const found = view.obstacles.find((o) => o.code === 'PG_DESTINATION_OLDER');
    expect(found?.node).toBe('pg-1');
    expect(found?.message).toContain('the destination (pg-1) runs 17.10, which is older than 18.4');
    expect(found?.remedy).toContain('exchange source and destination');
  });

  it('PG_SOURCE_TOO_OLD: what a server says, with another version number', () => {
    const of = (version: string, versionNumber: number, side: Side) =>
      ({ version, versionNumber, side, node: nodes[side] }) as Parameters<typeof versions>[0];
    const b = of('18.4', 180004, 'destination');
    expect(versions(of('16.0', 160000, 'source'), b)).toEqual([]);
    const [found] = versions(of('15.14', 150014, 'source'), b);
    expect(found).toMatchObject({ code: 'PG_SOURCE_TOO_OLD', node: 'pg-1' });
    expect(found?.message).toContain('15.14');
    expect(found?.remedy).toContain('pg_upgrade');
    expect(versions(of('17.10', 170010, 'source'), of('17.9', 170009, 'destination'))).toMatchObject([
      { code: 'PG_DESTINATION_OLDER' },
    ]);
    expect(versions(of('17.10', 170010, 'source'), of('17.10', 170010, 'destination'))).toEqual([]);
  });

  it('PG_SAME_CLUSTER: one cluster named twice', async () => {
    const view = await look({ source: sample.pair.source, destination: sample.pair.source });
    const found = view.obstacles.find((o) => o.code === 'PG_SAME_CLUSTER');
    expect(found?.message).toContain('the same system identifier');
    expect(found?.remedy).toContain('initdb');
  });

  it('PG_OTHER_DATABASES: what another database holds, and one that is empty', async () => {
    await run('source', 'CREATE DATABASE crm\nCREATE DATABASE bare');
    expect((await look()).obstacles).toEqual([]);
    await run('source', 'CREATE TABLE t (id int)', 'crm');
    const found = only(await look());
    expect(found).toMatchObject({ code: 'PG_OTHER_DATABASES', node: 'pg-1', acceptAs: 'other-databases' });
    expect(found.message).toContain('only postgres is migrated: crm;');
    expect(found.remedy).toContain('pg_dump crm');
    await run('source', 'DROP DATABASE crm WITH (FORCE)');
    // A server refuses sessions in such a database.
    await run('source', "UPDATE pg_database SET datconnlimit = -2 WHERE datname = 'bare'");
    const unknown = only(await look());
    expect(unknown).toMatchObject({ code: 'PG_UNKNOWN', node: 'pg-1' });
    expect(unknown.message).toContain('database bare of the source (pg-1) cannot be looked into');
    expect(unknown.remedy).toContain('DROP DATABASE "bare";');
    await run('source', 'DROP DATABASE bare');
  });

  it('PG_UNKNOWN: what a server does not tell is no clean pair', async () => {
    const locking = new Client(sample.source.connection('pg-1'));
    await locking.connect();
    await locking.query('BEGIN; LOCK TABLE public.spans IN ACCESS EXCLUSIVE MODE');
    const view = await look();
    await locking.end();
    const found = only(view);
    expect(found).toMatchObject({ code: 'PG_UNKNOWN', node: 'pg-1' });
    expect(found.message).toContain('the source (pg-1) did not tell the sizes of its tables');
    expect(view.tables).toEqual([]);
    expect(found.remedy).toContain('inspect again');
  });

  it('names at most ten objects', () => {
    const names = Array.from({ length: 12 }, (_, i) => `t${i}`);
    expect(listed(names)).toBe('t0, t1, t2, t3, t4, t5, t6, t7, t8, t9 and 2 more');
    expect(listed(names.slice(0, 10))).not.toContain('more');
  });

  it('a side that does not answer is no view', async () => {
    const [node] = sample.pair.destination.nodes;
    const destination = {
      ...sample.pair.destination,
      nodes: [{ ...node, address: '127.0.0.1:1' }],
    } as ClusterSpec;
    await expect(look({ source: sample.pair.source, destination })).rejects.toMatchObject({
      code: 'SYSTEM_UNREACHABLE',
    });
  });

  it.each(['source', 'destination'] as const)('PG_WAL_LEVEL and PG_NO_ROOM on the %s', async (side) => {
    const settings = {
      wal_level: 'replica',
      max_wal_senders: '1',
      max_logical_replication_workers: '0',
      max_worker_processes: '0',
    };
    const set = (value: (name: string, to: string) => string): string =>
      Object.entries(settings)
        .map(([name, to]) => `ALTER SYSTEM ${value(name, to)}`)
        .join('\n');
    await run(
      side,
      set((name, to) => `SET ${name} = '${to}'`),
    );
    await restart(side);
    const view = await look();
    await run(
      side,
      set((name) => `RESET ${name}`),
    );
    await restart(side);
    const of = (code: string, name: string) =>
      view.obstacles.filter(
        (o) => o.code === code && o.message.includes(`${name} of the ${side} (${nodes[side]})`),
      );
    expect(view.obstacles).toHaveLength(4);
    expect(of('PG_WAL_LEVEL', 'wal_level')).toMatchObject([
      { node: nodes[side], remedy: expect.stringContaining("SET wal_level = 'logical';") as unknown },
    ]);
    for (const [name, least] of [
      ['max_wal_senders', 2],
      ['max_logical_replication_workers', 1],
      ['max_worker_processes', 1],
    ] as const) {
      expect(of('PG_NO_ROOM', name)).toMatchObject([
        { node: nodes[side], remedy: expect.stringContaining(`SET ${name} = ${least};`) as unknown },
      ]);
    }
    expect((await look()).obstacles).toEqual([]);
  });

  it('every code is made here', async () => {
    const at = (path: string): URL => new URL(path, import.meta.url);
    const folder = at('../../../../src/systems/postgres/migration/obstacles/');
    const sources = await Promise.all(
      (await readdir(folder)).map((name) => readFile(new URL(name, folder), 'utf8')),
    );
    const codes = [
      ...new Set([...sources.join('\n').matchAll(/code: '(PG_[A-Z_]+)'/g)].map((m) => m[1] ?? '')),
    ];
    expect(codes.length).toBeGreaterThan(20);
    const disk = '../../../postgres/migration-disk.test.ts';
    const files = ['inspect.test.ts', 'inspect-again.test.ts', 'roles-changed.test.ts', disk];
    const tests = (await Promise.all(files.map((file) => readFile(at(file), 'utf8')))).join('');
    for (const code of codes) expect(tests).toContain(code);
  });
});
