import type { ClientBase } from 'pg';
import type { ClusterSpec, Side } from '../../../../contracts/index.js';
import type { Sessions } from '../../connection.js';
import { onlyPrimary } from '../../primary.js';
import type { Look } from './look.js';

/** How long a question waits for a lock of the user, e.g. for the size of a table that is being altered, ms. */
const lockTimeoutMs = 2000;

/** Look at the primary of a side, in a session of its own, so that its settings end with it. */
export async function withLook<T>(
  sessions: Sessions,
  side: Side,
  cluster: ClusterSpec,
  body: (look: Look) => Promise<T>,
): Promise<T> {
  const node = await onlyPrimary(sessions, cluster);
  return sessions.on(
    cluster,
    node,
    async (client) => {
      // Names are told with their schema, and quoted alike, whatever the server or role has set.
      await client.query(`SET search_path = pg_catalog, pg_temp; SET quote_all_identifiers = off;
        SET default_transaction_read_only = on; SET lock_timeout = ${lockTimeoutMs}`);
      return body({ side, cluster, node, client, ...(await serverOf(client)) });
    },
    { fresh: true, statementTimeoutMs: 30_000 },
  );
}

async function serverOf(client: ClientBase): Promise<Pick<Look, 'version' | 'versionNumber' | 'superuser'>> {
  const { rows } = await client.query<Pick<Look, 'version' | 'versionNumber' | 'superuser'>>(
    `SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
            current_setting('server_version_num')::int AS "versionNumber",
            (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser`,
  );
  const [row] = rows;
  if (!row) throw new Error('the node returned no version');
  return row;
}
