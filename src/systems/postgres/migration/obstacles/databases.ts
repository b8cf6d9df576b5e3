import {
  messageOf,
  RollgateError,
  type ClusterSpec,
  type Obstacle,
  type Side,
} from '../../../../contracts/index.js';
import { settingsOf, type Sessions } from '../../connection.js';
import { onlyPrimary } from '../../primary.js';
import { isUserSchema } from '../user-objects.js';
import { listed, namesOf, placeOf, type Look, type Question } from './look.js';

const inDatabase = (cluster: ClusterSpec, database: string): ClusterSpec => ({
  ...cluster,
  settings: { ...cluster.settings, database },
});

/** They exist on nearly every server: https://www.postgresql.org/docs/18/manage-ag-templatedbs.html */
const maintenance = ['postgres', 'template1'];

/**
 * Why no session can be had, when the reason is that the database does not exist.
 * @throws SYSTEM_UNREACHABLE when no database of the server can be asked either
 */
export async function missingDatabase(
  sessions: Sessions,
  side: Side,
  cluster: ClusterSpec,
): Promise<Obstacle | undefined> {
  const { database } = settingsOf(cluster);
  for (const other of maintenance.filter((name) => name !== database)) {
    const asked = inDatabase(cluster, other);
    try {
      const node = await onlyPrimary(sessions, asked);
      const there = await sessions.on(asked, node, (client) =>
        namesOf({ client }, 'SELECT datname AS name FROM pg_database WHERE datname = $1', [database]),
      );
      if (there.length > 0) return undefined;
      return {
        code: 'PG_DATABASE_MISSING',
        node,
        message: `${placeOf({ side, node })} has no database ${database}, which settings.database names`,
        remedy: `CREATE DATABASE "${database.replaceAll('"', '""')}" TEMPLATE template0; with the encoding and locale of the ${side === 'source' ? 'destination' : 'source'}; or correct settings.database.`,
      };
    } catch (error) {
      if (!(error instanceof RollgateError) || error.code !== 'SYSTEM_UNREACHABLE') throw error;
    }
  }
  return undefined;
}

/** Only one database is migrated; others would stay behind on a side that nobody can write to any more. */
export function otherDatabases(sessions: Sessions, look: Look): Question {
  return {
    what: 'what is in its other databases',
    async ask() {
      const names = await namesOf(
        look,
        `SELECT datname AS name FROM pg_database
          WHERE datallowconn AND NOT datistemplate AND datname <> current_database() ORDER BY 1`,
      );
      const found: Obstacle[] = [];
      const used: string[] = [];
      for (const name of names) {
        try {
          if (await hasUserObjects(sessions, look, name)) used.push(name);
        } catch (error) {
          if (!(error instanceof RollgateError) || error.code !== 'SYSTEM_UNREACHABLE') throw error;
          found.push({
            code: 'PG_UNKNOWN',
            node: look.node,
            message: `database ${name} of ${placeOf(look)} cannot be looked into: ${messageOf(error)}`,
            remedy: `Let rollgate's role connect to it; or, when it holds nothing, DROP DATABASE "${name.replaceAll('"', '""')}";`,
          });
        }
      }
      if (used.length === 0) return found;
      const { database } = settingsOf(look.cluster);
      found.push({
        code: 'PG_OTHER_DATABASES',
        node: look.node,
        message: `other databases on ${placeOf(look)} hold tables, views or functions of the user, and only ${database} is migrated: ${listed(used)}; after the cutover nobody can log in there`,
        remedy: `Move them first (pg_dump ${used[0] ?? ''}), then DROP DATABASE; or accept other-databases when they may stay behind.`,
        acceptAs: 'other-databases',
      });
      return found;
    },
  };
}

async function hasUserObjects(sessions: Sessions, look: Look, database: string): Promise<boolean> {
  return sessions.on(
    inDatabase(look.cluster, database),
    look.node,
    async (client) => {
      const { rows } = await client.query<{ found: boolean }>(
        `SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${isUserSchema('n.nspname')})
             OR EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${isUserSchema('n.nspname')})
             OR EXISTS (SELECT FROM pg_largeobject_metadata) AS found`,
      );
      return rows[0]?.found === true;
    },
    { fresh: true },
  );
}
