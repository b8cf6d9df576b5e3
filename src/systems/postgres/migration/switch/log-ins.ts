import type { ClientBase } from 'pg';

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
