import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeSpec, type ClusterSpec, type NodeId } from '../../contracts/index.js';
import { createLocalHost } from '../../hosts/local/host.js';
import { layoutOf } from '../../hosts/local/layout.js';
import { freePort } from '../free-port.js';
import type { KeptArtifact } from '../kept-artifact.js';
import { newReachableDirectory } from '../postgres/reachable-directory.js';
import { until } from '../postgres/until.js';
import { isHealthy, membersAt, statusOf } from './ask.js';
import { prepareEtcd, type EtcdVersion } from './binaries.js';
import { etcdSampleContext } from './context.js';
import { clusterDocument, etcdSampleSpec, type EtcdSampleNode } from './document.js';
import { firstLaunch } from './first-launch.js';
import { openEtcdSampleCluster, type EtcdSampleCluster } from './sample-cluster.js';

export interface EtcdSampleClusterOptions {
  /** Must be absent or empty; default: a new one below the temporary directory. */
  readonly directory?: string;
  readonly name?: string;
  /** Default 3: etcd-1, etcd-2, etcd-3. */
  readonly nodes?: number;
  /** What every member runs at first; default 3.5.35. */
  readonly version?: EtcdVersion;
  /** Which versions the cluster file has besides; default 3.5.35 and 3.6.16. */
  readonly artifacts?: readonly EtcdVersion[];
  /** Only etcd-1 exists, as a cluster of its own: what cluster formation begins with. */
  readonly standalone?: boolean;
  /** Further nodes of the cluster file that do not exist yet, e.g. `['etcd-4']`. */
  readonly spares?: readonly NodeId[];
  /** Further arguments of every member, as in `settings.args`, e.g. `--snapshot-count=100`. */
  readonly args?: readonly string[];
  /** Is told what is built when the binaries are not there yet. */
  readonly onProgress?: (line: string) => void;
}

/**
 * Make and start a real etcd cluster on this machine. Returns when every member is healthy, one leads, and all have
 * agreed on the cluster version and have their storage at it. Of nodes that do not exist yet there is the node's
 * directory and no data. Nothing is left behind if it fails.
 */
export async function createEtcdSampleCluster(
  options: EtcdSampleClusterOptions = {},
): Promise<EtcdSampleCluster> {
  const version = options.version ?? '3.5.35';
  const artifacts: Record<string, KeptArtifact> = {};
  for (const each of new Set([version, ...(options.artifacts ?? (['3.5.35', '3.6.16'] as const))])) {
    artifacts[each] = await prepareEtcd(each, options.onProgress);
  }
  const ids = Array.from({ length: options.nodes ?? 3 }, (_, index) => `etcd-${index + 1}`);
  const nodes: EtcdSampleNode[] = [];
  for (const id of [...ids, ...(options.spares ?? [])]) {
    nodes.push({ id, clientPort: await freePort(), peerPort: await freePort() });
  }

  const directory = await emptyDirectory(options.directory);
  const { name = 'sample', args = [] } = options;
  const spec = etcdSampleSpec({ name, directory, nodes, args, artifacts });
  await writeFile(join(directory, 'cluster.yaml'), clusterDocument(spec));
  const sample = await openEtcdSampleCluster(directory);
  try {
    await startMembers(sample.cluster, options.standalone === true ? ids.slice(0, 1) : ids, version);
    return sample;
  } catch (error) {
    await sample.destroy();
    throw error;
  }
}

async function startMembers(
  cluster: ClusterSpec,
  members: readonly NodeId[],
  version: EtcdVersion,
): Promise<void> {
  const artifact = cluster.artifacts[version];
  if (!artifact) throw new Error(`the sample cluster has no artifact of ${version}`);
  for (const node of cluster.nodes) await mkdir(layoutOf(node).directory, { mode: 0o755 });
  const host = createLocalHost();
  const launchOf = firstLaunch(cluster, members);
  await Promise.all(
    members.map(async (id) => {
      const [node, launch] = [nodeSpec(cluster, id), launchOf(id)];
      await mkdir(layoutOf(node).dataDir, { mode: 0o700 });
      await host.install(node, version, artifact, launch, etcdSampleContext);
      await host.start(node, launch, etcdSampleContext);
    }),
  );
  await until(`${members.join(', ')} are one healthy cluster on ${version}`, () =>
    isSettled(
      members.map((id) => nodeSpec(cluster, id).address),
      version,
    ),
  );
}

/** Throws where a member does not answer; `until` asks again and tells the last reason. */
async function isSettled(addresses: readonly string[], version: EtcdVersion): Promise<boolean> {
  const level = `${version.split('.').slice(0, 2).join('.')}.0`;
  // From 3.6 on each member brings its storage to the cluster's level within some seconds; 3.5 does not tell.
  const storage = level === '3.5.0' ? undefined : level;
  const settled = await Promise.all(
    addresses.map(async (address) => {
      const status = await statusOf(address);
      const list = await membersAt(address);
      const complete = list.length === addresses.length && list.every(({ name }) => name !== '');
      const leveled = status.clusterVersion === level && status.storageVersion === storage;
      return (await isHealthy(address)) && complete && leveled ? status : undefined;
    }),
  );
  return settled.every((status) => status) && settled.filter((status) => status?.isLeader).length === 1;
}

async function emptyDirectory(given: string | undefined): Promise<string> {
  if (given === undefined) return newReachableDirectory('rollgate-sample-');
  await mkdir(given, { recursive: true, mode: 0o755 });
  if ((await readdir(given)).length > 0) throw new Error(`${given} is not empty; choose another directory`);
  return given;
}
