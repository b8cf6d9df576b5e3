import type { Obstacle } from '../../../../contracts/index.js';
import { relationName, userTables } from '../user-objects.js';
import { counted, listed, majorOf, namesOf, placeOf, rowsOf, type Look, type Question } from './look.js';

/** Tables that logical replication does not carry, or not whole; both directions count, so both versions do. */
export function tableQuestions(look: Look, destination: Pick<Look, 'versionNumber'>): Question[] {
  return [
    { what: 'which tables have no replica identity', ask: () => withoutIdentity(look) },
    { what: 'which rows of FULL tables can be compared', ask: () => incomparable(look) },
    {
      what: 'which generated columns are part of a replica identity',
      ask: () => generatedIdentity(look, destination),
    },
    { what: 'which tables are unlogged', ask: () => unlogged(look) },
    { what: 'which columns hold oids', ask: () => oidColumns(look) },
    { what: 'which tables of extensions hold rows', ask: () => extensionTables(look) },
  ];
}

/**
 * SQL: the index that tells rows of table `c` apart when its identity is DEFAULT or an index. A deferrable or invalid
 * one does not count, nor a partial one or one of expressions.
 * https://www.postgresql.org/docs/18/sql-altertable.html#SQL-ALTERTABLE-REPLICA-IDENTITY
 */
const identityIndex = `SELECT i.indrelid, i.indkey FROM pg_index i
  WHERE i.indrelid = c.oid AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
    AND ((c.relreplident = 'd' AND i.indisprimary) OR (c.relreplident = 'i' AND i.indisreplident))`;

/**
 * An UPDATE or DELETE of such a table fails as soon as it is published.
 * https://www.postgresql.org/docs/18/logical-replication-publication.html#LOGICAL-REPLICATION-PUBLICATION-REPLICA-IDENTITY
 */
async function withoutIdentity(look: Look): Promise<Obstacle[]> {
  const names = await namesOf(
    look,
    `SELECT ${relationName} AS name FROM ${userTables}
      WHERE c.relreplident <> 'f' AND NOT EXISTS (${identityIndex}) ORDER BY 1`,
  );
  const [first] = names;
  if (first === undefined) return [];
  return [
    {
      code: 'PG_NO_REPLICA_IDENTITY',
      node: look.node,
      message: `${counted(names.length, 'table')} on ${placeOf(look)} without a usable replica identity (no primary key, a deferrable or invalid one, or NOTHING): ${listed(names)}; once published, UPDATE and DELETE on it would fail`,
      remedy: `Give each a key: ALTER TABLE ${first} ADD PRIMARY KEY (…); where rows have none: ALTER TABLE ${first} REPLICA IDENTITY FULL;`,
    },
  ];
}

/**
 * The side that applies finds the row by comparing every column, which a type without a default operator class for
 * btree or hash does not allow: https://www.postgresql.org/docs/18/logical-replication-restrictions.html. DISTINCT
 * looks for the same operator, in the parts of arrays and composite types too.
 */
async function incomparable(look: Look): Promise<Obstacle[]> {
  const columns = await rowsOf<{ name: string; type: string }>(
    look,
    `SELECT format('%s.%I', ${relationName}, a.attname) AS name, format_type(a.atttypid, NULL) AS type
       FROM ${userTables} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      WHERE c.relreplident = 'f' AND a.attgenerated = '' ORDER BY 1`,
  );
  const without = new Set<string>();
  for (const type of new Set(columns.map((c) => c.type))) {
    if (!(await hasEquality(look, type))) without.add(type);
  }
  const found = columns.filter((c) => without.has(c.type));
  const [first] = found;
  if (!first) return [];
  const table = first.name.slice(0, first.name.lastIndexOf('.'));
  return [
    {
      code: 'PG_INCOMPARABLE_ROWS',
      node: look.node,
      message: `tables with REPLICA IDENTITY FULL on ${placeOf(look)} have columns whose type has no equality by btree or hash: ${listed(found.map((c) => `${c.name} (${c.type})`))}; an UPDATE or DELETE could not be applied`,
      remedy: `Give the table a key and let it be its identity: ALTER TABLE ${table} ADD PRIMARY KEY (…); ALTER TABLE ${table} REPLICA IDENTITY DEFAULT; or change the type, e.g. json to jsonb.`,
    },
  ];
}

/** https://www.postgresql.org/docs/18/errcodes-appendix.html */
const undefinedFunction = '42883';

async function hasEquality(look: Look, type: string): Promise<boolean> {
  try {
    // format_type has quoted it.
    await rowsOf(look, `SELECT DISTINCT NULL::${type}`);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === undefinedFunction) return false;
    throw error;
  }
}

/**
 * Generated columns are not published, so none may be part of the identity; 18 refuses them with FULL as well.
 * https://www.postgresql.org/docs/18/logical-replication-gencols.html
 */
async function generatedIdentity(look: Look, destination: Pick<Look, 'versionNumber'>): Promise<Obstacle[]> {
  const full = Math.max(majorOf(look), majorOf(destination)) >= 18;
  const names = await namesOf(
    look,
    `SELECT format('%s.%I', ${relationName}, a.attname) AS name
       FROM ${userTables} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND a.attgenerated <> ''
      WHERE (c.relreplident = 'f' AND $1)
         OR EXISTS (SELECT FROM (${identityIndex}) k WHERE a.attnum = ANY (k.indkey)) ORDER BY 1`,
    [full],
  );
  const [first] = names;
  if (first === undefined) return [];
  const table = first.slice(0, first.lastIndexOf('.'));
  return [
    {
      code: 'PG_GENERATED_IDENTITY',
      node: look.node,
      message: `generated columns are part of a replica identity on ${placeOf(look)}: ${listed(names)}; they are not published, so UPDATE and DELETE would fail`,
      remedy: `Choose a key without them: CREATE UNIQUE INDEX … ON ${table} (…); ALTER TABLE ${table} REPLICA IDENTITY USING INDEX …;`,
    },
  ];
}

/** Their changes are not in the WAL: https://www.postgresql.org/docs/18/sql-createpublication.html */
async function unlogged(look: Look): Promise<Obstacle[]> {
  const names = await namesOf(
    look,
    `SELECT ${relationName} AS name FROM ${userTables} WHERE c.relpersistence = 'u' ORDER BY 1`,
  );
  const [first] = names;
  if (first === undefined) return [];
  return [
    {
      code: 'PG_UNLOGGED_TABLES',
      node: look.node,
      message: `${counted(names.length, 'unlogged table')} on ${placeOf(look)}, whose changes are not replicated: ${listed(names)}`,
      remedy: `ALTER TABLE ${first} SET LOGGED; or drop it for the migration.`,
    },
  ];
}

/**
 * An oid means an object of this one database; its number is another one, or none, on the other side. Roles' oids are
 * in aclitem too. https://www.postgresql.org/docs/18/datatype-oid.html
 */
async function oidColumns(look: Look): Promise<Obstacle[]> {
  const found = await rowsOf<{ name: string; type: string }>(
    look,
    `WITH RECURSIVE holds(oid) AS (
       SELECT t.oid FROM pg_type t
        WHERE t.typnamespace = 'pg_catalog'::regnamespace AND (t.typname ~ '^reg' OR t.typname IN ('oid', 'aclitem'))
       UNION
       SELECT d.oid FROM holds h CROSS JOIN LATERAL (
         SELECT t.oid FROM pg_type t WHERE t.typelem = h.oid OR t.typbasetype = h.oid
         UNION ALL
         SELECT r.rngtypid FROM pg_range r WHERE r.rngsubtype = h.oid
         UNION ALL
         SELECT r.rngmultitypid FROM pg_range r WHERE r.rngtypid = h.oid
         UNION ALL
         SELECT t.oid FROM pg_attribute a JOIN pg_type t ON t.typrelid = a.attrelid
          WHERE a.atttypid = h.oid AND a.attnum > 0 AND NOT a.attisdropped) d)
     SELECT format('%s.%I', ${relationName}, a.attname) AS name, format_type(a.atttypid, NULL) AS type
       FROM ${userTables} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      WHERE a.atttypid IN (SELECT oid FROM holds) ORDER BY 1`,
  );
  const [first] = found;
  if (!first) return [];
  const at = first.name.lastIndexOf('.');
  return [
    {
      code: 'PG_OID_COLUMNS',
      node: look.node,
      message: `${counted(found.length, 'column')} on ${placeOf(look)} with oids, which mean other objects in another database: ${listed(found.map((c) => `${c.name} (${c.type})`))}`,
      remedy: `Keep the name or a number of your own instead: ALTER TABLE ${first.name.slice(0, at)} ALTER COLUMN ${first.name.slice(at + 1)} TYPE text;`,
    },
  ];
}

/**
 * They are not copied: CREATE EXTENSION makes them on the destination, with such rows as it brings. Their size is
 * asked by the row of pg_depend, so that no lock on another table is waited for.
 */
async function extensionTables(look: Look): Promise<Obstacle[]> {
  const found = await rowsOf<{ name: string; extension: string }>(
    look,
    `SELECT ${relationName} AS name, e.extname AS extension
       FROM ${userTables}
       JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
       JOIN pg_extension e ON e.oid = d.refobjid
      WHERE pg_relation_size(d.objid) > 0 ORDER BY 1`,
  );
  const [first] = found;
  if (!first) return [];
  return [
    {
      code: 'PG_EXTENSION_TABLES',
      node: look.node,
      message: `tables that belong to extensions hold rows on ${placeOf(look)}: ${listed(found.map((t) => `${t.name} (${t.extension})`))}; they are not copied, CREATE EXTENSION makes them anew on the destination`,
      remedy: `Accept extension-tables when the rows are the extension's own; otherwise let it be a table of yours: ALTER EXTENSION ${first.extension} DROP TABLE ${first.name}; or empty it: TRUNCATE ${first.name};`,
      acceptAs: 'extension-tables',
    },
  ];
}
