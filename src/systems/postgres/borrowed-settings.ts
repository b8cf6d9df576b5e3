import { RollgateError, type SettingsFacet } from '../../contracts/index.js';
import type { Sessions } from './connection.js';
import { waitUntil } from '../wait.js';

/** The only settings that rollgate ever changes for a while. */
const borrowable: readonly string[] = ['synchronous_standby_names'];

/**
 * Through ALTER SYSTEM and a reload: https://www.postgresql.org/docs/17/sql-altersystem.html. "Set" means set in
 * postgresql.auto.conf, so that giving back can tell a former value from none.
 */
export function createSettings(sessions: Sessions): SettingsFacet {
  return {
    read: (cluster, node, setting) =>
      sessions.on(cluster, node, async (client) => {
        requireBorrowable(setting);
        const { rows } = await client.query<{ value: string }>(
          `SELECT setting AS value FROM pg_file_settings
            WHERE name = $1 AND sourcefile LIKE '%postgresql.auto.conf' ORDER BY seqno DESC LIMIT 1`,
          [setting],
        );
        return rows[0]?.value;
      }),

    write: (cluster, node, setting, value, ctx) =>
      sessions.on(cluster, node, async (client) => {
        requireBorrowable(setting);
        const now = await client.query<{ loaded: string }>('SELECT pg_conf_load_time()::text AS loaded');
        const loaded = now.rows[0]?.loaded;
        await client.query(
          value === undefined
            ? `ALTER SYSTEM RESET ${setting}`
            : `ALTER SYSTEM SET ${setting} = ${client.escapeLiteral(value)}`,
        );
        await client.query('SELECT pg_reload_conf()');
        const effective = await waitUntil(
          async () => {
            const { rows } = await client.query<{ loaded: string; value: string }>(
              'SELECT pg_conf_load_time()::text AS loaded, current_setting($1) AS value',
              [setting],
            );
            return rows[0]?.loaded !== loaded && (value === undefined || rows[0]?.value === value);
          },
          { timeoutMs: 10_000, pollMs: 20 },
          ctx,
        );
        if (effective) return;
        throw new RollgateError(
          'SYSTEM_REFUSED',
          `${setting} of ${node} did not become ${value === undefined ? 'unset' : `"${value}"`}`,
          'Look whether a command line option or an include file overrides it.',
        );
      }),
  };
}

function requireBorrowable(setting: string): void {
  if (borrowable.includes(setting)) return;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `rollgate does not change ${setting}`,
    `It changes only ${borrowable.join(', ')}.`,
  );
}
