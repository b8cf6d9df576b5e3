import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { ClusterSpec, nodeSpec, type NodeId } from '../../contracts/index.js';
import { createLocalHost } from '../../hosts/local/host.js';
import { launch } from '../../systems/etcd/launch.js';
import { until } from '../postgres/until.js';
import { getAt, membersAt, putAt, statusOf, type EtcdMember, type EtcdStatus } from './ask.js';
import { etcdSampleContext } from './context.js';
import { endProcesses } from './end-processes.js';

export interface EtcdSampleCluster {
  /** Holds everything of the cluster, `cluster.yaml` among it. */
  readonly directory: string;
  readonly cluster: ClusterSpec;
  /** The `Cluster` document, as in `cluster.yaml`. */
  readonly yaml: string;
  /** Write through one node. @returns the revision of the write */
  put(node: NodeId, key: string, value: string): Promise<number>;
  /** Read through one node; `local`: what it has itself, without asking the quorum. */
  get(node: NodeId, key: string, options?: { local?: boolean }): Promise<string | undefined>;
  /** The member list as one node has it. */
  members(node: NodeId): Promise<readonly EtcdMember[]>;
  /** What one node says of itself. */
  status(node: NodeId): Promise<EtcdStatus>;
  /** The node that leads, by its own word. @throws Error when none says so within 10 s */
  leader(): Promise<NodeId>;
  /** The process of a node. @throws Error when it does not run */
  pid(node: NodeId): Promise<number>;
  /** SIGSTOP: its connections stay, and it does nothing. */
  pause(node: NodeId): Promise<void>;
  /** SIGCONT. */
  resume(node: NodeId): Promise<void>;
  /** SIGKILL; returns when the process is gone. */
  kill(node: NodeId): Promise<void>;
  /** Start a node that has been a member before, with what is installed on it. */
  start(node: NodeId): Promise<void>;
  /** Stop nodes cleanly, default all of them; the data stays. */
  stop(nodes?: readonly NodeId[]): Promise<void>;
  /** End every process of the cluster by force and remove the directory. */
  destroy(): Promise<void>;
}

const Document = z.object({
  metadata: z.object({ name: z.string() }),
  spec: z.record(z.string(), z.unknown()),
});

/** Find a sample cluster again by its directory, e.g. one that another process has made. */
export async function openEtcdSampleCluster(directory: string): Promise<EtcdSampleCluster> {
  const yaml = await readFile(join(directory, 'cluster.yaml'), 'utf8');
  const document = Document.parse(parse(yaml));
  const cluster = ClusterSpec.parse({ name: document.metadata.name, ...document.spec });
  const host = createLocalHost();
  const ctx = etcdSampleContext;
  const addressOf = (id: NodeId) => nodeSpec(cluster, id).address;

  const hostStatus = (id: NodeId) => host.status(nodeSpec(cluster, id), launch(cluster, id), ctx);
  const pid = async (id: NodeId): Promise<number> => {
    const status = await hostStatus(id);
    if (status.kind === 'running') return status.pid;
    throw new Error(`${id} does not run: ${status.kind === 'unknown' ? status.reason : 'it is stopped'}`);
  };

  return {
    directory,
    cluster,
    yaml,
    put: (id, key, value) => putAt(addressOf(id), key, value),
    get: (id, key, options = {}) => getAt(addressOf(id), key, options.local ?? false),
    members: (id) => membersAt(addressOf(id)),
    status: (id) => statusOf(addressOf(id)),
    async leader() {
      let leader: NodeId | undefined;
      const ask = async () => {
        const asked = cluster.nodes.map(async ({ id, address }) => ({
          id,
          status: await statusOf(address, 1000),
        }));
        const said = (await Promise.allSettled(asked)).flatMap((a) =>
          a.status === 'fulfilled' ? [a.value] : [],
        );
        const leading = said.filter(({ status }) => status.isLeader);
        // One that was deposed and has not noticed has an older term.
        leader = leading.sort((a, b) => b.status.term - a.status.term)[0]?.id;
        return leader !== undefined;
      };
      await until(`a node of ${cluster.name} leads`, ask, 10_000);
      if (leader === undefined) throw new Error('unreachable: until() returned without a leader');
      return leader;
    },
    pid,
    async pause(id) {
      process.kill(await pid(id), 'SIGSTOP');
    },
    async resume(id) {
      process.kill(await pid(id), 'SIGCONT');
    },
    async kill(id) {
      process.kill(await pid(id), 'SIGKILL');
      await until(`${id} has ended`, async () => (await hostStatus(id)).kind === 'stopped', 10_000);
    },
    start: (id) => host.start(nodeSpec(cluster, id), launch(cluster, id), ctx),
    async stop(ids = cluster.nodes.map(({ id }) => id)) {
      const options = { timeoutMs: 60_000, pollMs: 20 };
      // At once: one after the other, the last ones would look for a quorum that is gone.
      await Promise.all(ids.map((id) => host.stop(nodeSpec(cluster, id), launch(cluster, id), options, ctx)));
    },
    async destroy() {
      await endProcesses(directory);
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
