import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import {
  ClusterSpec,
  nodeSpec,
  type EffectContext,
  type LaunchSpec,
  type NodeSpec,
} from '../../contracts/index.js';
import { unlessAbsent } from '../../hosts/local/file-error.js';
import { createLocalHost } from '../../hosts/local/host.js';
import { layoutOf } from '../../hosts/local/layout.js';
import { superuser } from './configuration.js';
import { until } from './until.js';

/** How to connect to one node with `pg`. */
export interface SampleConnection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly connectionTimeoutMillis: number;
}

export interface SampleCluster {
  /** Holds everything of the cluster, `cluster.yaml` among it. */
  readonly directory: string;
  readonly cluster: ClusterSpec;
  /** The `Cluster` document, as in `cluster.yaml`. */
  readonly yaml: string;
  connection(nodeId: string, database?: string): SampleConnection;
  /** Stop every node cleanly, the first one first; the data stays. */
  stop(): Promise<void>;
  /** Stop every node, by force if need be, and remove the directory. */
  destroy(): Promise<void>;
}

export const sampleContext: EffectContext = {
  signal: new AbortController().signal,
  heartbeat: () => undefined,
  runId: 'sample',
};

export const sampleLaunch = (node: NodeSpec): LaunchSpec => ({
  executable: 'bin/postgres',
  args: ['-D', layoutOf(node).dataDir],
  env: {},
  stopSignal: 'SIGINT',
  pidFile: 'postmaster.pid',
});

const Document = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.record(z.string(), z.unknown()),
});

/** Find a sample cluster again by its directory, e.g. one that another process has made. */
export async function openSampleCluster(directory: string): Promise<SampleCluster> {
  const yaml = await readFile(join(directory, 'cluster.yaml'), 'utf8');
  const document = Document.parse(parse(yaml));
  const cluster = ClusterSpec.parse({ name: document.metadata.name, ...document.spec });
  const password = (await readFile(join(directory, 'password'), 'utf8')).trimEnd();
  const host = createLocalHost();

  const stop = async () => {
    for (const node of cluster.nodes) {
      await host.stop(node, sampleLaunch(node), { timeoutMs: 60_000, pollMs: 20 }, sampleContext);
    }
  };

  return {
    directory,
    cluster,
    yaml,
    connection(nodeId, database = 'postgres') {
      const { hostname, port } = new URL(`tcp://${nodeSpec(cluster, nodeId).address}`);
      const connectionTimeoutMillis = 10_000;
      return {
        host: hostname,
        port: Number(port),
        user: superuser,
        password,
        database,
        connectionTimeoutMillis,
      };
    },
    stop,
    async destroy() {
      for (const node of cluster.nodes) await end(node);
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** SIGQUIT ends PostgreSQL without waiting for anything; a server that does not even do that is killed. */
async function end(node: NodeSpec): Promise<void> {
  const host = createLocalHost();
  const launch = sampleLaunch(node);
  const started = performance.now();
  await until(
    `node ${node.id} has ended`,
    async () => {
      const status = await host.status(node, launch, sampleContext);
      const force = performance.now() - started < 5000 ? 'SIGQUIT' : 'SIGKILL';
      if (status.kind === 'running') process.kill(status.pid, force);
      return status.kind === 'stopped' || (await isAbsent(node));
    },
    20_000,
  );
}

async function isAbsent(node: NodeSpec): Promise<boolean> {
  return (await unlessAbsent(() => stat(layoutOf(node).directory))) === undefined;
}
