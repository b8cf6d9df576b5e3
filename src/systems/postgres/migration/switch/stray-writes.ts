import type { ClientBase } from 'pg';
import type { Direction, Position } from '../../../../contracts/index.js';
import { markerTable, streamName } from '../names.js';

/**
 * Changes of published tables that were committed on the sender behind a position, whoever made them. The stream's
 * own slot is copied for a look, because it is being read; that is dropped with its session.
 * https://www.postgresql.org/docs/17/functions-admin.html#FUNCTIONS-REPLICATION and, for the letters of the messages,
 * https://www.postgresql.org/docs/17/protocol-logicalrep-message-formats.html
 */
export async function strayWrites(
  client: ClientBase,
  direction: Direction,
  position: Position,
): Promise<number> {
  const name = streamName(direction);
  const look = `rollgate_look_${direction}`;
  await client.query("SELECT pg_copy_logical_replication_slot($1, $2, true, 'pgoutput')", [name, look]);
  try {
    const { rows } = await client.query<{ count: number }>(
      `SELECT count(*)::int AS count
         FROM pg_logical_slot_peek_binary_changes($1, NULL, NULL,
                'proto_version', '1', 'publication_names', $2, 'origin', 'none') AS change
        WHERE change.lsn > $3::pg_lsn
          AND (chr(get_byte(change.data, 0)) = 'T'
               OR (chr(get_byte(change.data, 0)) IN ('I', 'U', 'D')
                   AND ('x' || encode(substr(change.data, 2, 4), 'hex'))::bit(32)::int <> $4::regclass::oid::int))`,
      [look, name, position.text, markerTable],
    );
    return rows[0]?.count ?? 0;
  } finally {
    await client.query('SELECT pg_drop_replication_slot($1)', [look]);
  }
}
