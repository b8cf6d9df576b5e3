import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import {
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type Position,
} from '../../../contracts/index.js';
import { applicationName, type Sessions } from '../connection.js';
import { parseLsn } from '../lsn.js';
import { longSession } from './long-session.js';

export interface SlotSnapshot {
  /** Every change that is not in the snapshot comes from here on. */
  readonly position: Position;
  /** Id of the exported snapshot. */
  readonly snapshot: string;
}

const queryCanceled = '57014';
const pollMs = 250;

/**
 * Make a logical slot and give `body` the snapshot of the moment from which on it keeps changes; the snapshot is gone
 * when `body` returns. The server waits for every transaction that writes at the moment, at most `timeoutMs`; a slot
 * that could not be made is not there.
 * https://www.postgresql.org/docs/17/protocol-replication.html#PROTOCOL-REPLICATION-CREATE-REPLICATION-SLOT
 * @throws CUT_REFUSED naming the transactions that were in the way; SYSTEM_UNREACHABLE
 */
export async function withSlotSnapshot<T>(
  sessions: Sessions,
  cluster: ClusterSpec,
  node: string,
  slot: string,
  options: { timeoutMs: number },
  ctx: EffectContext,
  body: (made: SlotSnapshot) => Promise<T>,
): Promise<T> {
  const session = { name: 'export', config: { replication: 'database' } };
  return longSession(sessions, cluster, node, ctx, session, async (client) => {
    const pid = await backendOf(client);
    let inTheWay: readonly string[] = [];
    let late = false;
    const ends = Date.now() + options.timeoutMs;
    const watch = async (): Promise<void> => {
      inTheWay = await waitedFor(sessions, cluster, node, pid);
      if (Date.now() < ends || late) return;
      late = true;
      await sessions.on(cluster, node, (other) => other.query('SELECT pg_cancel_backend($1)', [pid]));
    };
    const made = await whileWatched(
      client.query<{ consistent_point: string; snapshot_name: string }>(
        `CREATE_REPLICATION_SLOT ${slot} LOGICAL pgoutput (SNAPSHOT 'export')`,
      ),
      watch,
    ).catch((error: unknown) => {
      if (!late || (error as { code?: string }).code !== queryCanceled) throw error;
      throw tooLate(node, options.timeoutMs, inTheWay, error);
    });
    const [row] = made.rows;
    if (!row) throw new Error(`the server made the slot ${slot} and said nothing of it`);
    return body({ position: parseLsn(row.consistent_point), snapshot: row.snapshot_name });
  });
}

async function backendOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number | string }>('SELECT pg_backend_pid() AS pid');
  return Number(rows[0]?.pid);
}

/** `watch` has ended when this returns; when it fails so does this. */
async function whileWatched<T>(work: Promise<T>, watch: () => Promise<void>): Promise<T> {
  const done = new AbortController();
  const watching = (async () => {
    for (;;) {
      // Aborted: the work is done, nobody is to be looked at any more.
      const go = await delay(pollMs, true, { signal: done.signal }).catch(() => false);
      if (!go) return work;
      await watch();
    }
  })();
  try {
    return await Promise.race([work, watching]);
  } finally {
    done.abort();
    await Promise.allSettled([watching]);
  }
}

/** Who the backend waits for, the oldest first: pid, application and age of each. */
async function waitedFor(
  sessions: Sessions,
  cluster: ClusterSpec,
  node: string,
  pid: number,
): Promise<string[]> {
  return sessions.on(cluster, node, async (client) => {
    const { rows } = await client.query<{ who: string }>(
      `SELECT format('pid %s (%s, since %s s, %s)', a.pid,
                     coalesce(nullif(a.application_name, ''), a.usename, a.backend_type),
                     round(extract(epoch FROM clock_timestamp() - a.xact_start)), a.state) AS who
         FROM unnest(pg_blocking_pids($1)) AS b (pid) JOIN pg_stat_activity a ON a.pid = b.pid
        UNION ALL
       SELECT format('prepared transaction %s (since %s s)', p.gid,
                     round(extract(epoch FROM clock_timestamp() - p.prepared)))
         FROM pg_prepared_xacts p JOIN pg_locks held ON held.locktype = 'transactionid' AND held.granted
                                       AND held.transactionid = p.transaction
         JOIN pg_locks w ON w.pid = $1 AND NOT w.granted AND w.transactionid = held.transactionid`,
      [pid],
    );
    return rows.map((r) => r.who);
  });
}

function tooLate(
  node: string,
  timeoutMs: number,
  inTheWay: readonly string[],
  cause: unknown,
): RollgateError {
  const who = inTheWay.length === 0 ? 'a transaction that could not be seen' : inTheWay.join(', ');
  return new RollgateError(
    'CUT_REFUSED',
    `${node} could not begin to keep changes within ${timeoutMs / 1000} s: open transactions were in the way: ${who}`,
    `End what has been open for so long, by its application or by pg_terminate_backend, then retry; ${applicationName} waits for writers only.`,
    { cause },
  );
}
