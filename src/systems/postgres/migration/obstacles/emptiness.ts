import type { Obstacle } from '../../../../contracts/index.js';
import { settingsOf } from '../../connection.js';
import { isUserObject } from '../definitions/definition.js';
import { ddlGuard, streamName } from '../names.js';
import { isOfExtension, isUserSchema, relationName } from '../user-objects.js';
import { listed, namesOf, placeOf, type Look } from './look.js';

/** What a schema may hold beside the common, and what belongs to no schema. */
const rare = [
  ...['pg_collation', 'pg_operator', 'pg_opfamily', 'pg_conversion', 'pg_cast', 'pg_am', 'pg_language'],
  ...['pg_ts_config', 'pg_ts_dict', 'pg_ts_parser', 'pg_ts_template', 'pg_foreign_data_wrapper'],
];

const objectsOf = (catalog: string): string =>
  `SELECT 5, i.type || ' ' || i.identity FROM ${catalog} o, pg_identify_object('${catalog}'::regclass, o.oid, 0) i
    WHERE ${isUserObject(catalog, 'o.oid')}`;

/** A copy is made into a database that has nothing of its own. */
export async function notEmpty(look: Look): Promise<Obstacle[]> {
  const names = await namesOf(
    look,
    `SELECT name FROM (
       SELECT 1 AS rank, CASE c.relkind WHEN 'S' THEN 'sequence ' WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view '
                              WHEN 'f' THEN 'foreign table ' WHEN 'c' THEN 'type ' ELSE 'table ' END || ${relationName} AS name
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind NOT IN ('i', 'I', 't') AND ${isUserSchema('n.nspname')} AND NOT ${isOfExtension('pg_class', 'c.oid')}
       UNION ALL
       SELECT 2, 'schema ' || quote_ident(n.nspname) FROM pg_namespace n
        WHERE ${isUserSchema('n.nspname')} AND n.nspname <> 'public' AND NOT ${isOfExtension('pg_namespace', 'n.oid')}
       UNION ALL
       SELECT 3, 'function ' || p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE ${isUserSchema('n.nspname')} AND NOT ${isOfExtension('pg_proc', 'p.oid')}
       UNION ALL
       SELECT 3, 'type ' || t.oid::regtype FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
        WHERE t.typtype IN ('b', 'd', 'e', 'r') AND t.typelem = 0 AND ${isUserSchema('n.nspname')}
          AND NOT ${isOfExtension('pg_type', 't.oid')}
       UNION ALL
       SELECT 4, 'extension ' || quote_ident(extname) FROM pg_extension WHERE extname <> 'plpgsql'
       UNION ALL
       SELECT 5, 'publication ' || quote_ident(pubname) FROM pg_publication WHERE pubname <> ALL ($1)
       UNION ALL
       SELECT 5, 'event trigger ' || quote_ident(evtname) FROM pg_event_trigger WHERE NOT starts_with(evtname, $2)
       UNION ALL
       SELECT 5, 'server ' || quote_ident(srvname) FROM pg_foreign_server
       UNION ALL
       ${rare.map(objectsOf).join(' UNION ALL ')}
       UNION ALL
       SELECT 6, 'large object ' || oid FROM pg_largeobject_metadata) o ORDER BY rank, name`,
    [[streamName('forward'), streamName('back')], ddlGuard],
  );
  const [first] = names;
  if (first === undefined) return [];
  const { database } = settingsOf(look.cluster);
  return [
    {
      code: 'PG_DESTINATION_NOT_EMPTY',
      node: look.node,
      message: `database ${database} of ${placeOf(look)} is not empty: ${listed(names)}`,
      remedy: `Begin with a new, initialised server; or empty this one: DROP ${first};. What a former migration has left there is removed by discarding that one.`,
    },
  ];
}
