import type { ClientBase } from 'pg';
import { bookkeeping } from './migration/names.js';

/** One node's own answer, as one row. */
export interface NodeFacts {
  readonly inRecovery: boolean;
  readonly version: string;
  readonly identity: string;
  readonly position: string | null;
  readonly timeline: number | null;
  readonly senderHost: string | null;
  readonly senderPort: number | null;
  readonly receiverStatus: string | null;
  readonly inFlight: number;
  readonly oldestMs: number;
  readonly startedAt: Date;
  readonly replayPaused: boolean;
  readonly standbyNames: string;
  readonly synchronousCommit: string;
  readonly applyDelayMs: number;
  readonly baseBackups: number;
  readonly logicalSlots: readonly string[];
  /** The database is one side of a storage migration of ours. */
  readonly migrating: boolean;
  readonly superuser: boolean;
  readonly replication: readonly Replication[];
}

export interface Replication {
  readonly name: string;
  readonly state: string;
  readonly syncState: string;
}

/**
 * Everything an observation needs of one node, in one statement, so that it is of one moment.
 * Views and functions: https://www.postgresql.org/docs/17/monitoring-stats.html,
 * https://www.postgresql.org/docs/17/functions-admin.html#FUNCTIONS-RECOVERY-CONTROL and
 * https://www.postgresql.org/docs/17/functions-info.html#FUNCTIONS-INFO-CONTROLDATA.
 * The timeline of a primary is in the name of the WAL file it writes.
 */
const statement = `
  SELECT r.in_recovery AS "inRecovery",
         split_part(current_setting('server_version'), ' ', 1) AS version,
         (SELECT system_identifier::text FROM pg_control_system()) AS identity,
         CASE WHEN r.in_recovery THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text AS position,
         CASE WHEN r.in_recovery
              THEN coalesce(w.received_tli, (SELECT timeline_id FROM pg_control_checkpoint()))
              ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int
         END AS timeline,
         w.sender_host AS "senderHost", w.sender_port AS "senderPort", w.status AS "receiverStatus",
         a.count::int AS "inFlight", a.oldest::float8 AS "oldestMs",
         pg_postmaster_start_time() AS "startedAt",
         CASE WHEN r.in_recovery THEN pg_is_wal_replay_paused() ELSE false END AS "replayPaused",
         current_setting('synchronous_standby_names') AS "standbyNames",
         current_setting('synchronous_commit') AS "synchronousCommit",
         (SELECT setting::float8 FROM pg_settings WHERE name = 'recovery_min_apply_delay') AS "applyDelayMs",
         (SELECT count(*)::int FROM pg_stat_progress_basebackup) AS "baseBackups",
         (SELECT coalesce(array_agg(slot_name::text), '{}') FROM pg_replication_slots WHERE slot_type = 'logical') AS "logicalSlots",
         EXISTS (SELECT FROM pg_namespace WHERE nspname = '${bookkeeping}') AS migrating,
         (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
         (SELECT coalesce(json_agg(json_build_object('name', application_name, 'state', coalesce(state, 'hidden'),
                                                     'syncState', coalesce(sync_state, 'hidden'))), '[]')
            FROM pg_stat_replication) AS replication
    FROM (SELECT pg_is_in_recovery() AS in_recovery) r
    LEFT JOIN pg_stat_wal_receiver w ON true,
         (SELECT count(*), coalesce(max(extract(epoch FROM clock_timestamp() - xact_start) * 1000), 0) AS oldest
            FROM pg_stat_activity
           WHERE backend_type = 'client backend' AND xact_start IS NOT NULL AND application_name NOT LIKE 'rollgate%') a`;

export async function readFacts(client: ClientBase): Promise<NodeFacts> {
  const { rows } = await client.query<NodeFacts>(statement);
  const [row] = rows;
  if (!row) throw new Error('the node returned no facts');
  return row;
}
