import { RollgateError, type ClusterSpec, type ScratchFacet } from '../../contracts/index.js';
import type { ClientBase } from 'pg';
import { settingsOf, type Sessions } from './connection.js';
import { onlyPrimary } from './primary.js';
import { dropProbeRole } from './probe-role.js';
import { waitUntil } from '../wait.js';

/** By this comment on the schema we know that it is ours to use and to drop. */
const mark = 'rollgate scratch';
/** https://www.postgresql.org/docs/17/errcodes-appendix.html */
const queryCanceled = '57014';

export function createScratch(sessions: Sessions): ScratchFacet {
  return {
    async create(cluster, ctx) {
      const schema = settingsOf(cluster).scratchSchema;
      const primary = await onlyPrimary(sessions, cluster);
      await sessions.on(cluster, primary, async (client) => {
        if (await exists(client, schema)) return;
        await client.query(`
          BEGIN;
          CREATE SCHEMA ${schema};
          COMMENT ON SCHEMA ${schema} IS '${mark}';
          CREATE TABLE ${schema}.canary (token text PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp());
          CREATE TABLE ${schema}.ledger (run_id text, writer int, seq bigint, PRIMARY KEY (run_id, writer, seq));
          COMMIT`);
      });
      const seen = await waitUntil(
        async () => (await missing(sessions, cluster)).length === 0,
        { timeoutMs: 30_000, pollMs: 50 },
        ctx,
      );
      if (seen) return;
      throw new RollgateError(
        'CANARY_MISSING',
        `the scratch schema ${schema} has not arrived on ${(await missing(sessions, cluster)).join(', ')}`,
        'Find out why replication does not deliver, then retry.',
      );
    },

    async drop(cluster) {
      const schema = settingsOf(cluster).scratchSchema;
      const primary = await onlyPrimary(sessions, cluster);
      await sessions.on(cluster, primary, async (client) => {
        if (await exists(client, schema)) await client.query(`DROP SCHEMA ${schema} CASCADE`);
        await dropProbeRole(client);
      });
    },

    async prove(cluster, { token, from, on, timeoutMs, pollMs }, ctx) {
      const schema = settingsOf(cluster).scratchSchema;
      const began = Date.now();
      const written = await sessions.on(cluster, from, (client) => write(client, schema, token), {
        statementTimeoutMs: timeoutMs,
      });
      const seenOn = new Set<string>();
      if (!written) return { seenOn: [], ms: Date.now() - began };
      await waitUntil(
        async () => {
          for (const node of on) {
            if (seenOn.has(node)) continue;
            const found = await sessions.on(cluster, node, async (client) => {
              const { rowCount } = await client.query(`SELECT FROM ${schema}.canary WHERE token = $1`, [
                token,
              ]);
              return rowCount === 1;
            });
            if (found) seenOn.add(node);
          }
          return seenOn.size === on.length;
        },
        { timeoutMs: Math.max(0, began + timeoutMs - Date.now()), pollMs },
        ctx,
      );
      return { seenOn: [...seenOn], ms: Date.now() - began };
    },
  };
}

/** Whether our schema is there. @throws SYSTEM_REFUSED when a schema of that name is not ours */
async function exists(client: ClientBase, schema: string): Promise<boolean> {
  const { rows } = await client.query<{ comment: string | null }>(
    "SELECT obj_description(oid, 'pg_namespace') AS comment FROM pg_namespace WHERE nspname = $1",
    [schema],
  );
  const [row] = rows;
  if (!row) return false;
  if (row.comment === mark) return true;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `there is a schema ${schema} that rollgate has not made`,
    'Set settings.scratchSchema of the cluster to a name that is free.',
  );
}

/** Nodes that answer and do not have our schema yet. */
async function missing(sessions: Sessions, cluster: ClusterSpec): Promise<string[]> {
  const schema = settingsOf(cluster).scratchSchema;
  const found = await Promise.all(
    cluster.nodes.map(({ id }) =>
      sessions.on(cluster, id, async (client) => {
        const { rows } = await client.query<{ there: boolean }>(
          'SELECT to_regclass($1) IS NOT NULL AS there',
          [`${schema}.ledger`],
        );
        return rows[0]?.there === true ? [] : [id];
      }),
    ),
  );
  return found.flat();
}

/** False when the write was not acknowledged in time: no quorum, most likely. */
async function write(client: ClientBase, schema: string, token: string): Promise<boolean> {
  let cancelled = false;
  const cancel = (): void => {
    cancelled = true;
  };
  client.on('notice', cancel);
  try {
    await client.query(`INSERT INTO ${schema}.canary (token) VALUES ($1) ON CONFLICT DO NOTHING`, [token]);
    return !cancelled;
  } catch (error) {
    if ((error as { code?: string }).code === queryCanceled) return false;
    throw error;
  } finally {
    client.off('notice', cancel);
  }
}
