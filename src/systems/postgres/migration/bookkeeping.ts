import type { ClientBase } from 'pg';
import { RollgateError, type ClusterSpec } from '../../../contracts/index.js';
import type { Sessions } from '../connection.js';
import { onlyPrimary } from '../primary.js';
import { bookkeeping, factTable, markerTable } from './names.js';

/** Ranges that have been copied: on the side that receives the copy. */
export const copiedTable = `${bookkeeping}.copied`;

/** By this comment on a schema or a publication we know that it is ours to use and to drop. */
export const mark = 'rollgate migration';

/** Make our schema and its tables on one side; idempotent. @throws SYSTEM_REFUSED when a schema of that name is not ours */
export async function makeBookkeeping(sessions: Sessions, cluster: ClusterSpec): Promise<void> {
  await sessions.on(cluster, await onlyPrimary(sessions, cluster), async (client) => {
    await client.query('BEGIN');
    await takeTurns(client);
    if (!(await hasBookkeeping(client))) {
      // What the owner's default privileges would give away is taken back.
      await client.query(`
        CREATE SCHEMA ${bookkeeping};
        COMMENT ON SCHEMA ${bookkeeping} IS '${mark}';
        CREATE TABLE ${markerTable} (name text PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp());
        CREATE TABLE ${factTable} (name text PRIMARY KEY, value jsonb NOT NULL);
        CREATE TABLE ${copiedTable} (
          "table" text, from_page bigint, below_page bigint, rows bigint NOT NULL, bytes bigint NOT NULL,
          PRIMARY KEY ("table", from_page)
        );
        REVOKE ALL ON SCHEMA ${bookkeeping} FROM PUBLIC;
        REVOKE ALL ON ALL TABLES IN SCHEMA ${bookkeeping} FROM PUBLIC`);
    }
    await client.query('COMMIT');
  });
}

/** Remove all of it from one side; idempotent. @throws SYSTEM_REFUSED when a schema of that name is not ours */
export async function dropBookkeeping(sessions: Sessions, cluster: ClusterSpec): Promise<void> {
  await sessions.on(cluster, await onlyPrimary(sessions, cluster), async (client) => {
    await client.query('BEGIN');
    await takeTurns(client);
    if (await hasBookkeeping(client)) await client.query(`DROP SCHEMA ${bookkeeping} CASCADE`);
    await client.query('COMMIT');
  });
}

/** Whether our schema is there. @throws SYSTEM_REFUSED when a schema of that name is not ours */
export async function hasBookkeeping(client: ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ comment: string | null }>(
    "SELECT obj_description(oid, 'pg_namespace') AS comment FROM pg_namespace WHERE nspname = $1",
    [bookkeeping],
  );
  const [row] = rows;
  if (!row) return false;
  if (row.comment === mark) return true;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `there is a schema ${bookkeeping} that rollgate has not made`,
    `Rename that schema: rollgate keeps its own tables under this name while it migrates.`,
  );
}

/** Until the end of the transaction no other attempt of ours is where this one is. */
export async function takeTurns(client: ClientBase): Promise<void> {
  await client.query('SELECT pg_advisory_xact_lock(hashtext($1), 0)', [bookkeeping]);
}

/** `undefined`: not recorded, or there is no bookkeeping yet. In the transaction of the caller. */
export async function readFact<T>(client: ClientBase, name: string): Promise<T | undefined> {
  if (!(await hasBookkeeping(client))) return undefined;
  const { rows } = await client.query<{ value: T }>(`SELECT value FROM ${factTable} WHERE name = $1`, [name]);
  return rows[0]?.value;
}

/** In the transaction of the caller, together with the effect that it tells of. */
export async function writeFact(client: ClientBase, name: string, value: unknown): Promise<void> {
  await client.query(
    `INSERT INTO ${factTable} (name, value) VALUES ($1, $2)
       ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    [name, JSON.stringify(value)],
  );
}

/** Forget facts by their names; in the transaction of the caller. */
export async function dropFacts(client: ClientBase, names: readonly string[]): Promise<void> {
  await client.query(`DELETE FROM ${factTable} WHERE name = ANY($1)`, [names]);
}
