import { describe, expect, test } from 'vitest';
import { schemaStatements } from '../../../../src/systems/postgres/migration/schema-statements.js';

const sqlOf = (dump: string): string[] => schemaStatements(dump).map((s) => s.sql);

describe('R-MIG-4: a schema dump is split where its statements end', () => {
  test('commands of psql, comments and empty statements are none', () => {
    const dump = String.raw`--
-- PostgreSQL database dump
--

\restrict abc;def

SET statement_timeout = 0;
;
/* a /* nested; */ comment; */ CREATE TABLE a (id int); -- b;
\unrestrict abc;def
`;
    expect(sqlOf(dump)).toEqual(['SET statement_timeout = 0', 'CREATE TABLE a (id int)']);
  });

  test.each([
    ['a literal', "COMMENT ON TABLE a IS 'x;''y\\'"],
    ['an escaped literal', String.raw`COMMENT ON TABLE a IS E'x\';y''z\\'`],
    ['an identifier', 'CREATE TABLE "a;""b" (id int)'],
    ['a dollar quote', 'DO $$BEGIN; END;$$'],
    [
      'a tagged dollar quote',
      "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $_$ SELECT '$$;' ; $x$;$x$ $_$",
    ],
    ['an identifier with dollars', 'CREATE TABLE a$b$ (id int DEFAULT 1)'],
    ['parameters', 'CREATE FUNCTION f(int, int) RETURNS int LANGUAGE sql RETURN ($1+$2)'],
    ['a rule', 'CREATE RULE r AS ON INSERT TO a DO INSTEAD ( DELETE FROM b; DELETE FROM c; )'],
    [
      'a body in standard SQL',
      'CREATE OR REPLACE FUNCTION public.f(x int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN (x > 0) THEN 1 ELSE 2 END AS a; SELECT 3; END',
    ],
    ['a procedure', 'CREATE PROCEDURE p() LANGUAGE sql BEGIN ATOMIC INSERT INTO a VALUES (1); END'],
    ['a column of an odd name', 'CREATE TABLE a (begin int, atomic int, "end" int)'],
    ['words beyond ASCII', "CREATE TABLE größe (e int DEFAULT 1, ä text DEFAULT 'ö;')"],
    ['a line that begins with a backslash in a literal', "COMMENT ON TABLE a IS 'x\n\\restrict;\n'"],
    ['a comment in between', 'CREATE TABLE a ( -- one;\n id int /* two; */ )'],
  ])('%s does not end one', (_, sql) => {
    expect(sqlOf(`${sql};\nSELECT 1;`)).toEqual([sql, 'SELECT 1']);
  });

  test('each has the entry that it belongs to, and what sets the session up is told apart', () => {
    const dump = `SET row_security = off;
SELECT pg_catalog.set_config('search_path', '', false);
--
-- Name: a b; Type: TABLE; Schema: public; Owner: x
--

CREATE TABLE public."a b" (id int);
ALTER TABLE public."a b" OWNER TO x;

SET default_tablespace = '';

--
-- Name: e; Type: EVENT TRIGGER; Schema: -; Owner: x
--

CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION public.f();
`;
    expect(schemaStatements(dump).map(({ entry, setsUp }) => [entry, setsUp])).toEqual([
      [undefined, true],
      [undefined, true],
      ['TABLE a b (public)', false],
      ['TABLE a b (public)', false],
      ['TABLE a b (public)', true],
      ['EVENT TRIGGER e', false],
    ]);
  });

  test.each([
    ['statement', 'SELECT 1'],
    ['literal', "SELECT 'x;"],
    ['identifier', 'SELECT "x;'],
    ['comment', '/* x; /* */'],
    ['body', 'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1;'],
  ])('a dump that ends inside of a %s is refused', (_, dump) => {
    expect(() => schemaStatements(dump)).toThrow(SyntaxError);
  });
});
