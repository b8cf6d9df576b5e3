/** Something of every kind, also what both versions store in different ways, such as NOT NULL. */
export const richSchema = `
  CREATE ROLE app LOGIN; CREATE ROLE reader NOLOGIN; GRANT reader TO app; ALTER ROLE app SET work_mem = '8MB';
  ALTER DATABASE postgres SET statement_timeout = '1min';
  CREATE SCHEMA "Shop" AUTHORIZATION app; GRANT USAGE ON SCHEMA "Shop" TO reader;
  ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA "Shop" GRANT SELECT ON TABLES TO reader;
  CREATE EXTENSION hstore WITH SCHEMA public; CREATE EXTENSION pgcrypto; CREATE EXTENSION btree_gist;
  CREATE TYPE public.mood AS ENUM ('fine', 'bad'); CREATE TYPE public.pair AS (a int, b text);
  CREATE TYPE public.span AS RANGE (subtype = numeric);
  CREATE DOMAIN public.positive AS int DEFAULT 1 NOT NULL CONSTRAINT above CHECK (VALUE > 0);
  CREATE COLLATION public.plain (provider = libc, locale = 'C');
  CREATE SEQUENCE public.numbers AS int INCREMENT 5 START 10 MAXVALUE 9000 CACHE 3 CYCLE;
  CREATE FUNCTION public.twice(n int) RETURNS int LANGUAGE sql IMMUTABLE RETURN n * 2;
  CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := NEW.note || '!'; RETURN NEW; END $$;
  CREATE PROCEDURE public.nothing() LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
  CREATE FUNCTION public.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
  CREATE AGGREGATE public.total(int) (sfunc = int4pl, stype = int, initcond = '0');
  CREATE TABLE public.customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE public.plain NOT NULL,
    mail text UNIQUE, born date DEFAULT '2000-01-31', since interval DEFAULT '1 day', ratio float8 DEFAULT 0.1,
    at timestamptz DEFAULT '2020-01-01 00:00:00+00', raw bytea DEFAULT '\\x00ff');
  CREATE TABLE public.orders (id serial PRIMARY KEY, customer bigint NOT NULL REFERENCES public.customers ON DELETE CASCADE,
    note text DEFAULT 'x', amount numeric(10,2) CHECK (amount >= 0),
    state public.mood, extra public.pair, range public.span, tags public.hstore, count public.positive,
    during int4range, EXCLUDE USING gist (customer WITH =, during WITH &&), UNIQUE (customer, note) DEFERRABLE) WITH (fillfactor = 70);
  CREATE TABLE public.figures (a int, b int, double int GENERATED ALWAYS AS (public.twice(3)) STORED);
  CREATE INDEX orders_note ON public.orders (lower(note)) WHERE amount > 0;
  CREATE STATISTICS public.together (dependencies) ON customer, amount FROM public.orders;
  ALTER TABLE public.orders ALTER note SET STATISTICS 500, ALTER note SET STORAGE external, ALTER note SET COMPRESSION pglz;
  CREATE TRIGGER touching BEFORE UPDATE ON public.orders FOR EACH ROW WHEN (OLD.note IS DISTINCT FROM NEW.note) EXECUTE FUNCTION public.touch();
  CREATE VIEW public.open_orders WITH (security_barrier) AS SELECT o.id, c.name FROM public.orders o JOIN public.customers c ON c.id = o.customer
    WHERE o.state = 'fine' AND o.amount BETWEEN 1 AND 5 AND o.note LIKE 'a%' AND o.id IN (1, 2);
  CREATE MATERIALIZED VIEW public.sums AS SELECT customer, sum(amount) FROM public.orders GROUP BY 1;
  CREATE RULE keep AS ON DELETE TO public.customers DO INSTEAD NOTHING;
  ALTER TABLE public.customers ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own ON public.customers FOR SELECT TO app, reader USING (name = CURRENT_USER);
  CREATE TABLE public.events (day date NOT NULL, id int, note text, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
  CREATE TABLE public.events_1 PARTITION OF public.events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
  CREATE TABLE public.events_2 (note text, id int NOT NULL, day date NOT NULL);
  ALTER TABLE public.events ATTACH PARTITION public.events_2 FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
  CREATE INDEX ON public.events (note);
  CREATE TABLE public.links (day date, id int, FOREIGN KEY (day, id) REFERENCES public.events, n int NOT NULL);
  ALTER TABLE public.links ADD gone int, REPLICA IDENTITY FULL; ALTER TABLE public.links DROP gone;
  CREATE TABLE public.parent (a int NOT NULL, CHECK (a > 0)); CREATE TABLE public.child (b int) INHERITS (public.parent);
  CREATE TABLE "Shop"."Odd name" ("a ""quoted"" column" int PRIMARY KEY);
  ALTER TABLE "Shop"."Odd name" OWNER TO app; GRANT SELECT, UPDATE ("a ""quoted"" column") ON "Shop"."Odd name" TO reader WITH GRANT OPTION;
  GRANT ALL ON public.orders TO app; GRANT SELECT ON public.numbers TO reader; REVOKE EXECUTE ON FUNCTION public.twice FROM PUBLIC;
  COMMENT ON TABLE public.orders IS 'what was bought'; COMMENT ON COLUMN public.orders.note IS 'free text'; COMMENT ON DATABASE postgres IS 'shop';
  CREATE TEXT SEARCH CONFIGURATION public.plain_english (COPY = pg_catalog.simple);
  CREATE CAST (public.pair AS text) WITH INOUT AS ASSIGNMENT;
  CREATE OPERATOR public.|+| (leftarg = int, rightarg = int, function = int4pl);
  CREATE EVENT TRIGGER watching ON ddl_command_end EXECUTE FUNCTION public.on_ddl();
  CREATE PUBLICATION mine FOR TABLE public.customers (id, name) WHERE (id > 5), TABLE public.orders;
  CREATE FOREIGN DATA WRAPPER none; CREATE SERVER far FOREIGN DATA WRAPPER none OPTIONS (host 'far'); CREATE USER MAPPING FOR app SERVER far OPTIONS (password 'p');`;
