import { escapeLiteral } from 'pg';
import { bookkeeping } from './names.js';

/** SQL: whether a schema of that name holds what is the user's; `rollgate`, where canaries are, is among it. */
export const isUserSchema = (name: string): string =>
  `(${name} !~ '^pg_' AND ${name} NOT IN ('information_schema', ${escapeLiteral(bookkeeping)}))`;

/** SQL: whether an object belongs to an extension, which makes it by itself. */
export const isOfExtension = (catalog: string, oid: string): string =>
  `EXISTS (SELECT FROM pg_depend x WHERE x.classid = '${catalog}'::regclass AND x.objid = ${oid} AND x.deptype = 'e')`;

/**
 * SQL: `c` and `n` are the user's tables that hold rows of their own, partitions among them; temporary ones end with
 * their session. https://www.postgresql.org/docs/18/catalog-pg-class.html
 */
export const userTables = `pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   AND c.relkind = 'r' AND c.relpersistence <> 't' AND ${isUserSchema('n.nspname')}`;

/** SQL: the name of relation `c` in schema `n`, quoted where it must be. */
export const relationName = "format('%I.%I', n.nspname, c.relname)";
