import { escapeIdentifier, escapeLiteral, type ClientBase } from 'pg';

/** What of a database no dump of its schema carries. */
export interface DatabaseProperties {
  readonly name: string;
  /** `null`: the superuser that the cluster was made with. */
  readonly owner: string | null;
  readonly connections: number;
  readonly comment: string | null;
  /** `null`: the rights that a new database has. */
  readonly grants:
    | readonly {
        /** `null`: everybody. */
        readonly to: string | null;
        readonly privilege: string;
        readonly grantable: boolean;
      }[]
    | null;
}

/** https://www.postgresql.org/docs/17/catalog-pg-database.html */
export async function readDatabase(client: ClientBase): Promise<DatabaseProperties> {
  const { rows } = await client.query<DatabaseProperties>(
    `SELECT d.datname AS name, CASE WHEN d.datdba <> 10 THEN o.rolname END AS owner,
            d.datconnlimit AS connections, shobj_description(d.oid, 'pg_database') AS comment,
            CASE WHEN d.datacl IS NOT NULL THEN
              (SELECT coalesce(json_agg(json_build_object(
                        'to', g.rolname, 'privilege', a.privilege_type, 'grantable', a.is_grantable)), '[]')
                 FROM aclexplode(d.datacl) a LEFT JOIN pg_roles g ON g.oid = a.grantee
                WHERE a.grantee = 0 OR (g.rolname IS NOT NULL AND g.oid <> d.datdba))
            END AS grants
       FROM pg_database d LEFT JOIN pg_roles o ON o.oid = d.datdba WHERE d.datname = current_database()`,
  );
  const [row] = rows;
  if (!row) throw new Error('a session is in a database that the catalog does not have');
  return row;
}

/** Statements that give the database `name` these properties; what names a role that is not `known` is left out. */
export function databaseStatements(
  { owner, connections, comment, grants }: DatabaseProperties,
  name: string,
  known: ReadonlySet<string>,
): string[] {
  const database = escapeIdentifier(name);
  return [
    ...(owner !== null && known.has(owner)
      ? [`ALTER DATABASE ${database} OWNER TO ${escapeIdentifier(owner)}`]
      : []),
    `ALTER DATABASE ${database} CONNECTION LIMIT ${connections}`,
    `COMMENT ON DATABASE ${database} IS ${comment === null ? 'NULL' : escapeLiteral(comment)}`,
    `REVOKE ALL ON DATABASE ${database} FROM PUBLIC`,
    ...(
      grants ?? [
        { to: null, privilege: 'CONNECT', grantable: false },
        { to: null, privilege: 'TEMPORARY', grantable: false },
      ]
    )
      .filter(({ to }) => to === null || known.has(to) || to.startsWith('pg_'))
      .map(
        ({ to, privilege, grantable }) =>
          `GRANT ${privilege} ON DATABASE ${database} TO ${to === null ? 'PUBLIC' : escapeIdentifier(to)}${grantable ? ' WITH GRANT OPTION' : ''}`,
      ),
  ];
}
