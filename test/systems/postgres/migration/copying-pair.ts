import { Client } from 'pg';
import type { EffectContext, ExportCut, Pair, Side, TableRange } from '../../../../src/contracts/index.js';
import { samplePgDump } from '../../../../src/dev/postgres/pg-dump.js';
import { createSamplePair, type SamplePair } from '../../../../src/dev/postgres/sample-pair.js';
import { createSessions, type Sessions } from '../../../../src/systems/postgres/connection.js';
import { createCopyRange } from '../../../../src/systems/postgres/migration/copy.js';
import { createDdlGuard } from '../../../../src/systems/postgres/migration/ddl-guard.js';
import { createExport } from '../../../../src/systems/postgres/migration/export.js';
import { createPrepare } from '../../../../src/systems/postgres/migration/prepare.js';
import { createSchemaSteps } from '../../../../src/systems/postgres/migration/schema.js';
import { createSecretResolver } from '../../../../src/worker/secrets.js';

export const nodeOf: Readonly<Record<Side, string>> = { source: 'pg-1', destination: 'new-1' };

/** A real pair with the steps of a copy, and what a test needs to look at it and to disturb it. */
export interface CopyingPair {
  readonly sample: SamplePair;
  readonly pair: Pair;
  readonly sessions: Sessions;
  readonly ctx: EffectContext;
  readonly steps: ReturnType<typeof stepsOf>;
  withClient<T>(side: Side, body: (client: Client) => Promise<T>): Promise<T>;
  sql<T extends object>(side: Side, statement: string, values?: readonly unknown[]): Promise<T[]>;
  /** Every range of every table of the export, of a few pages each, three at a time. */
  copyAll(cut: ExportCut, pages?: number): Promise<number>;
  /** Every row as text by table: of the source at the export, of the destination now. */
  rowsAt(side: Side, cut: ExportCut): Promise<Record<string, string[]>>;
}

const stepsOf = (sessions: Sessions) => ({
  prepare: createPrepare({ sessions, ddlGuard: createDdlGuard(sessions) }),
  exportAt: createExport({ sessions }),
  impatientExportAt: createExport({ sessions, timeoutMs: 1000 }),
  copyRange: createCopyRange(sessions),
  ...createSchemaSteps(sessions),
});

export async function createCopyingPair(): Promise<CopyingPair> {
  const sample = await createSamplePair();
  const sessions = createSessions(createSecretResolver());
  const { source, destination } = sample.pair;
  const pgDump = await samplePgDump();
  const pair: Pair = {
    source,
    destination: { ...destination, settings: { ...destination.settings, pgDump } },
  };
  const ctx: EffectContext = {
    signal: new AbortController().signal,
    heartbeat: () => undefined,
    runId: 'run-under-test',
  };
  const steps = stepsOf(sessions);

  const withClient: CopyingPair['withClient'] = async (side, body) => {
    const client = new Client(sample[side].connection(nodeOf[side]));
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await body(client);
    } finally {
      await client.end();
    }
  };
  return {
    ...{ sample, pair, sessions, ctx, steps, withClient },
    sql: async <T extends object>(side: Side, statement: string, values: readonly unknown[] = []) =>
      withClient(side, async (client) => (await client.query<T>(statement, [...values])).rows),
    async copyAll(cut, pages = 4) {
      const ranges = rangesOf(cut, pages).values();
      let copied = 0;
      const lane = async (): Promise<void> => {
        for (const range of ranges) {
          const { rows } = await steps.copyRange(pair, cut, range, ctx);
          copied += rows;
        }
      };
      await Promise.all([lane(), lane(), lane()]);
      return copied;
    },
    rowsAt: (side, cut) =>
      withClient(side, async (client) => {
        await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
        if (side === 'source') await client.query(`SET TRANSACTION SNAPSHOT '${cut.snapshot.id}'`);
        const found: Record<string, string[]> = {};
        for (const { table } of cut.snapshot.tables) {
          const { rows } = await client.query<{ row: string }>(
            `SELECT t::text AS row FROM ONLY ${table} t ORDER BY t::text COLLATE "C"`,
          );
          found[table] = rows.map((r) => r.row);
        }
        return found;
      }),
  };
}

export function rangesOf(cut: ExportCut, pages: number): TableRange[] {
  return cut.snapshot.tables.flatMap(({ table, pages: all }) => {
    const starts = Array.from({ length: Math.max(1, Math.ceil(all / pages)) }, (_, i) => i * pages);
    return starts.map((from, index) => ({
      ...{ table, from },
      ...(index < starts.length - 1 && { below: from + pages }),
    }));
  });
}

/** The first rows that are not the same, by table; short enough to be read. */
export function differences(found: Record<string, string[]>, wanted: Record<string, string[]>): string[] {
  return Object.keys({ ...found, ...wanted }).flatMap((table) => {
    const [some, others] = [found[table] ?? [], wanted[table] ?? []];
    const at = others.findIndex((row, index) => row !== some[index]);
    if (at < 0 && some.length === others.length) return [];
    return [
      `${table}: ${some.length} rows, ${others.length} wanted: ${some[at] ?? 'none'} | ${others[at] ?? 'none'}`,
    ];
  });
}

/** A schema with most of what a schema can have, and rows whose text is easily damaged. */
export const richSchema = String.raw`
  CREATE ROLE owner_group NOLOGIN;
  CREATE ROLE app LOGIN PASSWORD 'app' CONNECTION LIMIT 7 VALID UNTIL '2099-01-01';
  CREATE ROLE reader LOGIN NOINHERIT;
  CREATE ROLE boss SUPERUSER LOGIN;
  COMMENT ON ROLE app IS 'the application';
  GRANT owner_group TO app WITH ADMIN TRUE, INHERIT FALSE, SET TRUE;
  GRANT owner_group TO reader WITH INHERIT TRUE, SET FALSE GRANTED BY app;
  GRANT pg_monitor TO reader;
  ALTER ROLE app SET search_path = "$user", public, "odd, schema";
  ALTER ROLE app IN DATABASE postgres SET work_mem = '65536kB';
  ALTER ROLE reader SET "my.setting" = 'a=b, ''c''';
  ALTER DATABASE postgres SET timezone = 'Asia/Tokyo';
  ALTER DATABASE postgres SET search_path = '';
  REVOKE TEMPORARY ON DATABASE postgres FROM PUBLIC;
  GRANT CREATE ON DATABASE postgres TO app WITH GRANT OPTION;
  CREATE SCHEMA "odd, schema" AUTHORIZATION app;
  CREATE TYPE public.mood AS ENUM ('sad', 'ok', 'happy');
  CREATE TYPE public.pair AS (a int, b text);
  CREATE DOMAIN public.positive AS numeric CHECK (VALUE > 0);
  CREATE FUNCTION public.twice(x int) RETURNS int LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT x * 2; END;
  CREATE TABLE public.rich (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number numeric, double float8, at timestamptz, span interval, raw bytea, doc jsonb, list text[], grid int[],
    feeling public.mood, both_ public.pair, amount public.positive, price money, words text, ip inet, bits bit varying,
    period tstzrange, doubled int GENERATED ALWAYS AS (public.twice(id::int)) STORED,
    class regclass, "Odd ""Name" text NOT NULL DEFAULT '', made timestamptz DEFAULT clock_timestamp()
  );
  CREATE INDEX rich_words ON public.rich (words);
  INSERT INTO public.rich (number, double, at, span, raw, doc, list, grid, feeling, both_, amount, price, words, ip, bits, period, class)
  VALUES
    (1.10, '-0', 'infinity', '1 mon 2 days 03:04:05.678901', '\x00ff5c', '{"a": [1, null, "\\n"]}', '{a,NULL,"b c","\"q\"",""}',
     '[2:3]={1,2}', 'happy', '(1,"x,y")', 0.0000001, 12.34, E'tab\tline\nback\\slash\\N', '::1/64', B'101', '[2020-01-01,infinity)', 'pg_class'),
    (1.100, 'NaN', '-infinity', '-1 year', '', 'null', '{}', NULL, NULL, '(,)', 'NaN', -0.01, '', NULL, '', 'empty', NULL),
    ('NaN', '-Infinity', '0044-03-15 12:00:00.000001+00 BC', NULL, NULL, NULL, NULL, NULL, 'sad', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (1e-30, 0.1::float4, '2020-02-28 00:00:00.5+14', 'P0D', E'\\134', '"\u00e4"', '{{a,b},{c,d}}', '{}', 'ok', ROW(3, '\,"'), 3, 0, E'\r\b\f\vä€😀 ', '10.0.0.0/8', B'0', NULL, NULL);
  CREATE TABLE public.part (id int, region text, v numeric, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
  CREATE TABLE public.part_eu PARTITION OF public.part FOR VALUES IN ('eu');
  CREATE TABLE "odd, schema"."part ""us" PARTITION OF public.part FOR VALUES IN ('us') PARTITION BY RANGE (id);
  CREATE TABLE "odd, schema".us_low PARTITION OF "odd, schema"."part ""us" FOR VALUES FROM (0) TO (100);
  CREATE TABLE "odd, schema".us_high PARTITION OF "odd, schema"."part ""us" DEFAULT;
  INSERT INTO public.part SELECT i, CASE i % 2 WHEN 0 THEN 'eu' ELSE 'us' END, i / 7.0 FROM generate_series(1, 300) i;
  CREATE TABLE public.parent (id int PRIMARY KEY, t text);
  CREATE TABLE public.child (extra text, PRIMARY KEY (id)) INHERITS (public.parent);
  INSERT INTO public.parent VALUES (1, 'parent');
  INSERT INTO public.child VALUES (2, 'child', 'x');
  CREATE TABLE public.account (id int PRIMARY KEY, balance bigint NOT NULL, filler text);
  INSERT INTO public.account SELECT i, i, repeat('x', 200) FROM generate_series(1, 2000) i;
  ALTER TABLE public.account OWNER TO app;
  GRANT SELECT ON public.account TO reader;
  CREATE TABLE public.entry (id bigserial PRIMARY KEY, account int NOT NULL REFERENCES public.account, at timestamptz DEFAULT now());
  INSERT INTO public.entry (account) SELECT i FROM generate_series(1, 500) i;
  CREATE TABLE public.nothing ();
  INSERT INTO public.nothing DEFAULT VALUES;
  CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'fired;'; END$$;
  CREATE TRIGGER refuse BEFORE DELETE ON public.part_eu FOR EACH ROW EXECUTE FUNCTION public.refuse();
  CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON public.account EXECUTE FUNCTION public.refuse();
  CREATE VIEW public.balances AS SELECT sum(balance) AS total FROM public.account;
  CREATE PUBLICATION users_own FOR TABLE public.account;
`;
