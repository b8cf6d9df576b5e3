import type { Client, ClientBase } from 'pg';
import { RollgateError, type EffectContext } from '../../../../contracts/index.js';
import { waitUntil } from '../../../wait.js';
import type { Sessions } from '../../connection.js';
import { timeouts } from '../long-session.js';
import { holdPrefix } from '../names.js';
import type { Located } from '../stream/located.js';
import { openSession } from './session.js';

/** A session that is ready to hold a snapshot, see held-snapshot.ts; opened beforehand, so that it costs a moment. */
export interface Holder {
  /** Take the snapshot of now and have the server hold it. @returns its id */
  take(): Promise<string>;
  /** Seen by another session of that server within the time: it holds, and goes on when we are gone. */
  confirm(client: ClientBase, timeoutMs: number, ctx: EffectContext): Promise<boolean>;
  /** Let go of the session, and of what it holds when it has not been taken for good. */
  end(): Promise<void>;
}

/** Seconds, as in held-snapshot.ts. */
const withoutEnd = 1_000_000_000;

export async function openHolder(
  sessions: Sessions,
  at: Located,
  name: string,
  statementTimeoutMs: number,
): Promise<Holder> {
  const own = `${holdPrefix}${name}`;
  const { client, end } = await openSession(sessions, at, { name: own, statementTimeoutMs });
  await client.query(`SELECT set_config(name, '0', false) FROM pg_settings WHERE name = ANY ($1)`, [
    [...timeouts, 'client_connection_check_interval'],
  ]);
  await client.query('SET track_activities = on');
  let held: string | undefined;
  return {
    async take() {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const { rows } = await client.query<{ id: string }>('SELECT pg_export_snapshot() AS id');
      const id = rows[0]?.id ?? '';
      await client.query(`SET application_name = ${client.escapeLiteral(`${own} ${id}`)}`);
      client.query(`SELECT pg_sleep(${withoutEnd})`, () => undefined);
      unref(client);
      held = `${own} ${id}`;
      return id;
    },
    confirm(observer, timeoutMs, ctx) {
      const sleeps = async (): Promise<boolean> => {
        const { rowCount } = await observer.query(
          `SELECT FROM pg_stat_activity WHERE application_name = $1 AND wait_event = 'PgSleep' AND backend_xmin IS NOT NULL`,
          [held],
        );
        return rowCount === 1;
      };
      // On a busy server it may take a moment until it does what it was told.
      return waitUntil(sleeps, { timeoutMs, pollMs: 1 }, ctx);
    },
    // Who holds is ended by name.
    end: () => (held === undefined ? end() : Promise.resolve()),
  };
}

/** It must not keep our process from ending; pg's types do not have it. */
const unref = (client: Client): void => {
  (client as Client & { unref(): void }).unref();
};

/** @throws CUT_LOST */
export function requireHeld(held: boolean, node: string): void {
  if (held) return;
  throw new RollgateError(
    'CUT_LOST',
    `the session that was to hold the snapshot of the fence on ${node} is not there`,
    `Look into the log of ${node} for why it ended, then retry.`,
  );
}
