import { escapeIdentifier, escapeLiteral, type ClientBase } from 'pg';

/** `ALTER ROLE … SET` or `ALTER DATABASE … SET`. */
export interface SettingsOf {
  /** `null`: of every role. */
  readonly role: string | null;
  /** In the migrated database only; otherwise in every one. */
  readonly inDatabase: boolean;
  /** `name=value` each. */
  readonly settings: readonly string[];
}

/** https://www.postgresql.org/docs/17/catalog-pg-db-role-setting.html */
export async function readSettings(client: ClientBase): Promise<SettingsOf[]> {
  const { rows } = await client.query<SettingsOf>(
    `SELECT r.rolname AS role, s.setdatabase <> 0 AS "inDatabase", s.setconfig AS settings
       FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole
      WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
        AND (s.setrole = 0 OR r.rolname IS NOT NULL)
      ORDER BY r.rolname COLLATE "C" NULLS FIRST, s.setdatabase`,
  );
  return rows;
}

/**
 * Statements that make the settings of `roles`, and those for every role, the given ones.
 * @param reset also take away what is set and not among the given ones
 */
export function settingStatements(
  settings: readonly SettingsOf[],
  database: string,
  { roles, reset }: { roles: ReadonlySet<string>; reset: boolean },
): string[] {
  const targets = [null, ...roles].flatMap((role) =>
    [false, true].map((inDatabase) => ({ role, inDatabase })),
  );
  return targets.flatMap(({ role, inDatabase }) => {
    const target = targetOf(role, inDatabase, database);
    const wanted = settings.filter((s) => s.role === role && s.inDatabase === inDatabase);
    return [
      ...(reset ? [`${target} RESET ALL`] : []),
      ...wanted.flatMap((s) => s.settings).map((setting) => `${target} SET ${assignment(setting)}`),
    ];
  });
}

function targetOf(role: string | null, inDatabase: boolean, database: string): string {
  if (role === null && inDatabase) return `ALTER DATABASE ${escapeIdentifier(database)}`;
  const name = role === null ? 'ALL' : escapeIdentifier(role);
  return `ALTER ROLE ${name}${inDatabase ? ` IN DATABASE ${escapeIdentifier(database)}` : ''}`;
}

/**
 * Settings that are lists of names are stored as they are read, each name quoted where it must be; as one literal such
 * a list would be one name. These are all of them, an extension cannot have one.
 */
const lists = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
]);

function assignment(setting: string): string {
  const at = setting.indexOf('=');
  const [name, value] = [setting.slice(0, at), setting.slice(at + 1)];
  const values = lists.has(name.toLowerCase()) ? namesOf(value) : [value];
  return `${escapeIdentifier(name)} TO ${values.length === 0 ? "''" : values.map(escapeLiteral).join(', ')}`;
}

/** `a, "b c"` → a and b c. */
function namesOf(list: string): string[] {
  const names: string[] = [];
  const name = /\s*(?:"((?:[^"]|"")*)"|([^\s",]+))\s*(,|$)/y;
  while (list.slice(name.lastIndex).trim() !== '') {
    const match = name.exec(list);
    if (!match) throw new SyntaxError(`not a list of names: ${list}`);
    names.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
  }
  return names;
}
