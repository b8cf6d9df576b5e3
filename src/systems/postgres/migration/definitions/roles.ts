import { aspects, hidden, owner, privileges, yesNo, type Family } from './definition.js';

/**
 * Roles and what belongs to the database itself, which no event trigger sees. Who may log in is not compared: that is
 * what the migration opens and closes. Passwords of roles for replication are each side's own.
 * https://www.postgresql.org/docs/18/catalog-pg-authid.html
 */
export const roles: Family = () => `
  SELECT NULL AS parent, 'role ' || quote_ident(r.rolname) AS object,
         ${aspects({
           superuser: yesNo('r.rolsuper'),
           inherit: yesNo('r.rolinherit'),
           createrole: yesNo('r.rolcreaterole'),
           createdb: yesNo('r.rolcreatedb'),
           replication: yesNo('r.rolreplication'),
           bypassrls: yesNo('r.rolbypassrls'),
           'connection limit': 'r.rolconnlimit',
           'valid until': "r.rolvaliduntil AT TIME ZONE 'UTC'",
           password: `CASE WHEN NOT r.rolreplication THEN '${hidden}' || md5(r.rolpassword) END`,
           comment: "shobj_description(r.oid, 'pg_authid')",
         })} AS aspects
    FROM pg_authid r WHERE r.rolname !~ '^pg_'`;

/** https://www.postgresql.org/docs/18/catalog-pg-auth-members.html */
export const memberships: Family = () => `
  SELECT 'role ' || quote_ident(m.rolname) AS parent,
         'role ' || quote_ident(m.rolname) || ', member of ' || quote_ident(g.rolname) AS object,
         ${aspects({
           admin: yesNo('bool_or(a.admin_option)'),
           inherit: yesNo('bool_or(a.inherit_option)'),
           set: yesNo('bool_or(a.set_option)'),
         })} AS aspects
    FROM pg_auth_members a JOIN pg_authid m ON m.oid = a.member JOIN pg_authid g ON g.oid = a.roleid
   WHERE m.rolname !~ '^pg_' GROUP BY m.rolname, g.rolname`;

/** https://www.postgresql.org/docs/18/catalog-pg-db-role-setting.html */
export const settings: Family = () => `
  SELECT CASE WHEN s.setrole <> 0 THEN 'role ' || quote_ident(pg_get_userbyid(s.setrole)) END AS parent,
         concat_ws(' in ', CASE WHEN s.setrole <> 0 THEN 'role ' || quote_ident(pg_get_userbyid(s.setrole)) END,
                   CASE WHEN s.setdatabase <> 0 THEN 'the database' END) || ', settings' AS object,
         (SELECT jsonb_object_agg(split_part(c, '=', 1), substr(c, strpos(c, '=') + 1)) FROM unnest(s.setconfig) c) AS aspects
    FROM pg_db_role_setting s
   WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))`;

export const database: Family = (majors) => `
  SELECT NULL AS parent, 'the database' AS object,
         ${aspects({
           'connection limit': 'd.datconnlimit',
           comment: "shobj_description(d.oid, 'pg_database')",
         })}
         || ${privileges(majors, { acl: 'd.datacl', kind: 'd', owner: 'd.datdba' })} AS aspects
    FROM pg_database d WHERE d.datname = current_database()`;

/** Whose work a database is, is a matter of the server that made it, as long as it is a superuser. */
export const databaseOwner: Family = () => `
  SELECT NULL AS parent, 'the database, ownership' AS object,
         ${aspects({ owner: `CASE WHEN r.rolsuper THEN 'a superuser' ELSE ${owner('d.datdba')} END` })} AS aspects
    FROM pg_database d JOIN pg_authid r ON r.oid = d.datdba WHERE d.datname = current_database()`;
