import { escapeLiteral } from 'pg';
import { ddlGuard, streamName } from '../names.js';
import {
  aspects,
  comment,
  hidden,
  inSchema,
  isUserObject,
  owner,
  privileges,
  word,
  yesNo,
  type Family,
} from './definition.js';

const options = (list: string): string => `(SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(${list}) o)`;
const ourStreams = [streamName('forward'), streamName('back')].map((n) => escapeLiteral(n)).join(', ');

/** SQL: objects of a catalog by the name that PostgreSQL itself gives each. */
const identified = (
  catalog: string,
  found: Readonly<Record<string, string>>,
  more: { acl?: string; where?: string } = {},
): string => `
  SELECT NULL AS parent, i.type || ' ' || i.identity AS object,
         ${aspects({ comment: comment(catalog, 'o.oid'), ...found })} || ${more.acl ?? "'{}'"} AS aspects
    FROM ${catalog} o, pg_identify_object('${catalog}'::regclass, o.oid, 0) i
   WHERE ${isUserObject(catalog, 'o.oid')} AND ${more.where ?? 'true'}`;

/** What is rarely made, each as far as its catalog has it: https://www.postgresql.org/docs/18/catalogs.html */
export const others: Family = (majors) =>
  [
    identified('pg_cast', {
      function: 'nullif(o.castfunc, 0)::regprocedure',
      context: word('o.castcontext', { e: 'explicit', a: 'assignment', i: 'implicit' }),
      method: word('o.castmethod', { f: 'function', i: 'in and out', b: 'binary' }),
    }),
    identified('pg_operator', {
      '': `concat_ws(' ', o.oprcode, nullif(o.oprcom, 0)::regoperator, nullif(o.oprnegate, 0)::regoperator, o.oprrest, o.oprjoin,
             o.oprcanmerge, o.oprcanhash)`,
      owner: owner('o.oprowner'),
    }),
    identified('pg_opclass', {
      '': "concat_ws(' ', format_type(o.opcintype, NULL), o.opcdefault, format_type(nullif(o.opckeytype, 0), NULL))",
      owner: owner('o.opcowner'),
    }),
    identified('pg_opfamily', {
      operators: `SELECT string_agg(concat_ws(' ', a.amopstrategy, a.amoppurpose, a.amopopr::regoperator), ', '
        ORDER BY a.amopstrategy, a.amopopr::regoperator::text) FROM pg_amop a WHERE a.amopfamily = o.oid`,
      functions: `SELECT string_agg(concat_ws(' ', a.amprocnum, a.amproc::regprocedure), ', '
        ORDER BY a.amprocnum, a.amproc::regprocedure::text) FROM pg_amproc a WHERE a.amprocfamily = o.oid`,
      owner: owner('o.opfowner'),
    }),
    identified('pg_collation', {
      '': `concat_ws(' ', o.collprovider, o.collisdeterministic, o.collcollate, o.collctype${majors.own >= 17 ? ', o.colllocale' : ', o.colliculocale'}, o.collicurules)`,
      owner: owner('o.collowner'),
    }),
    identified('pg_conversion', {
      '': "concat_ws(' ', o.conforencoding, o.contoencoding, o.conproc, o.condefault)",
      owner: owner('o.conowner'),
    }),
    identified(
      'pg_language',
      {
        trusted: yesNo('o.lanpltrusted'),
        handler: 'nullif(o.lanplcallfoid, 0)::regproc',
        owner: owner('o.lanowner'),
      },
      { acl: privileges(majors, { acl: 'o.lanacl', kind: 'l', owner: 'o.lanowner' }) },
    ),
    identified('pg_transform', { '': "concat_ws(' ', o.trffromsql, o.trftosql)" }),
    identified('pg_am', { '': "concat_ws(' ', o.amtype, o.amhandler)" }),
    identified('pg_ts_config', {
      parser: 'SELECT p.prsname FROM pg_ts_parser p WHERE p.oid = o.cfgparser',
      mappings: `SELECT string_agg(concat_ws(' ', m.maptokentype, m.mapseqno, m.mapdict::regdictionary), ', '
        ORDER BY m.maptokentype, m.mapseqno) FROM pg_ts_config_map m WHERE m.mapcfg = o.oid`,
      owner: owner('o.cfgowner'),
    }),
    identified('pg_ts_dict', {
      template: 'SELECT t.tmplname FROM pg_ts_template t WHERE t.oid = o.dicttemplate',
      options: 'o.dictinitoption',
      owner: owner('o.dictowner'),
    }),
    identified('pg_ts_parser', {
      '': "concat_ws(' ', o.prsstart, o.prstoken, o.prsend, o.prsheadline, o.prslextype)",
    }),
    identified('pg_ts_template', { '': "concat_ws(' ', o.tmplinit, o.tmpllexize)" }),
  ].join('\nUNION ALL\n');

/** Options may hold passwords: that they differ is told, and not what they are. */
export const foreignServers: Family = (majors) =>
  [
    identified(
      'pg_foreign_data_wrapper',
      {
        '': "concat_ws(' ', nullif(o.fdwhandler, 0)::regproc, nullif(o.fdwvalidator, 0)::regproc)",
        options: options('o.fdwoptions'),
        owner: owner('o.fdwowner'),
      },
      { acl: privileges(majors, { acl: 'o.fdwacl', kind: 'F', owner: 'o.fdwowner' }) },
    ),
    identified(
      'pg_foreign_server',
      {
        wrapper: 'SELECT w.fdwname FROM pg_foreign_data_wrapper w WHERE w.oid = o.srvfdw',
        type: 'o.srvtype',
        version: 'o.srvversion',
        options: options('o.srvoptions'),
        owner: owner('o.srvowner'),
      },
      { acl: privileges(majors, { acl: 'o.srvacl', kind: 'S', owner: 'o.srvowner' }) },
    ),
    identified('pg_user_mapping', {
      options: `'${hidden}' || md5(${options('o.umoptions')})`,
    }),
  ].join('\nUNION ALL\n');

export const eventTriggers: Family = () =>
  identified(
    'pg_event_trigger',
    {
      '': `concat_ws(' ', o.evtevent, 'executes', o.evtfoid::regprocedure, 'for ' || ${options('o.evttags')})`,
      enabled: word('o.evtenabled', { O: 'yes', D: 'no', R: 'replica', A: 'always' }),
      owner: owner('o.evtowner'),
    },
    { where: `NOT starts_with(o.evtname, ${escapeLiteral(ddlGuard)})` },
  );

/** The user's own: https://www.postgresql.org/docs/18/catalog-pg-publication.html */
export const publications: Family = ({ own }) =>
  identified(
    'pg_publication',
    {
      of: `CASE WHEN o.puballtables THEN 'all tables' ELSE concat_ws(', ',
        (SELECT string_agg(concat_ws(' ', r.prrelid::regclass,
               '(' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
                        WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)) || ')',
               'where ' || pg_get_expr(r.prqual, r.prrelid)), ', ' ORDER BY r.prrelid::regclass::text)
           FROM pg_publication_rel r WHERE r.prpubid = o.oid), (SELECT string_agg('schema ' || s.pnnspid::regnamespace, ', ' ORDER BY s.pnnspid::regnamespace::text)
           FROM pg_publication_namespace s WHERE s.pnpubid = o.oid)) END`,
      publishes: `concat_ws(', ', CASE WHEN o.pubinsert THEN 'insert' END, CASE WHEN o.pubupdate THEN 'update' END,
        CASE WHEN o.pubdelete THEN 'delete' END, CASE WHEN o.pubtruncate THEN 'truncate' END)`,
      'via the root': yesNo('o.pubviaroot'),
      // 'n' is what older versions do.
      ...(own >= 18 && { 'generated columns': "nullif(o.pubgencols, 'n')" }),
      owner: owner('o.pubowner'),
    },
    { where: `o.pubname NOT IN (${ourStreams})` },
  );

/**
 * The destination has the version that its package makes; that it is another one than the source's was told, and
 * accepted, before anything began. What it is not to have is a third one.
 */
export const extensions: Family = () => `
  SELECT NULL AS parent, 'extension ' || quote_ident(e.extname) AS object,
         ${aspects({
           schema: 'quote_ident(n.nspname)',
           version: 'e.extversion',
           'default version':
             'SELECT a.default_version FROM pg_available_extensions a WHERE a.name = e.extname',
           owner: owner('e.extowner'),
           comment: comment('pg_extension', 'e.oid'),
         })} AS aspects
    FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname <> 'plpgsql'`;

export const defaultPrivileges: Family = (majors) => `
  SELECT CASE WHEN n.oid IS NOT NULL THEN ${inSchema} END AS parent,
         concat_ws(' ', 'default privileges of', pg_get_userbyid(d.defaclrole), 'for', ${word(
           'd.defaclobjtype',
           {
             r: 'tables',
             S: 'sequences',
             f: 'functions',
             T: 'types',
             n: 'schemas',
             L: 'large objects',
           },
         )}, 'in schema ' || quote_ident(n.nspname)) AS object,
         ${privileges(majors, { acl: 'd.defaclacl', kind: undefined, owner: 'd.defaclrole' })} AS aspects
    FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace`;
