import type { Obstacle } from '../../../../contracts/index.js';
import { settingsOf } from '../../connection.js';
import { counted, listed, placeOf, rowsOf, type Look } from './look.js';

/**
 * A role of that name that may do other things would be taken for the source's, and of a role with another password
 * nobody could log in after the cutover. Roles for replication are each side's own, so are the superusers that
 * rollgate connects as. https://www.postgresql.org/docs/18/catalog-pg-authid.html
 */
export async function roles(source: Look, destination: Look): Promise<Obstacle[]> {
  const own = [settingsOf(source.cluster).user, settingsOf(destination.cluster).user];
  const here = new Map((await readRoles(source, own)).map((r) => [r.name, r]));
  const differing = (await readRoles(destination, own)).flatMap((role) => {
    const other = here.get(role.name);
    if (!other) return role.ofServer ? [] : [`${role.name} (not on the source)`];
    const not = Object.keys(role.attributes).filter((k) => other.attributes[k] !== role.attributes[k]);
    return not.length === 0 ? [] : [`${role.name} (${not.join(', ')})`];
  });
  if (differing.length === 0) return [];
  return [
    {
      code: 'PG_ROLES_DIFFER',
      node: destination.node,
      message: `${counted(differing.length, 'role')} on ${placeOf(destination)} that the source has not, or has with other attributes: ${listed(differing)}`,
      remedy:
        'DROP ROLE …; on the destination, and it is copied as the source has it; or make both sides alike by CREATE ROLE or ALTER ROLE.',
    },
  ];
}

interface RoleAttributes {
  /** Quoted where it must be. */
  readonly name: string;
  /** Superusers and roles for replication may be there for the server's own sake. */
  readonly ofServer: boolean;
  readonly attributes: Readonly<Record<string, string>>;
}

const readRoles = (look: Look, own: readonly string[]): Promise<RoleAttributes[]> =>
  rowsOf(
    look,
    `SELECT quote_ident(rolname) AS name, rolsuper OR rolreplication AS "ofServer", json_build_object(
              'SUPERUSER', rolsuper::text, 'INHERIT', rolinherit::text, 'CREATEROLE', rolcreaterole::text,
              'CREATEDB', rolcreatedb::text, 'LOGIN', rolcanlogin::text, 'REPLICATION', rolreplication::text,
              'BYPASSRLS', rolbypassrls::text, 'CONNECTION LIMIT', rolconnlimit::text,
              'VALID UNTIL', coalesce(extract(epoch FROM rolvaliduntil)::text, 'infinity'),
              'PASSWORD', CASE WHEN rolreplication THEN '' ELSE coalesce(rolpassword, '') END) AS attributes
       FROM pg_authid WHERE rolname !~ '^pg_' AND rolname <> ALL ($1) ORDER BY 1`,
    [own],
  );
