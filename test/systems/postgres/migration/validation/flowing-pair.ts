import { Client } from 'pg';
import {
  receiverOf,
  senderOf,
  type Cut,
  type Direction,
  type EffectContext,
  type Pair,
  type RangeHash,
  type Side,
} from '../../../../../src/contracts/index.js';
import type { SampleCluster } from '../../../../../src/dev/postgres/sample-cluster.js';
import { createSamplePair } from '../../../../../src/dev/postgres/sample-pair.js';
import { until } from '../../../../../src/dev/postgres/until.js';
import { createSessions, type Sessions } from '../../../../../src/systems/postgres/connection.js';
import { makeBookkeeping } from '../../../../../src/systems/postgres/migration/bookkeeping.js';
import { streamName } from '../../../../../src/systems/postgres/migration/names.js';
import { createCut } from '../../../../../src/systems/postgres/migration/validation/cut.js';
import { createHashRange } from '../../../../../src/systems/postgres/migration/validation/hash-range.js';
import { createLocate } from '../../../../../src/systems/postgres/migration/validation/locate.js';
import { createSecretResolver } from '../../../../../src/worker/secrets.js';

/** Both sides of a migration, the facet's methods under test, and plain SQL on either side. */
export interface FlowingPair {
  readonly pair: Pair;
  readonly sessions: Sessions;
  readonly ctx: EffectContext;
  readonly facet: ReturnType<typeof createCut> & {
    hashRange: ReturnType<typeof createHashRange>;
    locate: ReturnType<typeof createLocate>;
  };
  connect(side: Side): Promise<Client>;
  sql<T extends object>(side: Side, statement: string, values?: readonly unknown[]): Promise<T[]>;
  /** The same statements on both sides. */
  both(statement: string): Promise<void>;
  /** Publication, slot and subscription with plain SQL, flowing when it returns. */
  flow(direction: Direction): Promise<void>;
  /** As long as it takes until the receiver has what was committed before the call. */
  caughtUp(direction: Direction): Promise<void>;
  /** A table of a cut on one side, hashed in ranges of so many pages. */
  hash(cut: Cut, side: Side, table: string, pages?: number): Promise<RangeHash>;
  /** Tables of a cut that are not equal; those that cannot be read are left out, and counted. */
  compare(cut: Cut, pages?: number): Promise<{ unequal: string[]; compared: number; rows: number }>;
  destroy(): Promise<void>;
}

export const firstNode: Readonly<Record<Side, string>> = { source: 'pg-1', destination: 'new-1' };

export async function flowingPair(): Promise<FlowingPair> {
  const sample = await createSamplePair();
  const { pair } = sample;
  const sessions = createSessions(createSecretResolver());
  const ctx: EffectContext = {
    signal: new AbortController().signal,
    heartbeat: () => undefined,
    runId: 'run-under-test',
  };
  const cluster = (side: Side): SampleCluster => sample[side];
  const facet = {
    ...createCut({ sessions }),
    hashRange: createHashRange({ sessions }),
    locate: createLocate({ sessions }),
  };

  const connect: FlowingPair['connect'] = async (side) => {
    const client = new Client(cluster(side).connection(firstNode[side]));
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const sql: FlowingPair['sql'] = async <T extends object>(
    side: Side,
    statement: string,
    values?: readonly unknown[],
  ) => {
    const client = await connect(side);
    try {
      return (await client.query<T>(statement, values && [...values])).rows;
    } finally {
      await client.end();
    }
  };
  const both = async (statement: string): Promise<void> => {
    for (const side of ['source', 'destination'] as const) await sql(side, statement);
  };
  for (const side of ['source', 'destination'] as const) await makeBookkeeping(sessions, pair[side]);

  const hash: FlowingPair['hash'] = async (cut, side, table, pages = 64) => {
    const size = cut.snapshots[side].tables.find((t) => t.table === table);
    let rows = 0;
    let sum = 0n;
    for (let from = 0; ; from += pages) {
      const last = from + pages >= (size?.pages ?? 0);
      const range = { table, from, below: last ? undefined : from + pages };
      const part = await facet.hashRange(pair, cut, side, range, ctx);
      if (part.void === true) return part;
      rows += part.rows;
      sum += BigInt(part.sum);
      if (last) return { rows, sum: sum.toString() };
    }
  };

  return {
    ...{ pair, sessions, ctx, facet, connect, sql, both, hash },
    async flow(direction) {
      const name = streamName(direction);
      const [sender, receiver] = [senderOf(direction), receiverOf(direction)];
      const { host, port, user, password, database } = cluster(sender).connection(firstNode[sender]);
      const tables = await sql<{ name: string }>(
        sender,
        `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c
           JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
            AND NOT (n.nspname = 'rollgate_migration' AND c.relname <> 'marker')`,
      );
      await sql(sender, `CREATE PUBLICATION ${name} FOR TABLE ${tables.map((t) => t.name).join(', ')}`);
      await sql(
        receiver,
        `CREATE SUBSCRIPTION ${name}
           CONNECTION 'host=${host} port=${port} user=${user} password=${password} dbname=${database}'
           PUBLICATION ${name}
           WITH (copy_data = false, origin = none, streaming = parallel, disable_on_error = false)`,
      );
      await until(`${name} flows`, async () => {
        const [row] = await sql<{ n: number }>(
          sender,
          'SELECT count(*)::int AS n FROM pg_stat_replication WHERE application_name = $1',
          [name],
        );
        return row?.n === 1;
      });
    },
    async caughtUp(direction) {
      const sender = senderOf(direction);
      const [now] = await sql<{ at: string }>(sender, 'SELECT pg_current_wal_insert_lsn()::text AS at');
      await until(`${streamName(direction)} has caught up`, async () => {
        const [row] = await sql<{ there: boolean }>(
          sender,
          'SELECT confirmed_flush_lsn >= $2::pg_lsn AS there FROM pg_replication_slots WHERE slot_name = $1',
          [streamName(direction), now?.at],
        );
        return row?.there === true;
      });
    },
    async compare(cut, pages) {
      const unequal: string[] = [];
      let [compared, rows] = [0, 0];
      for (const { table } of cut.snapshots.source.tables) {
        const [a, b] = [
          await hash(cut, 'source', table, pages),
          await hash(cut, 'destination', table, pages),
        ];
        if (a.void === true || b.void === true) continue;
        compared += 1;
        rows += a.rows;
        if (a.rows !== b.rows || a.sum !== b.sum) unequal.push(table);
      }
      return { unequal, compared, rows };
    },
    destroy: () => sample.destroy(),
  };
}
