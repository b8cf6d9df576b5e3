import { Client } from 'pg';
import type { SampleCluster } from '../postgres/sample-cluster.js';

export interface NodeFacts {
  readonly id: string;
  readonly version: string;
  readonly primary: boolean;
  readonly timeline: number;
  readonly synchronousStandbyNames: string;
  /** Anything of ours that is still in the cluster, by name. */
  readonly ours: readonly string[];
  /** Physical slots that no replica uses: they would keep WAL for ever. */
  readonly idleSlots: readonly string[];
}

/** What each node says about itself after a run, read directly and not through rollgate. */
export async function inspectNodes(sample: SampleCluster): Promise<NodeFacts[]> {
  return Promise.all(sample.cluster.nodes.map((node) => inspect(sample, node.id)));
}

async function inspect(sample: SampleCluster, id: string): Promise<NodeFacts> {
  const client = new Client(sample.connection(id));
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, string | boolean | number | string[]>>(`
      SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
             NOT pg_is_in_recovery() AS is_primary,
             CASE WHEN pg_is_in_recovery()
                  THEN (SELECT received_tli FROM pg_stat_wal_receiver)
                  ELSE ('x' || substr(pg_walfile_name(CASE WHEN pg_is_in_recovery() THEN '0/0' ELSE pg_current_wal_lsn() END), 1, 8))::bit(32)::int
             END AS timeline,
             current_setting('synchronous_standby_names') AS names,
             (SELECT coalesce(array_agg(nspname::text), '{}') FROM pg_namespace WHERE nspname = 'rollgate') AS ours,
             (SELECT coalesce(array_agg(slot_name::text), '{}') FROM pg_replication_slots WHERE NOT active) AS idle
    `);
    const [row] = rows;
    if (!row) throw new Error(`${id} told nothing`);
    return {
      id,
      version: String(row.version),
      primary: row.is_primary === true,
      timeline: Number(row.timeline),
      synchronousStandbyNames: String(row.names),
      ours: row.ours as string[],
      idleSlots: row.idle as string[],
    };
  } finally {
    await client.end();
  }
}
