import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Side } from '../../../../../src/contracts/index.js';
import { holdSnapshot } from '../../../../../src/systems/postgres/migration/held-snapshot.js';
import { columnsOf, rowHash } from '../../../../../src/systems/postgres/migration/validation/row-hash.js';
import { readSnapshot } from '../../../../../src/systems/postgres/migration/validation/snapshot-read.js';
import { firstNode, flowingPair, type FlowingPair } from './flowing-pair.js';

/** A type and values of it that are all different, some of them so that they compare as equal or print alike. */
const values: Readonly<Record<string, readonly string[]>> = {
  bool: ['true', 'false'],
  int2: ['1', '-1'],
  int4: ['1', '2'],
  int8: ['1', '9223372036854775807'],
  float4: ['0', '-0', '0.1', 'NaN', 'Infinity'],
  float8: ['0', '-0', '0.1', '0.10000000000000002', 'NaN'],
  numeric: ['1.10', '1.100', 'NaN', 'Infinity', '1e30', '-0.0'],
  money: ['1.10', '-1.10'],
  text: ['', 'a', 'ä', 'a '],
  'varchar(9)': ['', 'a'],
  'char(5)': ['a', 'b'],
  '"char"': ['a', 'b'],
  name: ['a', 'b'],
  bytea: ['\\x', '\\x00', '\\xdeadbeef'],
  bit: ['0', '1'],
  'varbit(9)': ['1', '10', '01'],
  date: ['2024-02-29', 'infinity'],
  time: ['10:00', '10:00:00.000001'],
  timetz: ['10:00+01', '09:00+00'],
  timestamp: ['2024-01-01', '2024-01-01 00:00:00.000001', '-infinity'],
  timestamptz: ['2024-01-01', '2024-01-01 00:00:00.000001'],
  interval: ['1 month', '30 days', '720 hours'],
  uuid: ['00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002'],
  json: ['{"a":1}', '{"a": 1}'],
  jsonb: ['{"a": 1.10}', '{"a": 1.100}', '[]'],
  jsonpath: ['$.a', '$.b'],
  xml: ['<a/>', '<b/>'],
  inet: ['10.0.0.1/24', '10.0.0.1', '::1'],
  cidr: ['10.0.0.0/24', '10.0.0.0/25'],
  macaddr: ['08:00:2b:01:02:03', '08:00:2b:01:02:04'],
  macaddr8: ['08:00:2b:01:02:03:04:05', '08:00:2b:01:02:03:04:06'],
  tsvector: ['a:1A b', 'a:1B b', 'a b'],
  tsquery: ['a & b', 'a | b'],
  point: ['(1,2)', '(2,1)'],
  box: ['(2,2),(1,1)', '(3,3),(1,1)'],
  circle: ['<(1,1),2>', '<(1,1),3>'],
  line: ['{1,2,3}', '{1,2,4}'],
  lseg: ['[(1,1),(2,2)]', '[(1,1),(2,3)]'],
  path: ['[(1,1),(2,2)]', '((1,1),(2,2))'],
  polygon: ['((1,1),(2,2))', '((1,1),(2,3))'],
  int4range: ['[1,3)', '[1,4)', 'empty'],
  numrange: ['[1.0,3)', '[1.00,3)', '(1.0,3)'],
  tstzrange: ['[2024-01-01,)', '(2024-01-01,)'],
  datemultirange: ['{[2024-01-01,2024-01-02)}', '{}'],
  pg_lsn: ['0/1', '0/2'],
  pg_snapshot: ['10:20:10,14', '10:20:10,15'],
  xid8: ['1', '2'],
  aclitem: ['rollgate=r/rollgate', 'rollgate=w/rollgate'],
  regclass: ['pg_class', 'public.landmark'],
  regtype: ['int4', 'public.colour'],
  'regclass[]': ['{pg_class,public.landmark}', '{}'],
  'aclitem[]': ['{rollgate=r/rollgate}', '{}'],
  'int4[]': ['{1,NULL}', '{1}', '[2:2]={1}', '{{1},{2}}'],
  'numeric[]': ['{1.10}', '{1.100}'],
  'text[]': ['{a,NULL}', '{a,"NULL"}', '{}'],
  'timestamptz[]': ['{2024-01-01}', '{}'],
  int2vector: ['1 2', '2 1'],
  oidvector: ['1 2', '2 1'],
  'public.colour': ['red', 'green'],
  'public.colour[]': ['{red}', '{red,green}'],
  'public.price': ['1.10', '1.100'],
  'public.price[]': ['{1.10}', '{1.100}'],
  'public.code': ['a', 'a '],
  'public.ratio': ['0', '-0', '0.1', '0.10000000000000002'],
  'public.pair': ['(1,a)', '(1,)', '(,)'],
  'public.pair[]': ['{"(1,a)"}', '{}'],
  'public.span': ['[0,1)', '[-0,1)'],
};

const types = `
  CREATE TYPE public.colour AS ENUM ('red', 'green');
  CREATE DOMAIN public.price AS numeric;
  CREATE DOMAIN public.code AS bpchar;
  CREATE DOMAIN public.ratio AS float8;
  CREATE TYPE public.pair AS (n int, t text);
  CREATE TYPE public.span AS RANGE (subtype = float8);
  CREATE TABLE public.landmark ();
  CREATE FUNCTION public.vague(public.pair) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'a pair' $$;
  CREATE CAST (public.pair AS text) WITH FUNCTION public.vague(public.pair);`;

describe('R-MIG-3: the hash of a row', () => {
  let real: FlowingPair;
  const snapshots: Record<Side, string> = { source: '', destination: '' };

  beforeAll(async () => {
    real = await flowingPair();
    // The same types have other oids on the destination, and its sessions print values in another way.
    await real.sql(
      'destination',
      'CREATE TABLE early (); CREATE TYPE other AS ENUM (); CREATE TYPE more AS ENUM ()',
    );
    await real.both(types);
    const [role] = await real.sql<{ role: string; db: string }>(
      'destination',
      'SELECT current_user AS role, current_database() AS db',
    );
    await real.sql(
      'destination',
      `ALTER DATABASE ${role?.db ?? ''} SET extra_float_digits = -15;
       ALTER DATABASE ${role?.db ?? ''} SET timezone = 'Asia/Tokyo';
       ALTER DATABASE ${role?.db ?? ''} SET datestyle = 'German, DMY';
       ALTER DATABASE ${role?.db ?? ''} SET search_path = public`,
    );
    const columns = Object.keys(values).map((type, i) => `c${i} ${type}`);
    await real.sql(
      'source',
      `CREATE TABLE wide (id int PRIMARY KEY, gone int, ${columns.join(', ')},
      made int GENERATED ALWAYS AS (id * 2) STORED); ALTER TABLE wide DROP COLUMN gone`,
    );
    await real.sql(
      'destination',
      `CREATE TABLE wide (made int GENERATED ALWAYS AS (id * 2) STORED,
      ${columns.reverse().join(', ')}, id int PRIMARY KEY)`,
    );
    await real.both(
      'SET timezone = UTC; SET datestyle = ISO; SET extra_float_digits = 1; INSERT INTO wide (id) VALUES (0)',
    );
    let id = 0;
    for (const [i, list] of Object.values(values).entries()) {
      for (const value of list) {
        id += 1;
        await real.both(
          `SET timezone = UTC; SET datestyle = ISO; SET search_path = pg_catalog;
           INSERT INTO public.wide (id, c${i}) VALUES (${id}, '${value}')`,
        );
      }
    }
    for (const side of ['source', 'destination'] as const) {
      snapshots[side] = await holdSnapshot(real.sessions, real.pair[side], firstNode[side], 'wide', real.ctx);
    }
  });
  afterAll(() => real.destroy());

  const hashes = (side: Side, leaveOut: readonly string[] = []): Promise<Record<string, string>> =>
    readSnapshot(
      { sessions: real.sessions, cluster: real.pair[side], node: firstNode[side], snapshot: snapshots[side] },
      real.ctx,
      async (client) => {
        const columns = (await columnsOf(client, 'public.wide')).filter((c) => !leaveOut.includes(c.name));
        const { rows } = await client.query<{ id: string; h: string }>(
          `SELECT id::text, ${rowHash(columns)}::text AS h FROM ONLY public.wide AS t ORDER BY id`,
        );
        return Object.fromEntries(rows.map((r) => [r.id, r.h]));
      },
    );

  test('is the same on both versions, whatever the order of columns, oids and settings', async () => {
    const [source, destination] = [await hashes('source'), await hashes('destination')];
    expect(Object.keys(source).length).toBe(1 + Object.values(values).flat().length);
    expect(destination).toEqual(source);
  });

  test('is another one for every two values that are not the same', async () => {
    // Without what makes rows different besides the value.
    const all = await hashes('source', ['id', 'made']);
    const distinct = new Set(Object.values(all));
    expect(distinct.size).toBe(Object.keys(all).length);
  });

  test('covers every type of the catalog that a column can have and that has a value of its own', async () => {
    const rows = await real.sql<{ name: string }>(
      'destination',
      `SELECT typname AS name FROM pg_type
        WHERE oid < 10000 AND typtype IN ('b', 'r', 'm') AND typcategory <> 'A' AND typelem = 0`,
    );
    const tried = new Set(
      (
        await real.sql<{ name: string }>(
          'destination',
          `SELECT t.typname AS name FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
            WHERE a.attrelid = 'wide'::regclass AND a.attnum > 0`,
        )
      ).map((r) => r.name),
    );
    const untried = rows.map((r) => r.name).filter((name) => !tried.has(name));
    expect(untried.sort()).toEqual(
      // Internals of the catalog, transaction numbers of one server, and others of the ranges and reg* types above.
      [
        ...[
          'cid',
          'gtsvector',
          'oid',
          'pg_brin_bloom_summary',
          'pg_brin_minmax_multi_summary',
          'pg_dependencies',
        ],
        ...['pg_mcv_list', 'pg_ndistinct', 'pg_node_tree', 'refcursor', 'tid', 'txid_snapshot', 'xid'],
        ...['daterange', 'int4multirange', 'int8multirange', 'int8range', 'nummultirange', 'tsmultirange'],
        ...[
          'tsrange',
          'tstzmultirange',
          'regcollation',
          'regconfig',
          'regdictionary',
          'regnamespace',
          'regoper',
        ],
        ...['regoperator', 'regproc', 'regprocedure', 'regrole'],
      ].sort(),
    );
  });
});
