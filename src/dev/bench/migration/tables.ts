/** Three tables with keys and one without: short and long rows, text, numerics, times, nulls. */
export const benchTables = ['customer', 'orders', 'line', 'log'] as const;
export type BenchTable = (typeof benchTables)[number];

/** What `data-diff` needs; it compares no table without a key. */
export const keysOf: Readonly<Record<BenchTable, readonly string[]>> = {
  customer: ['id'],
  orders: ['id'],
  line: ['orders', 'no'],
  log: [],
};

/** The part of all rows that is in a table. */
const shareOf: Readonly<Record<BenchTable, number>> = { customer: 0.1, orders: 0.4, line: 0.4, log: 0.1 };

export const rowsOf = (table: BenchTable, rows: number): number => Math.round(rows * shareOf[table]);

/** Without keys and indexes, as a copy finds them. */
export const createTables = (schema: string): string => `
  CREATE SCHEMA ${schema};
  CREATE TABLE ${schema}.customer (
    id bigint NOT NULL, name text NOT NULL, email text NOT NULL, joined timestamptz NOT NULL,
    balance numeric(12, 2) NOT NULL, address text);
  CREATE TABLE ${schema}.orders (
    id bigint NOT NULL, customer bigint NOT NULL, state text NOT NULL, amount numeric(12, 4) NOT NULL,
    weight double precision, at timestamptz NOT NULL, note text);
  CREATE TABLE ${schema}.line (
    orders bigint NOT NULL, no int NOT NULL, product text NOT NULL, price numeric(10, 2) NOT NULL,
    quantity int NOT NULL, remark text);
  CREATE TABLE ${schema}.log (at timestamptz NOT NULL, level smallint NOT NULL, message text NOT NULL);
`;

/** Rows of one table, always the same ones. */
export function fillTable(schema: string, table: BenchTable, rows: number): string {
  const all = rowsOf(table, rows);
  const at = "'2024-01-01Z'::timestamptz + i * interval '1.234567 s'";
  const columns: Record<BenchTable, string> = {
    customer: `i, 'customer ' || i, 'c' || i || '@example.org', ${at}, (i % 100000) / 7.0, repeat(md5(i::text), 3)`,
    orders: `i, 1 + i % ${Math.max(1, rowsOf('customer', rows))}, (ARRAY['new', 'paid', 'sent'])[1 + i % 3], i / 7.0,
             CASE WHEN i % 10 = 0 THEN NULL ELSE i / 3.0 END, ${at},
             CASE WHEN i % 5 = 0 THEN NULL ELSE repeat(md5(i::text), 3) END`,
    line: `1 + i / 4, i % 4, 'product ' || i % 9973, (i % 5000) / 11.0, i % 17, repeat(md5(i::text), 3)`,
    log: `${at}, i % 5, 'request ' || i || ' ' || repeat(md5(i::text), 3)`,
  };
  return `INSERT INTO ${schema}.${table} SELECT ${columns[table]} FROM generate_series(1, ${all}) AS i`;
}

export const finishTables = (schema: string): string => `
  ALTER TABLE ${schema}.customer ADD PRIMARY KEY (id);
  ALTER TABLE ${schema}.orders ADD PRIMARY KEY (id);
  ALTER TABLE ${schema}.line ADD PRIMARY KEY (orders, no);
  CREATE INDEX ON ${schema}.orders (customer);
  ALTER TABLE ${schema}.log REPLICA IDENTITY FULL;
`;
