import { isOfExtension, isUserSchema } from '../user-objects.js';
import { aspects, comment, inSchema, owner, privileges, word, yesNo, type Family } from './definition.js';

/** https://www.postgresql.org/docs/18/catalog-pg-proc.html and …/catalog-pg-aggregate.html */
export const routines: Family = (majors) => `
  SELECT ${inSchema} AS parent,
         ${word('p.prokind', { f: 'function', p: 'procedure', a: 'aggregate', w: 'function' })} || ' ' || p.oid::regprocedure AS object,
         ${aspects({
           definition: `CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) ELSE
             (SELECT concat_ws(' ', a.aggkind, a.aggnumdirectargs, a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn,
                       a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn, a.aggfinalextra, a.aggmfinalextra,
                       a.aggfinalmodify, a.aggmfinalmodify, a.aggsortop::regoperator, format_type(a.aggtranstype, NULL),
                       format_type(a.aggmtranstype, NULL), a.agginitval, a.aggminitval, p.proparallel, p.provolatile,
                       pg_get_function_arguments(p.oid))
                FROM pg_aggregate a WHERE a.aggfnoid = p.oid) END`,
           owner: owner('p.proowner'),
           comment: comment('pg_proc', 'p.oid'),
         })}
         || ${privileges(majors, { acl: 'p.proacl', kind: 'f', owner: 'p.proowner' })} AS aspects
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
   WHERE ${isUserSchema('n.nspname')} AND NOT ${isOfExtension('pg_proc', 'p.oid')}`;

/** Composite types are relations; arrays and multiranges follow from their elements. */
export const types: Family = (majors) => `
  SELECT ${inSchema} AS parent, ${word('t.typtype', { d: 'domain', e: 'type', r: 'type', b: 'type', p: 'type' })} || ' ' || t.oid::regtype AS object,
         ${aspects({
           labels: `SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid`,
           '': `CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod) END`,
           'not null': `CASE t.typtype WHEN 'd' THEN ${yesNo('t.typnotnull')} END`,
           default: 't.typdefault',
           collation: 'nullif(t.typcollation, 0)::regcollation',
           range: `SELECT concat_ws(' ', format_type(r.rngsubtype, NULL), o.opcname, nullif(r.rngcollation, 0)::regcollation,
                            r.rngcanonical, r.rngsubdiff, format_type(r.rngmultitypid, NULL))
                     FROM pg_range r JOIN pg_opclass o ON o.oid = r.rngsubopc WHERE r.rngtypid = t.oid`,
           definition: `CASE t.typtype WHEN 'b' THEN concat_ws(' ', t.typlen, t.typbyval, t.typcategory, t.typispreferred,
             t.typdelim, format_type(nullif(t.typelem, 0), NULL), t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin,
             t.typmodout, t.typanalyze, t.typsubscript, t.typalign, t.typstorage) END`,
           owner: owner('t.typowner'),
           comment: comment('pg_type', 't.oid'),
         })}
         || ${privileges(majors, { acl: 't.typacl', kind: 'T', owner: 't.typowner' })} AS aspects
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
   WHERE t.typtype IN ('b', 'd', 'e', 'r', 'p') AND ${isUserSchema('n.nspname')} AND NOT ${isOfExtension('pg_type', 't.oid')}
     AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)`;
