import { isOfExtension, isUserSchema } from '../user-objects.js';
import { aspects, comment, inSchema, owner, word, yesNo, type Family } from './definition.js';
import { relationLabel, userRelations } from './relations.js';

const enabled = (column: string): string => word(column, { O: 'yes', D: 'no', R: 'replica', A: 'always' });

const indexFacts = (oid: string): Record<string, string> => ({
  options: `SELECT string_agg(o, ', ' ORDER BY o) FROM pg_class own, unnest(own.reloptions) o WHERE own.oid = ${oid}`,
  tablespace: `SELECT s.spcname FROM pg_class own JOIN pg_tablespace s ON s.oid = own.reltablespace WHERE own.oid = ${oid}`,
  valid: `SELECT ${yesNo('i.indisvalid')} FROM pg_index i WHERE i.indexrelid = ${oid}`,
  clustered: `SELECT ${yesNo('i.indisclustered')} FROM pg_index i WHERE i.indexrelid = ${oid}`,
});

/**
 * 18 stores NOT NULL as a constraint too; both versions tell it of the column. A foreign key's rows for partitions
 * follow from the one that was declared. https://www.postgresql.org/docs/18/catalog-pg-constraint.html
 */
export const constraints: Family = () => `
  SELECT ${relationLabel} AS parent, ${relationLabel} || ', constraint ' || quote_ident(k.conname) AS object,
         ${aspects({
           '': 'pg_get_constraintdef(k.oid)',
           comment: comment('pg_constraint', 'k.oid'),
           ...indexFacts("CASE WHEN k.contype IN ('p', 'u', 'x') THEN k.conindid END"),
         })} AS aspects
    FROM ${userRelations} JOIN pg_constraint k ON k.conrelid = c.oid
   WHERE k.contype IN ('c', 'f', 'p', 'u', 'x') AND NOT (k.contype = 'f' AND k.conparentid <> 0)
  UNION ALL
  SELECT 'domain ' || t.oid::regtype, 'domain ' || t.oid::regtype || ', constraint ' || quote_ident(k.conname),
         ${aspects({ '': 'pg_get_constraintdef(k.oid)', comment: comment('pg_constraint', 'k.oid') })}
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_constraint k ON k.contypid = t.oid
   WHERE k.contype = 'c' AND ${isUserSchema('n.nspname')} AND NOT ${isOfExtension('pg_type', 't.oid')}`;

/** Those that a constraint has made are told with it. */
export const indexes: Family = () => `
  SELECT ${relationLabel} AS parent, ${relationLabel} || ', index ' || quote_ident(x.relname) AS object,
         ${aspects({
           '': 'pg_get_indexdef(x.oid)',
           comment: comment('pg_class', 'x.oid'),
           ...indexFacts('x.oid'),
         })} AS aspects
    FROM ${userRelations} JOIN pg_index g ON g.indrelid = c.oid JOIN pg_class x ON x.oid = g.indexrelid
   WHERE NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.oid AND k.contype IN ('p', 'u', 'x'))`;

/** A partition's copy of its parent's trigger follows from that one. */
export const triggers: Family = () => `
  SELECT ${relationLabel} AS parent, ${relationLabel} || ', trigger ' || quote_ident(t.tgname) AS object,
         ${aspects({
           '': 'pg_get_triggerdef(t.oid)',
           enabled: enabled('t.tgenabled'),
           comment: comment('pg_trigger', 't.oid'),
         })} AS aspects
    FROM ${userRelations} JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgparentid = 0`;

export const rules: Family = () => `
  SELECT ${relationLabel} AS parent, ${relationLabel} || ', rule ' || quote_ident(r.rulename) AS object,
         ${aspects({
           '': 'pg_get_ruledef(r.oid)',
           enabled: enabled('r.ev_enabled'),
           comment: comment('pg_rewrite', 'r.oid'),
         })} AS aspects
    FROM ${userRelations} JOIN pg_rewrite r ON r.ev_class = c.oid AND r.rulename <> '_RETURN'`;

export const policies: Family = () => `
  SELECT ${relationLabel} AS parent, ${relationLabel} || ', policy ' || quote_ident(p.polname) AS object,
         ${aspects({
           command: word('p.polcmd', { r: 'SELECT', a: 'INSERT', w: 'UPDATE', d: 'DELETE', '*': 'ALL' }),
           permissive: yesNo('p.polpermissive'),
           roles: `SELECT string_agg(name, ', ' ORDER BY name) FROM (
             SELECT CASE r WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(r) END AS name FROM unnest(p.polroles) r) o`,
           using: 'pg_get_expr(p.polqual, p.polrelid)',
           check: 'pg_get_expr(p.polwithcheck, p.polrelid)',
           comment: comment('pg_policy', 'p.oid'),
         })} AS aspects
    FROM ${userRelations} JOIN pg_policy p ON p.polrelid = c.oid`;

export const statistics: Family = () => `
  SELECT ${inSchema} AS parent, 'statistics ' || format('%I.%I', n.nspname, s.stxname) AS object,
         ${aspects({
           '': 'pg_get_statisticsobjdef(s.oid)',
           owner: owner('s.stxowner'),
           target: 'nullif(s.stxstattarget, -1)',
           comment: comment('pg_statistic_ext', 's.oid'),
         })} AS aspects
    FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace
   WHERE ${isUserSchema('n.nspname')} AND NOT ${isOfExtension('pg_statistic_ext', 's.oid')}`;
