import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { SampleCluster } from '../../../src/dev/postgres/sample-cluster.js';

/** Statements on one node, each in a connection of its own. */
export async function sql<T extends object>(
  sample: SampleCluster,
  node: string,
  statement: string,
): Promise<T[]> {
  const client = new Client(sample.connection(node));
  await client.connect();
  try {
    return (await client.query<T>(statement)).rows;
  } finally {
    await client.end();
  }
}

/**
 * Lag on one replica, as a stalled network makes it: the sender that serves it on the primary is stopped, while
 * the other replicas go on confirming commits. Returns when at least `bytes` are missing there; call what it
 * returns to let them flow again.
 */
export async function stall(
  sample: SampleCluster,
  primary: string,
  replica: string,
  bytes: number,
): Promise<() => void> {
  const [sender] = await sql<{ pid: number }>(
    sample,
    primary,
    `SELECT pid FROM pg_stat_replication WHERE application_name = '${replica}'`,
  );
  if (!sender) throw new Error(`${primary} does not replicate to ${replica}`);
  process.kill(sender.pid, 'SIGSTOP');
  const resume = (): void => {
    try {
      process.kill(sender.pid, 'SIGCONT');
    } catch (error) {
      // It may have ended with its server.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  };
  try {
    for (;;) {
      const [row] = await sql<{ lag: number }>(
        sample,
        primary,
        `SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::float8 AS lag
           FROM pg_stat_replication WHERE application_name = '${replica}'`,
      );
      if (!row) throw new Error(`${replica} was disconnected`);
      if (row.lag >= bytes) return resume;
      await delay(20);
    }
  } catch (error) {
    resume();
    throw error;
  }
}
