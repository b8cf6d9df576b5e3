import type { ClientBase } from 'pg';
import type { ClusterSpec, MigrationFacet } from '../../../contracts/index.js';
import { settingsOf, type Sessions } from '../connection.js';
import { onlyPrimary } from '../primary.js';
import { differences } from './definitions/differences.js';
import type { Definition, Family } from './definitions/definition.js';
import {
  defaultPrivileges,
  eventTriggers,
  extensions,
  foreignServers,
  others,
  publications,
} from './definitions/database-objects.js';
import { columns, relations, schemas, sequences } from './definitions/relations.js';
import { database, databaseOwner, memberships, roles, settings } from './definitions/roles.js';
import { routines, types } from './definitions/routines.js';
import { constraints, indexes, policies, rules, statistics, triggers } from './definitions/table-parts.js';

const families: readonly Family[] = [
  ...[schemas, relations, sequences, columns, constraints, indexes, triggers, rules, policies, statistics],
  ...[routines, types, others, foreignServers, eventTriggers, publications, extensions, defaultPrivileges],
  ...[roles, memberships, settings, database, databaseOwner],
];

/**
 * Compare what is defined on both sides, by their catalogs: everything that `pg_dump` and `pg_dumpall` write, but not
 * rows, values of sequences and who may log in. Not compared either: security labels, large objects, subscriptions
 * and prepared transactions, which are refused, changed privileges on PostgreSQL's own objects and on parts of
 * extensions. Texts are PostgreSQL's own (`pg_get_…def`), which 17 and 18 write alike.
 */
export function createCompareDefinitions(sessions: Sessions): MigrationFacet['compareDefinitions'] {
  return async (pair, ctx) => {
    const lower = Math.min(await majorOf(sessions, pair.source), await majorOf(sessions, pair.destination));
    const read = async (cluster: ClusterSpec): Promise<Definition[]> => {
      ctx.signal.throwIfAborted();
      const found = await definitionsOf(sessions, cluster, lower);
      ctx.heartbeat();
      return found;
    };
    const own = [settingsOf(pair.source).user, settingsOf(pair.destination).user];
    return differences(await read(pair.source), await read(pair.destination), own);
  };
}

const majorOf = async (sessions: Sessions, cluster: ClusterSpec): Promise<number> =>
  sessions.on(cluster, await onlyPrimary(sessions, cluster), readMajor);

async function readMajor(client: ClientBase): Promise<number> {
  const { rows } = await client.query<{ major: number }>(
    "SELECT current_setting('server_version_num')::int / 10000 AS major",
  );
  const [row] = rows;
  if (!row) throw new Error('the node returned no version');
  return row.major;
}

/** Of one moment, and with every setting pinned that shows in the text of a default or a view. */
async function definitionsOf(sessions: Sessions, cluster: ClusterSpec, lower: number): Promise<Definition[]> {
  return sessions.on(
    cluster,
    await onlyPrimary(sessions, cluster),
    async (client) => {
      await client.query(`
        BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
        SET LOCAL search_path = ''; SET LOCAL quote_all_identifiers = off; SET LOCAL DateStyle = ISO;
        SET LOCAL IntervalStyle = postgres; SET LOCAL TimeZone = 'UTC'; SET LOCAL extra_float_digits = 1;
        SET LOCAL bytea_output = hex; SET LOCAL standard_conforming_strings = on`);
      const own = await readMajor(client);
      const found: Definition[] = [];
      for (const family of families) {
        found.push(...(await client.query<Definition>(family({ own, lower }))).rows);
      }
      await client.query('COMMIT');
      return found;
    },
    { statementTimeoutMs: 120_000 },
  );
}
