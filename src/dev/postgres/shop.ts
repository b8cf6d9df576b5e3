/**
 * SQL of a small shop: a table with a key and many types, one that is partitioned, one without a key, sequences, an
 * identity column, a generated column, an enum, a view, a function with a trigger and a role of its own.
 * @param rows of the largest table
 */
export const shop = (rows: number): string => `
  CREATE ROLE shop_owner NOLOGIN;
  CREATE ROLE shop_app LOGIN PASSWORD 'app' IN ROLE shop_owner;
  ALTER ROLE shop_app SET statement_timeout = '30s';
  CREATE SCHEMA shop AUTHORIZATION shop_owner;
  SET ROLE shop_owner;
  CREATE TYPE shop.state AS ENUM ('new', 'paid', 'sent');
  CREATE SEQUENCE shop.receipt INCREMENT 5 START 100;
  CREATE TABLE shop.customer (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    data jsonb NOT NULL DEFAULT '{}',
    tags text[] NOT NULL DEFAULT '{}'
  );
  CREATE TABLE shop.orders (
    id bigserial PRIMARY KEY,
    customer bigint NOT NULL REFERENCES shop.customer,
    state shop.state NOT NULL DEFAULT 'new',
    amount numeric(12, 4) NOT NULL,
    double_amount numeric GENERATED ALWAYS AS (amount * 2) STORED,
    weight double precision,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    note text
  );
  CREATE INDEX orders_customer ON shop.orders (customer);
  CREATE TABLE shop.event (at date NOT NULL, id int NOT NULL, what bytea, PRIMARY KEY (at, id)) PARTITION BY RANGE (at);
  CREATE TABLE shop.event_2025 PARTITION OF shop.event FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
  CREATE TABLE shop.event_2026 PARTITION OF shop.event FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
  CREATE TABLE shop.log (line text, at timestamptz DEFAULT clock_timestamp());
  ALTER TABLE shop.log REPLICA IDENTITY FULL;
  CREATE VIEW shop.open_orders AS SELECT id, amount FROM shop.orders WHERE state <> 'sent';
  CREATE FUNCTION shop.stamp() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    NEW.note := coalesce(NEW.note, '') || '; stamped';
    RETURN NEW;
  END $$;
  CREATE TRIGGER stamp BEFORE INSERT ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.stamp();
  RESET ROLE;
  INSERT INTO shop.customer (name, data, tags)
    SELECT 'customer ' || i, jsonb_build_object('n', i, 'half', i / 2.0), ARRAY['a' || i, NULL, 'tab' || chr(9)]
    FROM generate_series(1, greatest(10, ${rows} / 100)) i;
  INSERT INTO shop.orders (customer, amount, weight, note)
    SELECT 1 + i % greatest(10, ${rows} / 100), i / 7.0, CASE WHEN i % 50 = 0 THEN '-0'::float8 ELSE i / 3.0 END,
           CASE WHEN i % 5 = 0 THEN NULL ELSE 'line' || chr(10) || chr(92) || i END
    FROM generate_series(1, ${rows}) i;
  INSERT INTO shop.event SELECT '2025-06-01'::date + i % 400, i, decode(md5(i::text), 'hex')
    FROM generate_series(1, greatest(10, ${rows} / 4)) i;
  INSERT INTO shop.log SELECT 'line ' || i % 10 FROM generate_series(1, greatest(10, ${rows} / 10)) i;
  SELECT setval('shop.receipt', 100 + 5 * ${rows});
  ANALYZE;
`;
