import type { ClientBase } from 'pg';

/**
 * SQL: sessions of clients, `a` of pg_stat_activity, that are not rollgate's. The probe of rollgate is a client like
 * any other. A walsender that is connected to a database takes SQL too; those of physical standbys do not, and the
 * one of our own stream reads for the receiver.
 * https://www.postgresql.org/docs/17/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW
 */
const clients = `
  a.pid <> pg_backend_pid() AND a.usesysid IS NOT NULL
  AND (a.backend_type = 'client backend' OR (a.backend_type = 'walsender' AND a.datid IS NOT NULL))
  AND NOT (a.usename IS NOT DISTINCT FROM current_user AND a.application_name LIKE 'rollgate%'
           AND a.application_name NOT LIKE 'rollgate probe%')
  AND NOT EXISTS (SELECT FROM pg_replication_slots s
                   WHERE s.active_pid = a.pid AND s.slot_name IN ('rollgate_forward', 'rollgate_back'))`;

/**
 * A backend that was let in just before its role was closed is not shown with its role before it has started; by then
 * it has locked its database, after its right to log in was looked at. One that still authenticates comes too late.
 */
const starting = `
  SELECT DISTINCT l.pid FROM pg_locks l
   WHERE l.locktype = 'object' AND l.classid = 'pg_database'::regclass
     AND NOT EXISTS (SELECT FROM pg_stat_get_activity(NULL) s WHERE s.pid = l.pid AND s.usesysid IS NOT NULL)`;

/** Ask every session of a client to end. @returns how many there were, those about to start among them */
export async function endClients(client: ClientBase): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    `SELECT (SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity a WHERE ${clients})::int
            + (SELECT count(*) FROM (${starting}) s)::int AS count`,
  );
  return rows[0]?.count ?? 0;
}

/** Who is there, for a message: at most ten. */
export async function clientsThere(client: ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ who: string }>(
    `SELECT format('%s (pid %s, %s)', coalesce(a.usename, 'a role unknown'), a.pid,
                   coalesce(nullif(a.application_name, ''), a.backend_type)) AS who
       FROM pg_stat_activity a WHERE ${clients} ORDER BY a.pid LIMIT 10`,
  );
  return rows.map((row) => row.who);
}
