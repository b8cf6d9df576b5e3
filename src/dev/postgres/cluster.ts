import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import type { ClusterSpec, NodeSpec } from '../../contracts/index.js';
import { createLocalHost } from '../../hosts/local/host.js';
import { layoutOf } from '../../hosts/local/layout.js';
import { ownerOf } from '../../hosts/local/run-as.js';
import { freePort } from '../free-port.js';
import type { KeptArtifact } from '../kept-artifact.js';
import { makeReplicas } from './base-backup.js';
import { preparePostgres, type SampleVersion } from './binaries.js';
import { postgresqlConf, replicaAutoConf, replicationUser, slotOf, superuser } from './configuration.js';
import { clusterDocument, sampleNode, sampleSpec } from './document.js';
import { initialise, newPassword } from './first-node.js';
import { writeOwned } from './owned-files.js';
import { newReachableDirectory, requireReachable } from './reachable-directory.js';
import { openSampleCluster, sampleContext, sampleLaunch, type SampleCluster } from './sample-cluster.js';
import { until } from './until.js';

export interface SampleClusterOptions {
  /** Must be absent or empty; default: a new one below the temporary directory. */
  readonly directory?: string;
  /** Below it the data directories of the nodes are made, e.g. on another disk; default: each in that of its node. */
  readonly dataDirectory?: string;
  readonly name?: string;
  /** Default 3: pg-1 (the primary), pg-2, pg-3. */
  readonly nodes?: number;
  /** What the names of the nodes begin with; default `pg`. */
  readonly prefix?: string;
  /** What every node runs at first; default 17.5. */
  readonly version?: SampleVersion;
  /** `synchronous_standby_names`, `null` for asynchronous; default `ANY 1` of all nodes. */
  readonly synchronous?: string | null;
  /** `wal_level = logical`, with room for logical replication in both directions; default false. */
  readonly logical?: boolean;
  /** The versions that its document declares; default 17.5 and 17.10. That of `version` is always among them. */
  readonly artifacts?: readonly SampleVersion[];
}

/**
 * Make and start a real PostgreSQL cluster on this machine, with passwords, replication slots and synchronous
 * replication as operators have them. Returns when every replica streams. Nothing is left behind if it fails.
 */
export async function createSampleCluster(options: SampleClusterOptions = {}): Promise<SampleCluster> {
  const version = options.version ?? '17.5';
  const artifacts: Partial<Record<SampleVersion, KeptArtifact>> = {};
  for (const declared of new Set([...(options.artifacts ?? (['17.5', '17.10'] as const)), version])) {
    artifacts[declared] = await preparePostgres(declared);
  }

  const directory = await emptyDirectory(options.directory);
  const count = options.nodes ?? 3;
  const ids = Array.from({ length: count }, (_, index) => `${options.prefix ?? 'pg'}-${index + 1}`);
  const nodes: NodeSpec[] = [];
  for (const id of ids) nodes.push(sampleNode(id, await freePort(), directory, options.dataDirectory));
  const synchronous =
    options.synchronous === undefined
      ? `ANY 1 (${ids.map((id) => `"${id}"`).join(', ')})`
      : options.synchronous;

  const spec = sampleSpec({ name: options.name ?? 'sample', directory, nodes, artifacts });
  await writeFile(join(directory, 'password'), newPassword(), { mode: 0o600 });
  await writeFile(join(directory, 'cluster.yaml'), clusterDocument(spec));
  const sample = await openSampleCluster(directory);
  try {
    await build(sample, { version, synchronous, logical: options.logical ?? false });
    return sample;
  } catch (error) {
    await sample.destroy();
    throw error;
  }
}

async function build(
  sample: SampleCluster,
  options: { version: SampleVersion; synchronous: string | null; logical: boolean },
): Promise<void> {
  const { cluster, directory } = sample;
  const { version, ...settings } = options;
  const [first, ...others] = cluster.nodes;
  const artifact = cluster.artifacts[version];
  if (!first || !artifact) throw new Error('a sample cluster needs a node and an artifact');
  const owner = await ownerOf(layoutOf(first));
  const confOf = (node: NodeSpec) => postgresqlConf({ id: node.id, port: portOf(node), ...settings });
  for (const node of cluster.nodes) await mkdir(layoutOf(node).directory, { mode: 0o755 });

  const password = sample.connection(first.id).password;
  await initialise(layoutOf(first), owner, { artifact: artifact.path, password, conf: confOf(first) });
  await startNode(cluster, first, version);
  await waitUntilReady(sample, first.id);

  const passfile = join(directory, 'replication.pgpass');
  const replicationPassword = newPassword();
  await writeOwned(passfile, `*:*:*:${replicationUser}:${replicationPassword}\n`, owner);
  const primary = new Client(sample.connection(first.id));
  await primary.connect();
  try {
    // No replica is there yet that could confirm a commit.
    await primary.query('SET synchronous_commit = local');
    await primary.query(
      `CREATE ROLE ${replicationUser} LOGIN REPLICATION PASSWORD ${primary.escapeLiteral(replicationPassword)}`,
    );
    for (const node of others) {
      await primary.query('SELECT pg_create_physical_replication_slot($1, true)', [slotOf(node.id)]);
    }
    const replicas = others.map((node) => ({
      layout: layoutOf(node),
      owner,
      conf: confOf(node),
      autoConf: replicaAutoConf({ id: node.id, upstreamPort: portOf(first), passfile }),
    }));
    if (replicas.length > 0) await makeReplicas(primary, layoutOf(first), replicas);
    for (const node of others) await startNode(cluster, node, version);
    for (const node of others) await waitUntilReady(sample, node.id);
    await until('every replica streams', async () => {
      const { rows } = await primary.query<{ n: number }>(
        "SELECT count(*)::int AS n FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn IS NOT NULL",
      );
      return rows[0]?.n === others.length;
    });
  } finally {
    await primary.end();
  }
}

async function startNode(cluster: ClusterSpec, node: NodeSpec, version: SampleVersion): Promise<void> {
  const host = createLocalHost();
  const launch = sampleLaunch(node);
  const artifact = cluster.artifacts[version];
  if (!artifact) throw new Error(`the sample cluster has no artifact of ${version}`);
  await host.install(node, version, artifact, launch, sampleContext);
  await host.start(node, launch, sampleContext);
}

async function waitUntilReady(sample: SampleCluster, id: string): Promise<void> {
  await until(`${id} accepts connections as ${superuser}`, async () => {
    const client = new Client(sample.connection(id));
    // A server that goes away at once raises this beside the rejection.
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query('SELECT 1');
      return true;
    } finally {
      await client.end();
    }
  });
}

const portOf = (node: NodeSpec): number => Number(node.address.slice(node.address.lastIndexOf(':') + 1));

async function emptyDirectory(given: string | undefined): Promise<string> {
  if (given === undefined) return newReachableDirectory('rollgate-sample-');
  await mkdir(given, { recursive: true, mode: 0o755 });
  if ((await readdir(given)).length > 0) throw new Error(`${given} is not empty; choose another directory`);
  await requireReachable(given);
  return given;
}
