import { setTimeout as delay } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import type { EffectContext } from '../../../../contracts/index.js';
import { cutLock } from './cut-trigger.js';
import { beginSnapshot, exportSnapshot, type Exported } from './locked-moment.js';
import type { OwnSession } from './own-session.js';

/** Whether a subscription is there and its worker at work. */
export async function isApplying(client: ClientBase, subscription: string): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT FROM pg_stat_subscription w JOIN pg_subscription s ON s.oid = w.subid
       JOIN pg_database d ON d.oid = s.subdbid AND d.datname = current_database()
      WHERE s.subname = $1 AND w.pid IS NOT NULL`,
    [subscription],
  );
  return rowCount !== 0;
}

/** From now on whoever applies that marker waits, until the gate is opened or its session ends. */
export async function closeGate({ client }: OwnSession, marker: string): Promise<void> {
  await client.query('SELECT pg_advisory_lock($1, hashtext($2))', [cutLock, marker]);
}

/**
 * Wait until the receiver stands at the marker, take its snapshot there, and let it go on.
 * @returns `undefined` when it has not come to the marker in time
 */
export async function snapshotAtMarker(
  { gate, reader }: { gate: OwnSession; reader: OwnSession },
  { marker, until }: { marker: string; until: number },
  ctx: EffectContext,
): Promise<Exported | undefined> {
  await beginSnapshot(reader);
  while (!(await isStanding(gate, marker))) {
    if (performance.now() >= until) return undefined;
    ctx.heartbeat({ waitsFor: 'marker' });
    await delay(2, undefined, { signal: ctx.signal });
  }
  const exported = await exportSnapshot(reader);
  const { rows } = await gate.client.query<{ open: boolean }>(
    'SELECT pg_advisory_unlock($1, hashtext($2)) AS open',
    [cutLock, marker],
  );
  // It was closed until now: nothing was applied while the snapshot was taken.
  return rows[0]?.open === true ? exported : undefined;
}

/** https://www.postgresql.org/docs/17/view-pg-locks.html: the two keys of an advisory lock are classid and objid. */
async function isStanding({ client }: OwnSession, marker: string): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
      WHERE l.locktype = 'advisory' AND NOT l.granted AND l.objsubid = 2
        AND l.classid = $1::oid AND l.objid = (hashtext($2)::bigint & 4294967295)::oid
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND a.backend_type LIKE 'logical replication %'`,
    [cutLock, marker],
  );
  return rowCount !== 0;
}
