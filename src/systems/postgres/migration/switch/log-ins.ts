import type { ClientBase } from 'pg';
import type { FenceFact } from './side-state.js';

/**
 * Roles that physical standbys stream with now and that cannot write a table of this database: closed, a standby
 * could not come back after a restart, and commits that wait for it would hang.
 */
export async function standbyRoles(client: ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ role: string }>(
    `SELECT DISTINCT r.rolname::text AS role
       FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
      WHERE a.backend_type = 'walsender' AND a.datid IS NULL AND NOT r.rolsuper
        AND NOT EXISTS (
          SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE c.relkind IN ('r', 'p', 'v', 'f', 'S') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
             AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%'
             AND CASE c.relkind WHEN 'S' THEN has_sequence_privilege(r.oid, c.oid, 'USAGE, UPDATE')
                      ELSE has_table_privilege(r.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') END)`,
  );
  return rows.map((row) => row.role);
}

/** Every role that may log in, other than ours and those of `except`. */
export async function mayLogIn(client: ClientBase, except: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ role: string }>(
    `SELECT rolname::text AS role FROM pg_roles
      WHERE rolcanlogin AND rolname <> current_user AND rolname <> ALL ($1) ORDER BY rolname`,
    [except],
  );
  return rows.map((row) => row.role);
}

/**
 * `NOLOGIN` or `LOGIN` for every role of `roles` that is still there, and nothing else of them.
 * https://www.postgresql.org/docs/17/sql-alterrole.html
 */
export async function setLogIn(
  client: ClientBase,
  roles: readonly string[],
  option: 'LOGIN' | 'NOLOGIN',
): Promise<void> {
  const { rows } = await client.query<{ role: string }>(
    'SELECT rolname::text AS role FROM pg_roles WHERE rolname = ANY ($1) AND rolcanlogin <> $2',
    [roles, option === 'LOGIN'],
  );
  if (rows.length === 0) return;
  await client.query(
    rows.map(({ role }) => `ALTER ROLE ${client.escapeIdentifier(role)} ${option}`).join('; '),
  );
}

/** Whom a side let in when it was closed, and whom not, of its clients: a server's own roles are its own matter. */
export interface Clients {
  readonly allowed: readonly string[];
  readonly refused: readonly string[];
}

/** SQL: roles that are neither for standbys nor superusers; names that begin with pg_ come with the server. */
const ofClients = "NOT rolsuper AND NOT rolreplication AND rolname !~ '^pg_' AND rolname <> current_user";

export async function clientsOf(
  client: ClientBase,
  { logins, stay }: Pick<FenceFact, 'logins' | 'stay'>,
): Promise<Clients> {
  const { rows } = await client.query<{ role: string }>(
    `SELECT rolname::text AS role FROM pg_roles WHERE ${ofClients} AND rolname <> ALL ($1)`,
    [stay],
  );
  const roles = rows.map((row) => row.role);
  return {
    allowed: roles.filter((role) => logins.includes(role)),
    refused: roles.filter((role) => !logins.includes(role)),
  };
}

/**
 * Who may log in on the side that opens: whom it knew as such, but of the clients as it was on the side that was
 * closed. Whose right was given or taken there since has or has not it here.
 */
export async function letIn(
  client: ClientBase,
  known: readonly string[],
  { allowed, refused }: Clients,
): Promise<string[]> {
  const { rows } = await client.query<{ role: string }>(
    `SELECT rolname::text AS role FROM pg_roles WHERE ${ofClients} AND rolname = ANY ($1)`,
    [allowed],
  );
  return [...new Set([...known, ...rows.map((row) => row.role)])].filter((role) => !refused.includes(role));
}
