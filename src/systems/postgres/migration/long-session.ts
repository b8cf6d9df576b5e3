import { setTimeout as delay } from 'node:timers/promises';
import { Client, DatabaseError, type ClientBase, type ClientConfig } from 'pg';
import {
  messageOf,
  nodeSpec,
  RollgateError,
  type ClusterSpec,
  type EffectContext,
} from '../../../contracts/index.js';
import { applicationName, type Sessions } from '../connection.js';
import { endSession, keepalives } from '../silence.js';

/**
 * Timeouts of the server that must not end work that takes as long as the data is large. Not every version has each.
 * https://www.postgresql.org/docs/17/runtime-config-client.html#RUNTIME-CONFIG-CLIENT-STATEMENT
 */
export const timeouts = [
  'statement_timeout',
  'transaction_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'idle_session_timeout',
];

const beatMs = 1000;
/** How often it is looked whether the server is there, ms; and after how long without an answer it counts as gone. */
const lookMs = 2000;
const silentMs = 10_000;

export interface LongSessionOptions {
  /** What it is for, e.g. `copy`: its application_name is `rollgate copy`. */
  readonly name: string;
  /** Told with each heartbeat. */
  readonly progress?: () => unknown;
  /** Settings for the session, by name; those that the server does not have are left out. */
  readonly settings?: Readonly<Record<string, string>>;
  /** More for the connection, e.g. that it is one for replication. */
  readonly config?: ClientConfig & { readonly replication?: string };
}

/**
 * Run `body` in a session of its own without bounds in time. It heartbeats meanwhile, ends at once when the effect is
 * aborted or the server answers nobody any more, and the server ends what it runs for us within a second once we are
 * gone, so that nothing of a lost attempt stays locked.
 * @throws SYSTEM_UNREACHABLE when the session cannot be had or is lost; errors of statements as `pg` raises them
 */
export async function longSession<T>(
  sessions: Sessions,
  cluster: ClusterSpec,
  node: string,
  ctx: EffectContext,
  options: LongSessionOptions,
  body: (client: Client) => Promise<T>,
): Promise<T> {
  ctx.signal.throwIfAborted();
  const name = `${applicationName} ${options.name}`;
  const config = await sessions.config(cluster, nodeSpec(cluster, node), name);
  const client = new Client({ ...config, ...options.config, keepAlive: true });
  let lost: Error | undefined;
  // Noticed at once, also while nothing is asked.
  const dropped = new Promise<never>((_, reject) => {
    client.on('error', (error) => {
      lost = error;
      reject(error);
    });
  });
  dropped.catch(() => undefined);
  const end = (): void => void endSession(client);
  const ended = new AbortController();
  const beat = setInterval(() => {
    ctx.heartbeat(options.progress?.());
  }, beatMs);
  try {
    await client.connect().catch((error: unknown) => {
      throw unreachable(node, error);
    });
    // Ending the client while a statement runs closes its socket.
    ctx.signal.addEventListener('abort', end);
    const settings = {
      ...keepalives,
      ...Object.fromEntries(timeouts.map((timeout) => [timeout, '0'])),
      client_connection_check_interval: '1s',
      ...options.settings,
    };
    // As long as a short question may take anywhere else: it is the first one after the connection.
    const silent = setTimeout(() => client.connection.stream.destroy(), silentMs);
    const { rows } = await client.query<{ pid: number | string }>(setAll(client, settings)).finally(() => {
      clearTimeout(silent);
    });
    const gone = watch(sessions, cluster, node, Number(rows[0]?.pid), ended.signal);
    return await Promise.race([body(client), gone, dropped]);
  } catch (error) {
    ctx.signal.throwIfAborted();
    // What the server has said is told, also where it has ended the session after it.
    if (error instanceof DatabaseError && !isLost(error)) throw error;
    throw lost || isLost(error) ? unreachable(node, lost ?? error) : error;
  } finally {
    clearInterval(beat);
    ended.abort();
    ctx.signal.removeEventListener('abort', end);
    await endSession(client);
  }
}

/**
 * A server that shuts down says so as the answer to a statement: classes 08 and 57P of
 * https://www.postgresql.org/docs/17/errcodes-appendix.html
 */
const isLost = (error: unknown): boolean =>
  error instanceof DatabaseError && /^(?:08|57P0[1-5])/.test(error.code ?? '');

/** In one statement without parameters, which a connection for replication takes too. */
function setAll(client: Client, settings: Readonly<Record<string, string>>): string {
  const values = Object.entries(settings)
    .map(([name, value]) => `(${client.escapeLiteral(name)}, ${client.escapeLiteral(value)})`)
    .join(', ');
  return `SELECT set_config(s.name, v.value, false), pg_backend_pid() AS pid FROM (VALUES ${values}) AS v (name, value)
            JOIN pg_settings s ON lower(s.name) = lower(v.name)`;
}

/**
 * Never resolves. A statement says nothing for hours where there is much to do, so the server is asked on the side
 * whether it still works for us; a network that is away for a moment is waited for.
 * @throws SYSTEM_UNREACHABLE when the session is gone, or the server has been silent for long
 */
async function watch(
  sessions: Sessions,
  cluster: ClusterSpec,
  node: string,
  pid: number,
  ended: AbortSignal,
): Promise<never> {
  let heard = Date.now();
  for (;;) {
    await delay(lookMs, undefined, { signal: ended });
    const there = await sessions
      .on(cluster, node, (client) => isThere(client, pid), { statementTimeoutMs: silentMs / 2 })
      .catch((error: unknown) => {
        const silence = error instanceof RollgateError && error.code === 'SYSTEM_UNREACHABLE';
        if (!silence || Date.now() - heard >= silentMs) throw error;
        return undefined;
      });
    if (there === false) throw unreachable(node, new Error(`the session ${pid} is gone`));
    if (there === true) heard = Date.now();
  }
}

const isThere = async (client: ClientBase, pid: number): Promise<boolean> =>
  (await client.query('SELECT FROM pg_stat_activity WHERE pid = $1', [pid])).rowCount === 1;

const unreachable = (node: string, error: unknown): RollgateError =>
  new RollgateError(
    'SYSTEM_UNREACHABLE',
    `no session on ${node}: ${messageOf(error)}`,
    `Check that ${node} runs and can be reached; the call is repeated by itself.`,
    { cause: error },
  );
