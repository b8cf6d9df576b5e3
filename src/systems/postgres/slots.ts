import type { Client } from 'pg';
import type { ClusterSpec } from '../../contracts/index.js';

/**
 * Physical replication slots are named after the node that uses them, in the characters that a slot may have:
 * https://www.postgresql.org/docs/17/warm-standby.html#STREAMING-REPLICATION-SLOTS-MANIPULATION
 */
export const slotOf = (node: string): string => node.toLowerCase().replaceAll(/[^a-z0-9_]/g, '_');

/** Make a slot that keeps WAL from now on; idempotent. Works on a standby too. */
export async function ensureSlot(client: Client, name: string): Promise<void> {
  const { rowCount } = await client.query('SELECT FROM pg_replication_slots WHERE slot_name = $1', [name]);
  if (rowCount === 0) await client.query('SELECT pg_create_physical_replication_slot($1, true)', [name]);
}

/**
 * Drop the slots of this cluster's nodes that nobody uses. On a replica they are left over from when it was the
 * primary, or from a handover that chose another node, and would keep WAL for ever. On a primary nothing is dropped.
 */
export async function dropIdleSlots(client: Client, cluster: ClusterSpec): Promise<void> {
  const names = cluster.nodes.map((n) => slotOf(n.id));
  await client.query(
    `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
      WHERE slot_type = 'physical' AND NOT active AND slot_name = ANY($1) AND pg_is_in_recovery()`,
    [names],
  );
}

/** The slot that a replica streams through; `undefined` when it uses none. */
export async function slotInUse(client: Client): Promise<string | undefined> {
  const { rows } = await client.query<{ name: string }>(
    "SELECT current_setting('primary_slot_name') AS name",
  );
  return rows[0]?.name === '' ? undefined : rows[0]?.name;
}
