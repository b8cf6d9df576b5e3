import type { ClientBase } from 'pg';
import type { ClusterSpec } from '../../../contracts/index.js';
import type { Sessions } from '../connection.js';
import { onlyPrimary } from '../primary.js';
import { bookkeeping, ddlGuard, holdPrefix, streamName } from './names.js';

/**
 * Everything of ours on one side of a migration, in words such as `publication rollgate_forward`; empty: nothing.
 * Roles that are closed are no object of ours: which they are is a fact in the bookkeeping schema.
 */
export async function residueOf(client: ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(statement, [
    [streamName('forward'), streamName('back')],
    ddlGuard,
    bookkeeping,
    holdPrefix,
  ]);
  return rows.map((r) => r.name);
}

/** @throws SYSTEM_UNREACHABLE */
export async function readResidue(sessions: Sessions, cluster: ClusterSpec): Promise<string[]> {
  return sessions.on(cluster, await onlyPrimary(sessions, cluster), residueOf);
}

/**
 * An origin of a subscription is named after its oid: https://www.postgresql.org/docs/18/replication-origins.html and
 * https://www.postgresql.org/docs/18/catalog-pg-subscription.html. Slots and walsenders are of the whole server.
 */
const statement = `
  SELECT 'publication ' || pubname AS name FROM pg_publication WHERE pubname = ANY ($1)
  UNION ALL
  SELECT 'slot ' || slot_name FROM pg_replication_slots WHERE slot_name = ANY ($1)
  UNION ALL
  SELECT 'subscription ' || subname FROM pg_subscription
   WHERE subname = ANY ($1) AND subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  UNION ALL
  SELECT 'origin ' || o.roname FROM pg_replication_origin o
   WHERE starts_with(o.roname, 'rollgate')
      OR EXISTS (SELECT FROM pg_subscription s WHERE s.subname = ANY ($1) AND o.roname = 'pg_' || s.oid)
  UNION ALL
  SELECT 'event trigger ' || evtname FROM pg_event_trigger WHERE starts_with(evtname, $2)
  UNION ALL
  SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname = $3
  UNION ALL
  SELECT 'session ' || application_name FROM pg_stat_activity WHERE starts_with(application_name, $4)
  UNION ALL
  SELECT 'name in synchronous_standby_names ' || name FROM unnest($1::text[]) name
   WHERE current_setting('synchronous_standby_names') ~ ('\\m' || name || '\\M')
  ORDER BY 1`;
