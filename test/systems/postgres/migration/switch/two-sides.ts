import { Client } from 'pg';
import type {
  Direction,
  EffectContext,
  Pair,
  PassedValidation,
  Side,
} from '../../../../../src/contracts/index.js';
import { passedFrom } from '../../../../../src/contracts/index.js';
import { createSamplePair, type SamplePair } from '../../../../../src/dev/postgres/sample-pair.js';
import { createSessions, type Sessions } from '../../../../../src/systems/postgres/connection.js';
import { createDdlGuard } from '../../../../../src/systems/postgres/migration/ddl-guard.js';
import { createExport } from '../../../../../src/systems/postgres/migration/export.js';
import { createPrepare } from '../../../../../src/systems/postgres/migration/prepare.js';
import { copyRoles } from '../../../../../src/systems/postgres/migration/roles.js';
import {
  createStream,
  type StreamFacet,
} from '../../../../../src/systems/postgres/migration/stream/stream.js';
import {
  createSwitch,
  type SwitchFacet,
} from '../../../../../src/systems/postgres/migration/switch/switch.js';
import { createSecretResolver } from '../../../../../src/worker/secrets.js';

/** A pair whose A has tables, sequences, roles and no rows yet, and whose B has the same; nothing flows. */
export interface TwoSides {
  readonly sample: SamplePair;
  readonly pair: Pair;
  readonly sessions: Sessions;
  readonly stream: StreamFacet;
  readonly change: SwitchFacet;
  readonly ctx: EffectContext;
  /** As rollgate's superuser. */
  sql<T extends object>(side: Side, statement: string, values?: readonly unknown[]): Promise<T[]>;
  /** A session as a role of the user's. */
  login(side: Side, role: string): Promise<Client>;
  /** Bookkeeping, guard, roles and the export; the schema is there already. */
  exported(): Promise<void>;
  destroy(): Promise<void>;
}

const schema = `
  CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, writer int NOT NULL, seq int NOT NULL,
    ticket bigint NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp());
  CREATE TABLE notes (id int PRIMARY KEY, text text);
  CREATE TABLE events (word text);
  ALTER TABLE events REPLICA IDENTITY FULL;
  CREATE SEQUENCE tickets INCREMENT BY 5;
  CREATE SEQUENCE downwards INCREMENT BY -1 MAXVALUE 100 MINVALUE -100 START 50;
  CREATE SEQUENCE "Never Used" START 7;
  CREATE SEQUENCE nearly_out MAXVALUE 10`;

const owned = `
  ALTER TABLE orders OWNER TO owner; ALTER TABLE notes OWNER TO owner; ALTER TABLE events OWNER TO owner; ALTER SEQUENCE tickets OWNER TO owner;
  GRANT SELECT, INSERT, UPDATE, DELETE ON orders, notes TO app; GRANT USAGE ON SEQUENCE tickets TO app`;

export const rolePassword = 'of-the-test';

export async function twoSides(options: Parameters<typeof createSamplePair>[0] = {}): Promise<TwoSides> {
  const sample = await createSamplePair(options);
  const { pair } = sample;
  const sessions = createSessions(createSecretResolver());
  const ctx: EffectContext = {
    signal: new AbortController().signal,
    heartbeat: () => undefined,
    runId: 'run-under-test',
  };
  const connection = (side: Side): ReturnType<SamplePair['source']['connection']> =>
    sample[side].connection(pair[side].nodes[0]?.id ?? '');
  const sql: TwoSides['sql'] = async <T extends object>(
    side: Side,
    statement: string,
    values: readonly unknown[] = [],
  ) => {
    const client = new Client({ ...connection(side), application_name: 'rollgate test' });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return (await client.query<T>(statement, [...values])).rows;
    } finally {
      await client.end();
    }
  };
  for (const role of [
    'app LOGIN',
    'owner LOGIN',
    'root LOGIN SUPERUSER',
    'locked NOLOGIN',
    '"Odd Name" LOGIN',
  ]) {
    await sql('source', `CREATE ROLE ${role} PASSWORD '${rolePassword}'`);
  }
  for (const side of ['source', 'destination'] as const) {
    await sql(side, schema);
    // The default of 5 s between attempts to connect again would be most of the time of these tests.
    await sql(side, "ALTER SYSTEM SET wal_retrieve_retry_interval = '50ms'");
    await sql(side, 'SELECT pg_reload_conf()');
  }
  await sql('source', owned);

  return {
    ...{ sample, pair, sessions, ctx, sql },
    stream: createStream(sessions),
    change: createSwitch(sessions),
    async login(side, role) {
      const client = new Client({ ...connection(side), user: role, password: rolePassword });
      client.on('error', () => undefined);
      await client.connect();
      return client;
    },
    async exported() {
      await createPrepare({ sessions, ddlGuard: createDdlGuard(sessions) })(pair, ctx);
      await createExport({ sessions })(pair, ctx);
      await copyRoles(sessions, pair, ctx);
      await sql('destination', owned);
    },
    destroy: () => sample.destroy(),
  };
}

/** A validation that passed, as the caller of a cutover must have one. */
export function validated(direction: Direction): PassedValidation {
  const passed = passedFrom({
    id: `test-${direction}`,
    cut: 'test',
    position: { offset: 1, text: '0/1' },
    tables: [{ table: 'orders', rows: { source: 0, destination: 0 }, equal: true, mismatches: [] }],
    rows: 0,
    mismatches: 0,
    writePauseMs: 0,
    startedAt: new Date(0).toISOString(),
    endedAt: new Date(0).toISOString(),
  });
  if (!passed) throw new Error('not passed');
  return passed;
}

/** Roles and whether they may log in; ours is the same on both sides and left out. */
export const logIns = async (two: TwoSides, side: Side): Promise<Record<string, boolean>> =>
  Object.fromEntries(
    (
      await two.sql<{ name: string; login: boolean }>(
        side,
        "SELECT rolname AS name, rolcanlogin AS login FROM pg_roles WHERE rolname !~ '^pg_' AND rolname NOT IN ('rollgate', 'replicator')",
      )
    ).map((row) => [row.name, row.login]),
  );
