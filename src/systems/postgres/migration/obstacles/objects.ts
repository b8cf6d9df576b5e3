import type { Obstacle } from '../../../../contracts/index.js';
import { ddlGuard, streamName } from '../names.js';
import { isUserSchema, relationName } from '../user-objects.js';
import { counted, listed, namesOf, placeOf, rowsOf, type Look, type Question } from './look.js';

/**
 * What is no table and yet has data, and what would act on its own on the side that applies.
 *
 * Not among it, because the apply worker is known to do right by it: deferrable unique and exclusion constraints (their
 * check is a trigger, which does not fire there, and the rows were checked where they were written), rules (they
 * rewrite statements, and rows are applied without one), row security (a superuser's subscription bypasses it),
 * identity columns, generated columns outside of the replica identity. https://www.postgresql.org/docs/18/logical-replication-architecture.html
 */
export function objectQuestions(look: Look): Question[] {
  return [
    { what: 'whether there are large objects', ask: () => largeObjects(look) },
    { what: 'which materialized views there are', ask: () => materializedViews(look) },
    { what: 'which foreign tables there are', ask: () => foreignTables(look) },
    { what: 'which triggers fire on replicated rows', ask: () => triggers(look) },
    { what: 'which event triggers are enabled', ask: () => eventTriggers(look) },
    { what: 'which publications there are', ask: () => publications(look) },
    { what: 'which security labels there are', ask: () => securityLabels(look) },
  ];
}

/** https://www.postgresql.org/docs/18/logical-replication-restrictions.html */
async function largeObjects(look: Look): Promise<Obstacle[]> {
  const oids = await namesOf(look, 'SELECT oid::text AS name FROM pg_largeobject_metadata ORDER BY oid');
  if (oids.length === 0) return [];
  return [
    {
      code: 'PG_LARGE_OBJECTS',
      node: look.node,
      message: `${counted(oids.length, 'large object')} on ${placeOf(look)}, which are not replicated: ${listed(oids)}`,
      remedy:
        'Move each into a bytea column (lo_get), then remove it: SELECT lo_unlink(oid) FROM pg_largeobject_metadata;',
    },
  ];
}

const relationsOfKind = (look: Look, kind: 'm' | 'f'): Promise<string[]> =>
  namesOf(
    look,
    `SELECT ${relationName} AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = $1 AND ${isUserSchema('n.nspname')} ORDER BY 1`,
    [kind],
  );

/** What they hold is as old as their last REFRESH, which is not replicated. */
async function materializedViews(look: Look): Promise<Obstacle[]> {
  const names = await relationsOfKind(look, 'm');
  const [first] = names;
  if (first === undefined) return [];
  return [
    {
      code: 'PG_MATERIALIZED_VIEWS',
      node: look.node,
      message: `${counted(names.length, 'materialized view')} on ${placeOf(look)}, whose content is not replicated: ${listed(names)}`,
      remedy: `Keep its definition (SELECT pg_get_viewdef('${first.replaceAll("'", "''")}'::regclass);), then DROP MATERIALIZED VIEW ${first}; and create it again after the acceptance.`,
    },
  ];
}

async function foreignTables(look: Look): Promise<Obstacle[]> {
  const names = await relationsOfKind(look, 'f');
  const [first] = names;
  if (first === undefined) return [];
  return [
    {
      code: 'PG_FOREIGN_TABLES',
      node: look.node,
      message: `${counted(names.length, 'foreign table')} on ${placeOf(look)}, which are not replicated and whose server the destination may not reach: ${listed(names)}`,
      remedy: `DROP FOREIGN TABLE ${first}; and create it again after the acceptance.`,
    },
  ];
}

/**
 * The apply worker runs with session_replication_role = replica: an ALWAYS or REPLICA trigger would do its work there
 * a second time. https://www.postgresql.org/docs/18/sql-altertable.html#SQL-ALTERTABLE-DESC-DISABLE-ENABLE-TRIGGER
 */
async function triggers(look: Look): Promise<Obstacle[]> {
  const found = await rowsOf<{ name: string; relation: string; mode: string }>(
    look,
    `SELECT format('%I', t.tgname) AS name, ${relationName} AS relation,
            CASE t.tgenabled WHEN 'A' THEN 'ALWAYS' ELSE 'REPLICA' END AS mode
       FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE t.tgenabled IN ('A', 'R') AND NOT t.tgisinternal AND ${isUserSchema('n.nspname')} ORDER BY 2, 1`,
  );
  const [first] = found;
  if (!first) return [];
  return [
    {
      code: 'PG_REPLICA_TRIGGERS',
      node: look.node,
      message: `triggers on ${placeOf(look)} would fire on replicated rows too: ${listed(found.map((t) => `${t.name} on ${t.relation} (${t.mode})`))}`,
      remedy: `ALTER TABLE ${first.relation} ENABLE TRIGGER ${first.name}; so that it fires where the row is written, and nowhere else.`,
    },
  ];
}

/**
 * They fire at the DDL and at the log-in of our own sessions, on the destination as well: what they write there is no
 * copy. https://www.postgresql.org/docs/18/event-trigger-definition.html
 */
async function eventTriggers(look: Look): Promise<Obstacle[]> {
  const names = await namesOf(
    look,
    `SELECT format('%I', evtname) AS name FROM pg_event_trigger
      WHERE evtenabled <> 'D' AND NOT starts_with(evtname, $1) ORDER BY 1`,
    [ddlGuard],
  );
  const [first] = names;
  if (first === undefined) return [];
  return [
    {
      code: 'PG_EVENT_TRIGGERS',
      node: look.node,
      message: `${counted(names.length, 'enabled event trigger')} on ${placeOf(look)}, which would fire in sessions of the migration on both sides: ${listed(names)}`,
      remedy: `ALTER EVENT TRIGGER ${first} DISABLE; until the acceptance; or accept event-triggers when it neither writes nor refuses anything.`,
      acceptAs: 'event-triggers',
    },
  ];
}

/** They are not copied: who reads one needs a slot, and slots of others are refused. */
async function publications(look: Look): Promise<Obstacle[]> {
  const names = await namesOf(
    look,
    `SELECT quote_ident(pubname) AS name FROM pg_publication WHERE pubname <> ALL ($1) ORDER BY 1`,
    [[streamName('forward'), streamName('back')]],
  );
  const [first] = names;
  if (first === undefined) return [];
  return [
    {
      code: 'PG_PUBLICATIONS',
      node: look.node,
      message: `${counted(names.length, 'publication')} on ${placeOf(look)}, which are not copied: ${listed(names)}`,
      remedy: `DROP PUBLICATION ${first}; and create it again, with its subscribers, after the acceptance.`,
    },
  ];
}

/** The destination takes one only when it has loaded the label's provider, which cannot be asked for. */
async function securityLabels(look: Look): Promise<Obstacle[]> {
  const found = await rowsOf<{ name: string; provider: string }>(
    look,
    `SELECT objtype || ' ' || objname AS name, provider FROM pg_seclabels WHERE objname IS NOT NULL
     UNION ALL
     SELECT 'object ' || objoid, provider FROM pg_seclabels WHERE objname IS NULL ORDER BY 1, 2`,
  );
  const [first] = found;
  if (!first) return [];
  return [
    {
      code: 'PG_SECURITY_LABELS',
      node: look.node,
      message: `${counted(found.length, 'security label')} on ${placeOf(look)}: ${listed(found.map((l) => `${l.name} (${l.provider})`))}; whether the destination has their provider cannot be learned`,
      remedy: `Remove it (SECURITY LABEL FOR ${first.provider} ON ${first.name} IS NULL;), and set it again after the acceptance.`,
    },
  ];
}
