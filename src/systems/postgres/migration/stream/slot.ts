import type { ClientBase } from 'pg';
import { RollgateError, type EffectContext } from '../../../../contracts/index.js';
import { waitUntil } from '../../../wait.js';

/** What the sender keeps for the receiver: https://www.postgresql.org/docs/17/view-pg-replication-slots.html */
export interface StreamSlot {
  /** A walsender reads it. */
  readonly active: boolean;
  /** The server has removed WAL that it needs (`max_slot_wal_keep_size`): it is of no more use. */
  readonly lost: boolean;
  /** Bytes of WAL that the receiver has not confirmed; `null`: it has confirmed nothing yet. */
  readonly lag: number | null;
}

export async function readSlot(client: ClientBase, name: string): Promise<StreamSlot | undefined> {
  const { rows } = await client.query<StreamSlot>(
    `SELECT active, coalesce(wal_status = 'lost', false) AS lost,
            pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::float8 AS lag
       FROM pg_replication_slots WHERE slot_name = $1`,
    [name],
  );
  return rows[0];
}

/** It waits for the transactions that write now. */
export async function createSlot(client: ClientBase, name: string): Promise<void> {
  await client.query("SELECT pg_create_logical_replication_slot($1, 'pgoutput')", [name]);
}

const objectInUse = '55006';
const undefinedObject = '42704';

/** Drop it, whoever reads it. Idempotent. @throws SYSTEM_REFUSED when its walsender does not leave */
export async function dropSlot(client: ClientBase, name: string, ctx: EffectContext): Promise<void> {
  const gone = await waitUntil(
    async () => {
      const { rows } = await client.query<{ pid: number | null }>(
        'SELECT active_pid AS pid FROM pg_replication_slots WHERE slot_name = $1',
        [name],
      );
      const [slot] = rows;
      if (!slot) return true;
      if (slot.pid !== null) {
        await client.query('SELECT pg_terminate_backend($1)', [slot.pid]);
        return false;
      }
      try {
        await client.query('SELECT pg_drop_replication_slot($1)', [name]);
        return true;
      } catch (error) {
        // Somebody took it, or dropped it, in between: the next look tells.
        if ([objectInUse, undefinedObject].includes((error as { code?: string }).code ?? '')) return false;
        throw error;
      }
    },
    { timeoutMs: 30_000, pollMs: 20 },
    ctx,
  );
  if (gone) return;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `the replication slot ${name} is read by a walsender that does not leave`,
    'End the walsender by pg_terminate_backend, then retry.',
  );
}
