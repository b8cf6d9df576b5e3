import type { Obstacle } from '../../../../contracts/index.js';
import { notEmpty } from './emptiness.js';
import { extensions } from './extensions.js';
import { listed, namesOf, placeOf, rowsOf, type Look, type Question } from './look.js';
import { roles } from './roles.js';

/** Whether the destination can take what the source has, and has nothing of its own. */
export function destinationQuestions(source: Look, destination: Look): Question[] {
  return [
    { what: 'whether it is empty', ask: () => notEmpty(destination) },
    { what: 'which roles it has', ask: () => roles(source, destination) },
    { what: 'which extensions it has', ask: () => extensions(source, destination) },
    { what: 'which tablespaces it has', ask: () => tablespaces(source, destination) },
    { what: 'which settings it knows', ask: () => settings(source, destination) },
  ];
}

/** https://www.postgresql.org/docs/18/manage-ag-tablespaces.html */
async function tablespaces(source: Look, destination: Look): Promise<Obstacle[]> {
  const used = await namesOf(
    source,
    `SELECT spcname AS name FROM pg_tablespace
      WHERE oid IN (SELECT reltablespace FROM pg_class) AND spcname !~ '^pg_' ORDER BY 1`,
  );
  const there = new Set(await namesOf(destination, 'SELECT spcname AS name FROM pg_tablespace'));
  const missing = used.filter((name) => !there.has(name));
  const [first] = missing;
  if (first === undefined) return [];
  return [
    {
      code: 'PG_TABLESPACES',
      node: destination.node,
      message: `tablespaces that the source uses are not on ${placeOf(destination)}: ${listed(missing)}`,
      remedy: `CREATE TABLESPACE "${first.replaceAll('"', '""')}" LOCATION '…'; on the destination, with that directory on every node of it.`,
    },
  ];
}

/** Settings of roles and of the database are carried over; one that the new version has dropped cannot be. */
async function settings(source: Look, destination: Look): Promise<Obstacle[]> {
  const set = await rowsOf<{ name: string; owner: string }>(
    source,
    `SELECT split_part(c, '=', 1) AS name,
            concat_ws(' in ', CASE WHEN s.setrole <> 0 THEN 'role ' || pg_get_userbyid(s.setrole) END,
                              CASE WHEN s.setdatabase <> 0 THEN 'database ' || d.datname END) AS owner
       FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) c
      WHERE s.setdatabase = 0 OR d.datname = current_database() ORDER BY 2, 1`,
  );
  const unknown = new Set(
    await namesOf(
      destination,
      `SELECT name FROM unnest($1::text[]) name WHERE name NOT LIKE '%.%' AND current_setting(name, true) IS NULL`,
      [set.map((s) => s.name)],
    ),
  );
  const found = set.filter((s) => unknown.has(s.name));
  const [first] = found;
  if (!first) return [];
  return [
    {
      code: 'PG_SETTINGS_UNKNOWN',
      node: destination.node,
      message: `${placeOf(destination)} does not know settings of the source: ${listed(found.map((s) => `${s.name} of ${s.owner}`))}`,
      remedy: `On the source: ALTER ${first.owner.startsWith('role') ? 'ROLE' : 'DATABASE'} … RESET ${first.name};`,
    },
  ];
}
