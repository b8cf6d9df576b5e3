import { Client } from 'pg';
import { nodeSpec, RollgateError, type ClusterSpec, type EffectContext } from '../../../contracts/index.js';
import { waitUntil } from '../../wait.js';
import type { Sessions } from '../connection.js';
import { endSession } from '../silence.js';
import { holdPrefix } from './names.js';

export interface HoldOptions {
  /** An exported snapshot to hold on to; absent: the moment of the call. */
  readonly import?: string;
}

/**
 * No timeout of the server may end a session that sleeps in a transaction, and it must not notice that its client is
 * gone. Not every version has each of them.
 * https://www.postgresql.org/docs/17/runtime-config-client.html#RUNTIME-CONFIG-CLIENT-STATEMENT
 */
const unbounded = [
  'statement_timeout',
  'transaction_timeout',
  'idle_in_transaction_session_timeout',
  'idle_session_timeout',
  'client_connection_check_interval',
];

/** Seconds; more than any migration takes, less than what the server's clock arithmetic can bear. */
const withoutEnd = 1_000_000_000;

/** How long a server may take until its session holds, ms. */
const answerMs = 15_000;

/** What `SET TRANSACTION SNAPSHOT` answers when the snapshot or the transaction that exported it is gone. */
const goneCodes = ['22023', '42704', '55000'];

/**
 * Have the server itself hold a snapshot under a name: a session of ours keeps a transaction open and sleeps in it,
 * so that the snapshot outlives every process of ours. Others read it by `SET TRANSACTION SNAPSHOT` while it is held.
 * Called again it returns the one that is held already, whatever was to be imported.
 * https://www.postgresql.org/docs/17/functions-admin.html#FUNCTIONS-SNAPSHOT-SYNCHRONIZATION
 *
 * @param name a plain word of at most 28 characters
 * @returns the id of the exported snapshot
 * @throws CUT_LOST when the snapshot to import is held no more; SYSTEM_UNREACHABLE
 */
export async function holdSnapshot(
  sessions: Sessions,
  cluster: ClusterSpec,
  node: string,
  name: string,
  ctx: EffectContext,
  options: HoldOptions = {},
): Promise<string> {
  let id: string | undefined;
  let asleep = false;
  // It counts once it is seen to sleep: until then it would end with the process that made it.
  await waitUntil(
    async () => {
      id = await findHeld(sessions, cluster, node, name);
      if (id === undefined && !asleep) asleep = await startHolding(sessions, cluster, node, name, options);
      return id !== undefined;
    },
    { timeoutMs: 10_000, pollMs: 5 },
    ctx,
  );
  if (id !== undefined) return id;
  throw new RollgateError(
    'CUT_LOST',
    `the session that was to hold the snapshot ${name} on ${node} is not there`,
    `Look into the log of ${node} for why its session ended, then retry.`,
  );
}

/** The id of the snapshot that is held under a name; `undefined`: none is. @throws SYSTEM_UNREACHABLE */
export async function findHeld(
  sessions: Sessions,
  cluster: ClusterSpec,
  node: string,
  name: string,
): Promise<string | undefined> {
  const prefix = `${applicationNameOf(name)} `;
  return sessions.on(cluster, node, async (client) => {
    const { rows } = await client.query<{ id: string }>(
      `SELECT substr(application_name, length($1) + 1) AS id FROM pg_stat_activity
        WHERE datname = current_database() AND starts_with(application_name, $1)
          AND state = 'active' AND wait_event = 'PgSleep' AND backend_xmin IS NOT NULL`,
      [prefix],
    );
    return rows[0]?.id;
  });
}

/**
 * End the session that holds a snapshot, also one that is only about to. Idempotent, verified.
 * @throws SYSTEM_REFUSED when it does not end; SYSTEM_UNREACHABLE
 */
export async function releaseHeld(
  sessions: Sessions,
  cluster: ClusterSpec,
  node: string,
  name: string,
): Promise<void> {
  const own = applicationNameOf(name);
  const left = await sessions.on(
    cluster,
    node,
    async (client) => {
      const holding = `FROM pg_stat_activity WHERE datname = current_database()
        AND (application_name = $1 OR starts_with(application_name, $1 || ' '))`;
      await client.query(`SELECT pg_terminate_backend(pid, 10000) ${holding}`, [own]);
      const { rows } = await client.query<{ pid: number }>(`SELECT pid ${holding}`, [own]);
      return rows.map((r) => r.pid);
    },
    { statementTimeoutMs: 60_000 },
  );
  if (left.length === 0) return;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `the session that holds the snapshot ${name} on ${node} did not end (pid ${left.join(', ')})`,
    `End it by pg_terminate_backend on ${node}, then retry.`,
  );
}

/** The name is cut off at 63 bytes by the server, with a snapshot's id of up to 20 characters at its end. */
function applicationNameOf(name: string): string {
  if (/^[\w.-]{1,28}$/.test(name)) return `${holdPrefix}${name}`;
  throw new RollgateError(
    'INTERNAL',
    `a snapshot cannot be held under the name ${JSON.stringify(name)}`,
    'Choose a word of at most 28 letters, digits, dots, dashes and underscores.',
  );
}

/** pg's own pool uses it; its types do not have it. */
type Holder = Client & { unref(): void };

/** @returns true when the session has been sent to sleep; false when another one is already at it */
async function startHolding(
  sessions: Sessions,
  cluster: ClusterSpec,
  node: string,
  name: string,
  options: HoldOptions,
): Promise<boolean> {
  const own = applicationNameOf(name);
  const client = new Client(await sessions.config(cluster, nodeSpec(cluster, node), own)) as Holder;
  // The session ends by its release or with its server; who needs it finds that out by looking for it.
  client.on('error', () => undefined);
  let asleep = false;
  // A server that falls silent must not be waited for; the statement in progress fails by it.
  const silent = setTimeout(() => client.connection.stream.destroy(), answerMs);
  try {
    await connect(client, node);
    await client.query(
      `SELECT set_config(name, '0', false) FROM pg_settings WHERE name = ANY('{${unbounded.join(',')}}')`,
    );
    await client.query('SET track_activities = on');
    // Held as long as the session: of two attempts at the same time one holds and the other one finds it.
    const { rows: locked } = await client.query<{ alone: boolean }>(
      'SELECT pg_try_advisory_lock(hashtext($1), hashtext($2)) AS alone',
      [holdPrefix, name],
    );
    if (locked[0]?.alone !== true) return false;
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    if (options.import !== undefined) await importSnapshot(client, node, options.import);
    const { rows } = await client.query<{ id: string }>('SELECT pg_export_snapshot() AS id');
    await client.query(`SET application_name = ${client.escapeLiteral(`${own} ${rows[0]?.id ?? ''}`)}`);
    client.query(`SELECT pg_sleep(${withoutEnd})`, () => undefined);
    // It must not keep our process from ending; the server sleeps on without us.
    client.unref();
    asleep = true;
    return true;
  } finally {
    clearTimeout(silent);
    if (!asleep) await endSession(client);
  }
}

async function connect(client: Client, node: string): Promise<void> {
  try {
    await client.connect();
  } catch (error) {
    throw new RollgateError(
      'SYSTEM_UNREACHABLE',
      `no session on ${node} to hold a snapshot`,
      `Check that ${node} runs and has a connection left.`,
      { cause: error },
    );
  }
}

async function importSnapshot(client: Client, node: string, id: string): Promise<void> {
  try {
    await client.query(`SET TRANSACTION SNAPSHOT ${client.escapeLiteral(id)}`);
  } catch (error) {
    if (!goneCodes.includes((error as { code?: string }).code ?? '')) throw error;
    throw new RollgateError(
      'CUT_LOST',
      `the snapshot ${id} is held no more on ${node}`,
      'Make the cut again.',
      { cause: error },
    );
  }
}
