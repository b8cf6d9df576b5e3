/**
 * What a sample node is told. All nodes are told the same but for port and name, so that any of them can take any
 * role; what depends on the role (`primary_conninfo`, `primary_slot_name`) is in `postgresql.auto.conf` alone.
 */
export function postgresqlConf(node: {
  id: string;
  port: number;
  synchronous: string | null;
  logical: boolean;
}): string {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(node.port),
    unix_socket_directories: '',
    cluster_name: node.id,
    max_connections: '100',
    shared_buffers: '32MB',
    fsync: 'on',
    wal_level: 'replica',
    hot_standby: 'on',
    hot_standby_feedback: 'off',
    max_wal_senders: '10',
    max_replication_slots: '10',
    wal_keep_size: '16MB',
    min_wal_size: '32MB',
    max_wal_size: '256MB',
    wal_receiver_status_interval: '1s',
    synchronous_commit: 'on',
    synchronous_standby_names: node.synchronous ?? '',
    password_encryption: 'scram-sha-256',
    log_destination: 'stderr',
    logging_collector: 'off',
    ...(node.logical && logicalSettings),
    log_line_prefix: '%m [%p] %a ',
    log_timezone: 'UTC',
    timezone: 'UTC',
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${quoted(value)}\n`)
    .join('');
}

/** Enough for a stream each way, for a session of every worker, and for the standbys. A standby must have no less. */
const logicalSettings: Readonly<Record<string, string>> = {
  wal_level: 'logical',
  max_wal_senders: '20',
  max_replication_slots: '20',
  max_worker_processes: '24',
  max_logical_replication_workers: '12',
  max_sync_workers_per_subscription: '4',
  // How long a worker of a subscription waits before it connects again; 5 s otherwise.
  wal_retrieve_retry_interval: '500ms',
};

export const replicationUser = 'replicator';
export const superuser = 'rollgate';

export const pgHbaConf = [
  '# type  database     user           address       method',
  `host    all          all            127.0.0.1/32  scram-sha-256`,
  `host    replication  ${replicationUser}     127.0.0.1/32  scram-sha-256`,
  '',
].join('\n');

/** Slots are named like the nodes that use them, in the characters that a slot may have. */
export const slotOf = (node: string): string => node.replaceAll(/[^a-z0-9_]/g, '_');

/** `postgresql.auto.conf` of a replica. The password stays in the passfile, outside of the data directory. */
export function replicaAutoConf(replica: { id: string; upstreamPort: number; passfile: string }): string {
  const conninfo = [
    'host=127.0.0.1',
    `port=${replica.upstreamPort}`,
    `user=${replicationUser}`,
    `application_name=${replica.id}`,
    `passfile=${replica.passfile}`,
  ].join(' ');
  return `primary_conninfo = ${quoted(conninfo)}\nprimary_slot_name = ${quoted(slotOf(replica.id))}\n`;
}

/** https://www.postgresql.org/docs/17/config-setting.html: single quotes, doubled inside. */
const quoted = (value: string): string => `'${value.replaceAll("'", "''")}'`;
