import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Direction, Obstacle, Side } from '../../../../src/contracts/index.js';
import { sampleContext, sampleLaunch } from '../../../../src/dev/postgres/sample-cluster.js';
import { until } from '../../../../src/dev/postgres/until.js';
import { createLocalHost } from '../../../../src/hosts/local/host.js';
import { createCompareDefinitions } from '../../../../src/systems/postgres/migration/definitions.js';
import { createObstacles } from '../../../../src/systems/postgres/migration/obstacles/again.js';
import { twoSides, type TwoSides } from './switch/two-sides.js';

let two: TwoSides;
const nodes: Record<Side, string> = { source: 'pg-1', destination: 'new-1' };

const look = (direction: Direction): Promise<readonly Obstacle[]> =>
  createObstacles(two.sessions)(two.pair, direction, two.ctx);

/** As a superuser who gets around the guard; each line by itself. */
async function pastTheGuard(side: Side, statements: string): Promise<void> {
  const options = '-c rollgate.migration=on -c search_path=public';
  const client = new Client({ ...two.sample[side].connection(nodes[side]), options });
  await client.connect();
  try {
    for (const one of statements.split('\n')) await client.query(one);
  } finally {
    await client.end();
  }
}

async function withPreparedTransactions(side: Side): Promise<void> {
  await two.sql(side, 'ALTER SYSTEM SET max_prepared_transactions = 2');
  const host = createLocalHost({ startGraceMs: 20 });
  const [node] = two.pair[side].nodes;
  if (!node) throw new Error('a side has a node');
  await host.stop(node, sampleLaunch(node), { timeoutMs: 30_000, pollMs: 5 }, sampleContext);
  await host.start(node, sampleLaunch(node), sampleContext);
  await until(`the ${side} answers`, async () => two.sql(side, 'SELECT 1').then(() => true));
}

beforeAll(async () => {
  two = await twoSides();
  await withPreparedTransactions('source');
  await two.exported();
  for (const direction of ['forward', 'back'] as const) {
    await two.stream.startStream(two.pair, direction, { synchronous: false }, two.ctx);
  }
});
afterAll(() => two.destroy());

interface Offence {
  readonly code: string;
  readonly make: string;
  readonly undo: string;
  readonly told: string;
  readonly remedy: string;
  readonly acceptAs?: string;
}

/** What may come up on whichever side sends. */
const offences: readonly Offence[] = [
  {
    code: 'PG_LARGE_OBJECTS',
    make: 'SELECT lo_create(4711)',
    undo: 'SELECT lo_unlink(4711)',
    told: '4711',
    remedy: 'SELECT lo_unlink',
  },
  {
    code: 'PG_UNLOGGED_TABLES',
    make: 'CREATE UNLOGGED TABLE cache (id int PRIMARY KEY)',
    undo: 'DROP TABLE cache',
    told: 'public.cache',
    remedy: "SET rollgate.migration = 'on'",
  },
  {
    code: 'PG_NOT_CARRIED',
    make: 'CREATE TABLE late (id int PRIMARY KEY)',
    undo: 'DROP TABLE late',
    told: '"public"."late"',
    remedy: 'DROP TABLE "public"."late";',
  },
  {
    code: 'PG_NO_REPLICA_IDENTITY',
    make: 'ALTER TABLE notes REPLICA IDENTITY NOTHING',
    undo: 'ALTER TABLE notes REPLICA IDENTITY DEFAULT',
    told: 'public.notes',
    remedy: 'ALTER TABLE public.notes',
  },
  {
    code: 'PG_REPLICA_TRIGGERS',
    make: "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'\nCREATE TRIGGER twice BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION f()\nALTER TABLE notes ENABLE ALWAYS TRIGGER twice",
    undo: 'DROP FUNCTION f() CASCADE',
    told: 'twice on public.notes (ALWAYS)',
    remedy: 'ENABLE TRIGGER twice;',
  },
  {
    code: 'PG_FOREIGN_SLOTS',
    make: "SELECT pg_create_logical_replication_slot('warehouse', 'pgoutput')",
    undo: "SELECT pg_drop_replication_slot('warehouse')",
    told: 'warehouse',
    remedy: "pg_drop_replication_slot('warehouse')",
  },
  {
    code: 'PG_SUBSCRIBER',
    make: "CREATE SUBSCRIPTION intake CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false)",
    undo: 'ALTER SUBSCRIPTION intake SET (slot_name = NONE)\nDROP SUBSCRIPTION intake',
    told: 'intake in database postgres',
    remedy: 'DROP SUBSCRIPTION intake;',
  },
  {
    code: 'PG_PUBLICATIONS',
    make: 'CREATE PUBLICATION everything FOR ALL TABLES',
    undo: 'DROP PUBLICATION everything',
    told: 'everything',
    remedy: 'DROP PUBLICATION everything;',
  },
  {
    code: 'PG_EVENT_TRIGGERS',
    make: "CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'\nCREATE EVENT TRIGGER watching ON ddl_command_end EXECUTE FUNCTION watch()",
    undo: 'DROP EVENT TRIGGER watching\nDROP FUNCTION watch()',
    told: 'watching',
    remedy: 'ALTER EVENT TRIGGER watching DISABLE;',
    acceptAs: 'event-triggers',
  },
];

describe('R-MIG-4: what comes up in mid-migration is found before the writes move, on real servers', () => {
  it.each(['forward', 'back'] as const)(
    'streams, bookkeeping, roles and guard of ours are no obstacle: %s',
    async (direction) => {
      expect(await look(direction)).toEqual([]);
    },
  );

  it.each((['source', 'destination'] as const).flatMap((side) => offences.map((o) => ({ side, ...o }))))(
    '$code on the $side',
    async ({ side, code, make, undo, told, remedy, acceptAs }) => {
      const direction = side === 'source' ? 'forward' : 'back';
      await pastTheGuard(side, make);
      try {
        const found = await look(direction);
        expect(found).toMatchObject([{ code, node: nodes[side] }]);
        expect(found[0]?.acceptAs).toBe(acceptAs);
        expect(found[0]?.message).toContain(`the ${side} (${nodes[side]})`);
        expect(found[0]?.message).toContain(told);
        expect(found[0]?.remedy).toContain(remedy);
      } finally {
        await pastTheGuard(side, undo);
      }
      expect(await look(direction)).toEqual([]);
    },
  );

  it('PG_PREPARED_TRANSACTIONS: one that was left open', async () => {
    await pastTheGuard('source', "BEGIN\nINSERT INTO notes VALUES (99)\nPREPARE TRANSACTION 'half done'");
    const found = await look('forward');
    await two.sql('source', "ROLLBACK PREPARED 'half done'");
    expect(found).toMatchObject([{ code: 'PG_PREPARED_TRANSACTIONS', node: 'pg-1' }]);
    expect(found[0]?.message).toContain('the writes cannot move');
    expect(found[0]?.remedy).toContain("ROLLBACK PREPARED 'half done';");
    expect(await look('forward')).toEqual([]);
  });

  it('PG_NOT_CARRIED: a table that was made on both sides, which the definitions cannot show, and no stream knows', async () => {
    const compare = createCompareDefinitions(two.sessions);
    const before = await compare(two.pair, two.ctx);
    for (const side of ['source', 'destination'] as const) {
      await pastTheGuard(side, 'CREATE TABLE late (id int PRIMARY KEY)');
    }
    await two.sql('source', 'INSERT INTO late VALUES (1)');
    expect(await compare(two.pair, two.ctx)).toEqual(before);
    expect(await look('forward')).toMatchObject([{ code: 'PG_NOT_CARRIED' }]);
    // In the publication alone it is not applied either.
    await pastTheGuard('source', 'ALTER PUBLICATION rollgate_forward ADD TABLE late');
    expect(await look('forward')).toMatchObject([{ code: 'PG_NOT_CARRIED' }]);
    for (const side of ['source', 'destination'] as const) await pastTheGuard(side, 'DROP TABLE late');
    expect(await look('forward')).toEqual([]);
  });

  it('PG_OTHER_DATABASES: one that was made since holds tables', async () => {
    await two.sql('source', 'CREATE DATABASE crm');
    const client = new Client(two.sample.source.connection('pg-1', 'crm'));
    await client.connect();
    await client.query('CREATE TABLE t (id int)');
    await client.end();
    const found = await look('forward');
    await two.sql('source', 'DROP DATABASE crm WITH (FORCE)');
    expect(found).toMatchObject([{ code: 'PG_OTHER_DATABASES', acceptAs: 'other-databases' }]);
  });

  it.each([
    ['source', 'PG_SYNCHRONOUS_STANDBYS', '*'],
    ['destination', 'PG_SYNCHRONOUS_RULE', 'ANY 1 (a, b)'],
  ] as const)('a rule for commits of the %s that was set since: %s', async (side, code, rule) => {
    // `*` would be met by the stream itself here, and nothing would wait.
    await two.sql(side, `ALTER SYSTEM SET synchronous_standby_names = '${rule}'`);
    await two.sql(side, 'SELECT pg_reload_conf()');
    const codes = async (): Promise<string[]> => (await look('forward')).map((o) => o.code);
    await until(`${code} is seen`, async () => (await codes()).length > 0, 10_000);
    expect(await codes()).toEqual([code]);
    // As long as the rule is in force a commit waits for standbys that are not there.
    await two.sql(side, 'ALTER SYSTEM RESET synchronous_standby_names');
    await two.sql(side, 'SELECT pg_reload_conf()');
    await until('it is gone', async () => (await codes()).length === 0, 10_000);
  });

  it('after a cut-back, when the way back has ended, what B has of its own is found still', async () => {
    await two.stream.stopStream(two.pair, 'back', two.ctx);
    expect(await look('back')).toEqual([]);
    await two.sql('destination', 'SELECT lo_create(815)');
    expect((await look('back')).map((o) => o.code)).toEqual(['PG_LARGE_OBJECTS']);
  });
});
