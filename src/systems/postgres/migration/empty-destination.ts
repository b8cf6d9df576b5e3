import { escapeIdentifier, type ClientBase } from 'pg';
import type { EffectContext } from '../../../contracts/index.js';
import type { Sessions } from '../connection.js';
import { dropFacts, readFact, takeTurns } from './bookkeeping.js';
import { isUserObject } from './definitions/definition.js';
import { longSession } from './long-session.js';
import { ddlGuard } from './names.js';
import { databaseFact, rolesFact } from './roles.js';
import type { Located } from './stream/located.js';
import { isUserSchema } from './user-objects.js';

/** Made by the schema steps; without either of them nothing was made on B but our bookkeeping. */
const madeFacts = [rolesFact, databaseFact, 'pre-data', 'post-data'];

/**
 * Take away from B what the migration has made there, rows among it: B was empty before, so everything of the
 * user's is of ours. Then the database is set as it was, and the roles that we have made go. One transaction.
 */
export async function emptyDestination(
  sessions: Sessions,
  { cluster, node }: Located,
  ctx: EffectContext,
): Promise<void> {
  const session = { name: 'discard', settings: { event_triggers: 'off', lock_timeout: '30s' } };
  await longSession(sessions, cluster, node, ctx, session, async (client) => {
    await client.query('BEGIN');
    await takeTurns(client);
    const roles = await readFact<readonly string[]>(client, rolesFact);
    const made = roles !== undefined || (await readFact(client, 'pre-data')) !== undefined;
    if (made) {
      await dropObjects(client);
      for (const statement of (await readFact<readonly string[]>(client, databaseFact)) ?? []) {
        await client.query(statement);
      }
      await dropRoles(client, roles ?? []);
      await dropFacts(client, madeFacts);
    }
    await client.query('COMMIT');
  });
}

/**
 * Extensions first, whose objects cannot be dropped by themselves; schemas take with them what is in them and what
 * depends on that. The rest is in no schema.
 */
async function dropObjects(client: ClientBase): Promise<void> {
  await dropEach(
    client,
    'EVENT TRIGGER',
    `SELECT evtname FROM pg_event_trigger WHERE NOT starts_with(evtname, '${ddlGuard}')`,
  );
  await dropEach(
    client,
    'PUBLICATION',
    "SELECT pubname FROM pg_publication WHERE NOT starts_with(pubname, 'rollgate_')",
  );
  await dropEach(client, 'EXTENSION', "SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'");
  await dropEach(
    client,
    'FOREIGN DATA WRAPPER',
    `SELECT fdwname FROM pg_foreign_data_wrapper o WHERE ${isUserObject('pg_foreign_data_wrapper', 'o.oid')}`,
  );
  await dropEach(client, 'SCHEMA', `SELECT nspname FROM pg_namespace n WHERE ${isUserSchema('n.nspname')}`);
  await dropEach(
    client,
    'LANGUAGE',
    `SELECT lanname FROM pg_language o WHERE ${isUserObject('pg_language', 'o.oid')}`,
  );
  await dropEach(
    client,
    'ACCESS METHOD',
    `SELECT amname FROM pg_am o WHERE ${isUserObject('pg_am', 'o.oid')}`,
  );
  // As initdb makes it: https://www.postgresql.org/docs/18/ddl-schemas.html#DDL-SCHEMAS-PUBLIC
  await client.query(`
    CREATE SCHEMA public AUTHORIZATION pg_database_owner;
    GRANT USAGE ON SCHEMA public TO PUBLIC;
    COMMENT ON SCHEMA public IS 'standard public schema'`);
}

async function dropEach(client: ClientBase, kind: string, names: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(`SELECT x.name FROM (${names}) x (name) ORDER BY 1`);
  for (const { name } of rows) await client.query(`DROP ${kind} IF EXISTS ${escapeIdentifier(name)} CASCADE`);
}

/**
 * With every right that they have been given in this database. A database that one of them owns goes back to the
 * superuser that the server was made with, to whom nobody has to be named.
 * https://www.postgresql.org/docs/18/role-removal.html
 */
async function dropRoles(client: ClientBase, roles: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    'SELECT rolname AS name FROM pg_roles WHERE rolname = ANY ($1)',
    [roles],
  );
  if (rows.length === 0) return;
  const list = rows.map(({ name }) => escapeIdentifier(name)).join(', ');
  const { rows: owned } = await client.query<{ database: string; first: string }>(
    `SELECT d.datname AS database, pg_get_userbyid(10) AS first FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba
      WHERE d.datname = current_database() AND r.rolname = ANY ($1)`,
    [roles],
  );
  for (const { database, first } of owned) {
    await client.query(`ALTER DATABASE ${escapeIdentifier(database)} OWNER TO ${escapeIdentifier(first)}`);
  }
  await client.query(`DROP OWNED BY ${list} CASCADE`);
  await client.query(`DROP ROLE ${list}`);
}
