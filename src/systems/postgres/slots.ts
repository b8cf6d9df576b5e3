import type { ClientBase } from 'pg';
import { RollgateError, type ClusterSpec } from '../../contracts/index.js';
import type { Sessions } from './connection.js';

/**
 * Physical replication slots are named after the node that uses them, in the characters that a slot may have:
 * https://www.postgresql.org/docs/17/warm-standby.html#STREAMING-REPLICATION-SLOTS-MANIPULATION
 */
export const slotOf = (node: string): string => node.toLowerCase().replaceAll(/[^a-z0-9_]/g, '_');

/** Make a slot that keeps WAL from now on; idempotent. Works on a standby too. */
export async function ensureSlot(client: ClientBase, name: string): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_replication_slots WHERE slot_name = $1', [name]);
  if (rowCount === 0) await client.query('SELECT pg_create_physical_replication_slot($1, true)', [name]);
}

/**
 * Drop the slots of `names` that nobody uses. On a replica they are left over from when it was the primary, or from
 * a handover that chose another node, and would keep WAL for ever. On a primary nothing is dropped.
 */
export async function dropIdleSlots(client: ClientBase, names: readonly string[]): Promise<void> {
  await client.query(
    `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
      WHERE slot_type = 'physical' AND NOT active AND slot_name = ANY($1) AND pg_is_in_recovery()`,
    [names],
  );
}

/** The slots of a cluster's own replication: what each node is set to stream through, and what rollgate would name it. */
export async function slotNames(sessions: Sessions, cluster: ClusterSpec): Promise<string[]> {
  const names = await Promise.all(
    cluster.nodes.map(async ({ id }) => {
      try {
        return [slotOf(id), await sessions.on(cluster, id, primarySlotName)];
      } catch (error) {
        // Its slot stays where it is: what cannot be learned is not dropped.
        if (error instanceof RollgateError && error.code === 'SYSTEM_UNREACHABLE') return [slotOf(id)];
        throw error;
      }
    }),
  );
  return [...new Set(names.flat().filter((n) => n !== undefined))];
}

/** The slot that a node streams through as a replica; `undefined` when it uses none. */
export async function primarySlotName(client: ClientBase): Promise<string | undefined> {
  const { rows } = await client.query<{ name: string }>(
    "SELECT current_setting('primary_slot_name') AS name",
  );
  return rows[0]?.name === '' ? undefined : rows[0]?.name;
}

/** The one in postgresql.auto.conf, which survives a restart of the node and can be read while it is stopped. */
export async function writtenSlotName(client: ClientBase): Promise<string | undefined> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT setting AS name FROM pg_file_settings
      WHERE name = 'primary_slot_name' AND sourcefile LIKE '%/postgresql.auto.conf'
      ORDER BY seqno DESC LIMIT 1`,
  );
  return rows[0]?.name === '' ? undefined : rows[0]?.name;
}
