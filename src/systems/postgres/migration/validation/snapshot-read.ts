import { setTimeout as delay } from 'node:timers/promises';
import { escapeLiteral, type ClientBase, type QueryResult } from 'pg';
import { RollgateError, type ClusterSpec, type EffectContext } from '../../../../contracts/index.js';
import type { Sessions } from '../../connection.js';
import { holdPrefix } from '../names.js';

export interface SnapshotReader {
  readonly sessions: Sessions;
  readonly cluster: ClusterSpec;
  readonly node: string;
  /** Id of the held snapshot. */
  readonly snapshot: string;
}

/**
 * What a value prints as must not depend on the server or the role. Each of these can be set for a transaction:
 * https://www.postgresql.org/docs/17/runtime-config-client.html
 */
const pinned: Readonly<Record<string, string>> = {
  bytea_output: 'hex',
  datestyle: 'ISO',
  extra_float_digits: '1',
  intervalstyle: 'postgres',
  jit: 'off',
  lc_monetary: 'C',
  quote_all_identifiers: 'off',
  row_security: 'off',
  search_path: 'pg_catalog',
  standard_conforming_strings: 'on',
  timezone: 'UTC',
  xmlbinary: 'base64',
  // A reader that nobody waits for any more must not go on: it would hold up a TRUNCATE.
  client_connection_check_interval: '1s',
  idle_in_transaction_session_timeout: '60s',
  lock_timeout: '0',
};

/** A bound for a statement over the largest table; whether it is still at work is watched meanwhile. */
const longestMs = 24 * 3_600_000;
const watchMs = 2000;

/** What `SET TRANSACTION SNAPSHOT` answers when the snapshot or the transaction that exported it is gone. */
const goneCodes = ['22023', '42704', '55000'];

/**
 * Read in a transaction of its own at a held snapshot, with pinned settings. Nothing stays locked afterwards.
 * @throws CUT_LOST when the snapshot is held no more; SYSTEM_UNREACHABLE
 */
export async function readSnapshot<T>(
  reader: SnapshotReader,
  ctx: EffectContext,
  body: (client: ClientBase) => Promise<T>,
): Promise<T> {
  const { sessions, cluster, node } = reader;
  ctx.signal.throwIfAborted();
  return sessions.on(
    cluster,
    node,
    async (client) => {
      const pid = await begin(client, reader);
      const done = new AbortController();
      try {
        const answer = await Promise.race([body(client), watch(reader, pid, ctx, done.signal)]);
        await client.query('COMMIT');
        return answer;
      } catch (error) {
        // Who is called off says so by the reason that it was given.
        ctx.signal.throwIfAborted();
        throw error;
      } finally {
        done.abort();
      }
    },
    { statementTimeoutMs: longestMs },
  );
}

/** @returns the server's number of the session */
async function begin(client: ClientBase, { node, snapshot }: SnapshotReader): Promise<number> {
  try {
    await client.query(
      `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT ${escapeLiteral(snapshot)}`,
    );
  } catch (error) {
    if (!goneCodes.includes((error as { code?: string }).code ?? '')) throw error;
    throw lost(node, snapshot, error);
  }
  const settings = Object.entries(pinned).map(
    ([name, value]) => `SET LOCAL ${name} = ${escapeLiteral(value)};`,
  );
  // The last one of these is there since 17.
  const results = (await client.query(
    `${settings.join(' ')}
     SELECT set_config('client_encoding', CASE current_setting('server_encoding')
                         WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END, true);
     SELECT set_config('transaction_timeout', '0', true)
      WHERE current_setting('server_version_num')::int >= 170000;
     SELECT pg_backend_pid() AS pid, EXISTS (
              SELECT FROM pg_stat_activity
               WHERE starts_with(application_name, ${escapeLiteral(holdPrefix)})
                 AND right(application_name, ${snapshot.length + 1}) = ' ' || ${escapeLiteral(snapshot)}) AS held`,
  )) as unknown as QueryResult<{ pid: number; held: boolean }>[];
  const row = results.at(-1)?.rows[0];
  // After a restart the server gives the same ids again: it may be the snapshot of somebody else.
  if (row?.held !== true) throw lost(node, snapshot);
  return row.pid;
}

function lost(node: string, snapshot: string, cause?: unknown): RollgateError {
  return new RollgateError(
    'CUT_LOST',
    `the snapshot ${snapshot} is held no more on ${node}`,
    'Make a new cut and compare there; what was compared at this one says nothing of it.',
    { cause },
  );
}

/** Never resolves unless it is told to end: a server that vanished without a word must not be waited for. */
async function watch(
  { sessions, cluster, node }: SnapshotReader,
  pid: number,
  ctx: EffectContext,
  done: AbortSignal,
): Promise<never> {
  const signal = AbortSignal.any([ctx.signal, done]);
  for (;;) {
    ctx.heartbeat();
    await delay(watchMs, undefined, { signal });
    const there = await sessions.on(cluster, node, async (client) => {
      const { rowCount } = await client.query('SELECT FROM pg_stat_activity WHERE pid = $1', [pid]);
      return rowCount === 1;
    });
    if (there) continue;
    throw new RollgateError(
      'SYSTEM_UNREACHABLE',
      `the session that reads a snapshot on ${node} (pid ${pid}) has ended`,
      `Look into the log of ${node} for why; the call is repeated by itself.`,
    );
  }
}
