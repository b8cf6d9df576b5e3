import { Client } from 'pg';
import {
  nodeSpec,
  type ClusterSpec,
  type ClusterView,
  type DataSystem,
  type EffectContext,
  type HandoverFacet,
  type Host,
  type HostStatus,
} from '../../../src/contracts/index.js';
import { createSampleCluster, type SampleClusterOptions } from '../../../src/dev/postgres/cluster.js';
import { type SampleCluster } from '../../../src/dev/postgres/sample-cluster.js';
import { until } from '../../../src/dev/postgres/until.js';
import { createLocalHost } from '../../../src/hosts/local/host.js';
import { createPostgresSystem } from '../../../src/systems/postgres/system.js';
import { createSecretResolver } from '../../../src/worker/secrets.js';

/** A real cluster with the system under test and what a test needs to disturb it by hand. */
export interface Real {
  readonly sample: SampleCluster;
  readonly cluster: ClusterSpec;
  readonly system: DataSystem;
  readonly handover: HandoverFacet;
  readonly host: Host;
  readonly ctx: EffectContext;
  sql<T extends object>(node: string, statement: string, values?: readonly unknown[]): Promise<T[]>;
  observe(): Promise<ClusterView>;
  status(node: string): Promise<HostStatus>;
  start(node: string): Promise<void>;
  stop(node: string): Promise<void>;
  /** Kill the postmaster and wait until it is gone. */
  kill(node: string, signal: 'SIGKILL' | 'SIGQUIT'): Promise<void>;
  ready(node: string): Promise<void>;
  streaming(upstream: string, replicas: readonly string[]): Promise<void>;
  dispose(): Promise<void>;
}

export async function realCluster(options: SampleClusterOptions = {}): Promise<Real> {
  const sample = await createSampleCluster(options);
  const { cluster } = sample;
  const host = createLocalHost({ startGraceMs: 20 });
  const system = createPostgresSystem({ host: () => host, secrets: createSecretResolver() });
  const { handover } = system;
  if (!handover) throw new Error('the system has no handover');
  const ctx: EffectContext = {
    signal: new AbortController().signal,
    heartbeat: () => undefined,
    runId: 'run-under-test',
  };

  const sql: Real['sql'] = async <T extends object>(
    node: string,
    statement: string,
    values: readonly unknown[] = [],
  ) => {
    const client = new Client(sample.connection(node));
    client.on('error', () => undefined);
    try {
      await client.connect();
      return (await client.query<T>(statement, [...values])).rows;
    } finally {
      await client.end();
    }
  };
  const status: Real['status'] = (node) =>
    host.status(nodeSpec(cluster, node), system.launch(cluster, node), ctx);

  const real: Real = {
    ...{ sample, cluster, system, handover, host, ctx, sql, status },
    observe: () => system.observe(cluster, ctx),
    start: (node) => host.start(nodeSpec(cluster, node), system.launch(cluster, node), ctx),
    stop: (node) =>
      host.stop(nodeSpec(cluster, node), system.launch(cluster, node), { timeoutMs: 30_000, pollMs: 5 }, ctx),
    async kill(node, signal) {
      const now = await status(node);
      if (now.kind !== 'running') throw new Error(`${node} does not run`);
      process.kill(now.pid, signal);
      await until(`${node} is gone`, async () => (await status(node)).kind === 'stopped');
    },
    ready: (node) => until(`${node} answers`, async () => (await sql(node, 'SELECT 1')).length === 1),
    streaming: (upstream, replicas) =>
      until(`${replicas.join(', ')} stream from ${upstream}`, async () => {
        const rows = await sql<{ name: string }>(
          upstream,
          "SELECT application_name AS name FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn IS NOT NULL",
        );
        return replicas.every((id) => rows.some((r) => r.name === id));
      }),
    dispose: () => sample.destroy(),
  };
  // The default of 5 s between attempts to connect again would be most of the time of these tests.
  for (const { id } of cluster.nodes) {
    await sql(id, "ALTER SYSTEM SET wal_retrieve_retry_interval = '50ms'");
    await sql(id, 'SELECT pg_reload_conf()');
  }
  return real;
}

export const codesOf = (view: ClusterView): string[] => [...new Set(view.obstacles.map((o) => o.code))];

export { until };
