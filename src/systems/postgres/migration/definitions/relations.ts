import { isOfExtension, isUserSchema, relationName } from '../user-objects.js';
import { aspects, comment, inSchema, owner, privileges, word, yesNo, type Family } from './definition.js';

/** SQL: what relation `c` in schema `n` is called. */
export const relationLabel = `${word('c.relkind', {
  r: 'table',
  p: 'table',
  v: 'view',
  m: 'materialized view',
  f: 'foreign table',
  S: 'sequence',
  c: 'type',
  i: 'index',
  I: 'index',
})} || ' ' || ${relationName}`;

/** SQL: relations of the user, among them those whose parts are compared. */
export const userRelations = `pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  AND c.relpersistence <> 't' AND ${isUserSchema('n.nspname')} AND NOT ${isOfExtension('pg_class', 'c.oid')}`;

export const schemas: Family = (majors) => `
  SELECT NULL AS parent, ${inSchema} AS object,
         ${aspects({ owner: owner('n.nspowner'), comment: comment('pg_namespace', 'n.oid') })}
         || ${privileges(majors, { acl: 'n.nspacl', kind: 'n', owner: 'n.nspowner' })} AS aspects
    FROM pg_namespace n WHERE ${isUserSchema('n.nspname')} AND NOT ${isOfExtension('pg_namespace', 'n.oid')}`;

const options = (list: string): string => `(SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(${list}) o)`;

/** https://www.postgresql.org/docs/18/catalog-pg-class.html */
export const relations: Family = (majors) => `
  SELECT ${inSchema} AS parent, ${relationLabel} AS object,
         ${aspects({
           owner: owner('c.relowner'),
           comment: comment('pg_class', 'c.oid'),
           options: options('c.reloptions'),
           'toast options': `SELECT ${options('t.reloptions')} FROM pg_class t WHERE t.oid = c.reltoastrelid`,
           persistence: word('c.relpersistence', { p: 'logged', u: 'unlogged' }),
           'replica identity': `${word('c.relreplident', { d: 'default', n: 'nothing', f: 'full' })} ||
             coalesce((SELECT ': ' || i.indexrelid::regclass FROM pg_index i
                        WHERE i.indrelid = c.oid AND i.indisreplident AND c.relreplident = 'i'), '')`,
           'row security': yesNo('c.relrowsecurity'),
           'row security of the owner': yesNo('c.relforcerowsecurity'),
           'partition key': "CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) END",
           partition: 'pg_get_expr(c.relpartbound, c.oid)',
           inherits: `SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno) FROM pg_inherits i
             WHERE i.inhrelid = c.oid`,
           tablespace: 'SELECT spcname FROM pg_tablespace WHERE oid = c.reltablespace',
           'access method': 'SELECT amname FROM pg_am WHERE oid = c.relam',
           'of type': 'CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END',
           definition: "CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END",
           'order of columns': `SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind <> 'S'`,
           server: `SELECT quote_ident(s.srvname) || coalesce(': ' || ${options('f.ftoptions')}, '')
             FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid`,
         })}
         || CASE c.relkind
              WHEN 'S' THEN ${privileges(majors, { acl: 'c.relacl', kind: 's', owner: 'c.relowner' })}
              WHEN 'c' THEN '{}'
              ELSE ${privileges(majors, { acl: 'c.relacl', kind: 'r', owner: 'c.relowner' })} END AS aspects
    FROM ${userRelations} WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')`;

/** Parameters, not values: https://www.postgresql.org/docs/18/catalog-pg-sequence.html */
export const sequences: Family = () => `
  SELECT ${relationLabel} AS parent, ${relationLabel} || ', parameters' AS object,
         ${aspects({
           type: 'format_type(s.seqtypid, NULL)',
           start: 's.seqstart',
           increment: 's.seqincrement',
           minimum: 's.seqmin',
           maximum: 's.seqmax',
           cache: 's.seqcache',
           cycle: yesNo('s.seqcycle'),
           column: `SELECT format('%s.%I', d.refobjid::regclass, a.attname) FROM pg_depend d
              JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
             WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
               AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0`,
         })} AS aspects
    FROM ${userRelations} JOIN pg_sequence s ON s.seqrelid = c.oid`;

/** https://www.postgresql.org/docs/18/catalog-pg-attribute.html */
export const columns: Family = (majors) => `
  SELECT ${relationLabel} AS parent, ${relationLabel} || ', column ' || quote_ident(a.attname) AS object,
         ${aspects({
           '': 'format_type(a.atttypid, a.atttypmod)',
           'not null': yesNo('a.attnotnull'),
           default: `CASE a.attgenerated WHEN '' THEN pg_get_expr(d.adbin, d.adrelid) END`,
           generated: `CASE a.attgenerated WHEN '' THEN NULL WHEN 'v' THEN 'virtual ' ELSE 'stored ' END
             || pg_get_expr(d.adbin, d.adrelid)`,
           identity: `CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END`,
           collation: `CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation END`,
           storage: word('a.attstorage', { p: 'plain', e: 'external', m: 'main', x: 'extended' }),
           compression: word('a.attcompression', { p: 'pglz', l: 'lz4' }),
           statistics: 'nullif(a.attstattarget, -1)',
           options: options('a.attoptions'),
           'foreign options': options('a.attfdwoptions'),
           comment: 'col_description(c.oid, a.attnum)',
         })}
         || CASE WHEN a.attacl IS NULL THEN '{}' ELSE
              ${privileges(majors, { acl: 'a.attacl', kind: undefined, owner: 'c.relowner' })} END AS aspects
    FROM ${userRelations} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')`;
