import { escapeIdentifier, escapeLiteral, type ClientBase } from 'pg';
import { RollgateError, type ClusterSpec, type EffectContext } from '../../../contracts/index.js';
import type { Sessions } from '../connection.js';
import { onlyPrimary } from '../primary.js';
import { makeBookkeeping, takeTurns } from './bookkeeping.js';
import { bookkeeping, ddlGuard } from './names.js';

/** A superuser's session that sets it to `on` is let through: ours, `-c rollgate.migration=on` or SET LOCAL. */
export const guardPass = 'rollgate.migration';

/** Let the DDL of this transaction through the guard. */
export const passGuard = `SET LOCAL ${guardPass} = 'on'`;

export interface DdlGuard {
  /**
   * Refuse DDL in the database from now on. Idempotent, verified.
   * @throws SYSTEM_REFUSED when it is not there afterwards; SYSTEM_UNREACHABLE
   */
  set(cluster: ClusterSpec, ctx: EffectContext): Promise<void>;
  /** Let DDL through again. Idempotent, verified. @throws SYSTEM_REFUSED; SYSTEM_UNREACHABLE */
  remove(cluster: ClusterSpec, ctx: EffectContext): Promise<void>;
}

/**
 * Event triggers that are ENABLE ALWAYS, so that `session_replication_role` is no way around them:
 * https://www.postgresql.org/docs/18/event-trigger-definition.html. Temporary objects go on as before, TRUNCATE is no
 * DDL, and REINDEX changes no definition.
 *
 * They do not see: roles, databases, tablespaces, settings (ALTER SYSTEM) and other event triggers, which are shared or
 * not supported; VACUUM FULL and CLUSTER; a superuser with `event_triggers = off` (17); DDL of a transaction that was
 * open when the guard was set. A comparison of definitions finds what these have changed.
 */
export function createDdlGuard(sessions: Sessions): DdlGuard {
  return {
    set: async (cluster, ctx) => {
      ctx.signal.throwIfAborted();
      await makeBookkeeping(sessions, cluster);
      await sessions.on(cluster, await onlyPrimary(sessions, cluster), async (client) => {
        if (await isSet(client, ctx.runId)) return;
        await inTransaction(client, async () => {
          await drop(client);
          for (const { name, event, body } of triggers) {
            await client.query(
              `CREATE FUNCTION ${functionOf(name)}() RETURNS event_trigger LANGUAGE plpgsql
                 SET search_path = pg_catalog, pg_temp AS ${escapeLiteral(body(ctx.runId))};
               CREATE EVENT TRIGGER ${escapeIdentifier(name)} ON ${event} EXECUTE FUNCTION ${functionOf(name)}();
               ALTER EVENT TRIGGER ${escapeIdentifier(name)} ENABLE ALWAYS`,
            );
          }
        });
        if (!(await isSet(client, ctx.runId))) throw refused('did not come into force');
      });
    },

    remove: async (cluster, ctx) => {
      ctx.signal.throwIfAborted();
      await sessions.on(cluster, await onlyPrimary(sessions, cluster), async (client) => {
        await inTransaction(client, () => drop(client));
        if ((await guards(client)).length > 0) throw refused('is still there');
      });
    },
  };
}

const refused = (what: string): RollgateError =>
  new RollgateError(
    'SYSTEM_REFUSED',
    `the guard ${ddlGuard} against DDL ${what}`,
    'Look who changes event triggers in this database, then retry.',
  );

interface Trigger {
  readonly name: string;
  readonly event: 'ddl_command_start' | 'ddl_command_end' | 'sql_drop';
  readonly body: (runId: string) => string;
}

const functionOf = (name: string): string => `${bookkeeping}.${escapeIdentifier(name)}`;

/**
 * Before a command nobody knows whether its object is temporary. Those that make or remove such objects are let begin
 * and are judged by what they did; CONCURRENTLY commits on the way and cannot be taken back, so it is refused at once.
 * Such a command cannot be part of a function or of a transaction, so it stands in the text of the query.
 */
const judgedLater = [
  ...['CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE INDEX', 'CREATE SEQUENCE', 'CREATE VIEW'],
  ...['DROP TABLE', 'DROP INDEX', 'DROP SEQUENCE', 'DROP VIEW'],
]
  .map((tag) => escapeLiteral(tag))
  .join(', ');

/** https://www.postgresql.org/docs/18/functions-event-triggers.html */
const triggers: readonly Trigger[] = [
  {
    name: ddlGuard,
    event: 'ddl_command_start',
    body: (runId) =>
      bodyOf(
        runId,
        `tg_tag <> 'REINDEX' AND (tg_tag NOT IN (${judgedLater}) OR current_query() ~* 'concurrently')`,
      ),
  },
  {
    name: `${ddlGuard}_end`,
    event: 'ddl_command_end',
    body: (runId) =>
      bodyOf(
        runId,
        `tg_tag <> 'REINDEX' AND EXISTS (SELECT FROM pg_event_trigger_ddl_commands()
           WHERE schema_name IS DISTINCT FROM 'pg_temp')`,
      ),
  },
  {
    name: `${ddlGuard}_drop`,
    event: 'sql_drop',
    body: (runId) =>
      bodyOf(runId, 'EXISTS (SELECT FROM pg_event_trigger_dropped_objects() WHERE NOT is_temporary)'),
  },
];

const bodyOf = (runId: string, forbidden: string): string => `
BEGIN
  IF current_setting('${guardPass}', true) = 'on'
     AND (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) THEN
    RETURN;
  END IF;
  IF ${forbidden} THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = format('%s is refused until rollgate''s migration of this database (run %s) is accepted or discarded',
                       tg_tag, ${escapeLiteral(runId)}),
      HINT = 'The database is being copied to another server, which a change of definitions would not reach. Temporary tables, TRUNCATE and REINDEX go on as before.';
  END IF;
END`;

/** Two at the same time would meet in the catalog. */
async function inTransaction(client: ClientBase, body: () => Promise<void>): Promise<void> {
  await client.query('BEGIN');
  await takeTurns(client);
  await client.query(passGuard);
  await body();
  await client.query('COMMIT');
}

async function drop(client: ClientBase): Promise<void> {
  for (const { name } of await guards(client)) {
    await client.query(`DROP EVENT TRIGGER IF EXISTS ${escapeIdentifier(name)}`);
  }
  for (const { name } of triggers) await client.query(`DROP FUNCTION IF EXISTS ${functionOf(name)}()`);
}

interface Guard {
  readonly name: string;
  readonly event: string;
  readonly enabled: string;
  readonly body: string;
}

async function guards(client: ClientBase): Promise<Guard[]> {
  const { rows } = await client.query<Guard>(
    `SELECT t.evtname AS name, t.evtevent AS event, t.evtenabled AS enabled, p.prosrc AS body
       FROM pg_event_trigger t JOIN pg_proc p ON p.oid = t.evtfoid WHERE starts_with(t.evtname, $1)`,
    [ddlGuard],
  );
  return rows;
}

async function isSet(client: ClientBase, runId: string): Promise<boolean> {
  const there = await guards(client);
  return triggers.every(({ name, event, body }) =>
    there.some((g) => g.name === name && g.event === event && g.enabled === 'A' && g.body === body(runId)),
  );
}
