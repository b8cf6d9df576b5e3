import { readFile, rm } from 'node:fs/promises';
import { z } from 'zod';
import { nodeSpec, type ClusterSpec, type NodeId } from '../../../src/contracts/index.js';
import { etcdSampleContext as ctx } from '../../../src/dev/etcd/context.js';
import { post } from '../../../src/dev/etcd/gateway.js';
import type { EtcdSampleCluster } from '../../../src/dev/etcd/sample-cluster.js';
import { until } from '../../../src/dev/postgres/until.js';
import { createLocalHost } from '../../../src/hosts/local/host.js';
import { layoutOf } from '../../../src/hosts/local/layout.js';
import { launch, launchAmong } from '../../../src/systems/etcd/launch.js';
import { EtcdSettings } from '../../../src/systems/etcd/settings.js';

const host = createLocalHost();

/** What an administrator does to members beside a run: by etcd's own calls, none of them rollgate's. */

/** Changes of the member list are refused for some seconds after a member's start; asked again until done. */
const patienceMs = 30_000;

const Any = z.looseObject({});

function call(sample: EtcdSampleCluster, node: NodeId, path: string, body: object): Promise<unknown> {
  return post(nodeSpec(sample.cluster, node).address, path, body, Any, 10_000);
}

/** The id of a node by its peer address, which it has before it has a name. */
async function memberOf(sample: EtcdSampleCluster, by: NodeId, node: NodeId) {
  const url = `http://${EtcdSettings.parse(sample.cluster.settings).peers[node] ?? ''}`;
  return (await sample.members(by)).find((m) => m.peerUrls.includes(url));
}

/** @param by the member that is asked */
export async function addMember(
  sample: EtcdSampleCluster,
  by: NodeId,
  node: NodeId,
  { learner = false } = {},
): Promise<void> {
  const url = `http://${EtcdSettings.parse(sample.cluster.settings).peers[node] ?? ''}`;
  const body = { peerURLs: [url], isLearner: learner };
  await until(
    `${node} is added`,
    async () => {
      if (await memberOf(sample, by, node)) return true;
      await call(sample, by, '/v3/cluster/member/add', body);
      return true;
    },
    patienceMs,
  );
}

export async function promote(sample: EtcdSampleCluster, by: NodeId, node: NodeId): Promise<void> {
  await until(
    `${node} is promoted`,
    async () => {
      const member = await memberOf(sample, by, node);
      if (member?.isLearner === false) return true;
      await call(sample, by, '/v3/cluster/member/promote', { ID: member?.id });
      return true;
    },
    patienceMs,
  );
}

export async function removeMember(sample: EtcdSampleCluster, by: NodeId, node: NodeId): Promise<void> {
  await until(
    `${node} is removed`,
    async () => {
      const member = await memberOf(sample, by, node);
      if (!member) return true;
      await call(sample, by, '/v3/cluster/member/remove', { ID: member.id });
      return true;
    },
    patienceMs,
  );
}

/** Leadership to `to`, from whoever leads; every member agrees when this returns. */
export async function transferLeadership(sample: EtcdSampleCluster, to: NodeId): Promise<void> {
  await until(
    `${to} leads`,
    async () => {
      const from = await sample.leader();
      if (from === to) return true;
      const { memberId } = await sample.status(to);
      await call(sample, from, '/v3/maintenance/transfer-leadership', { targetID: memberId });
      return false;
    },
    patienceMs,
  );
}

/** Raise or disarm the alarm that a full database raises. */
export async function alarm(
  sample: EtcdSampleCluster,
  node: NodeId,
  action: 'ACTIVATE' | 'DEACTIVATE',
): Promise<void> {
  const { memberId } = await sample.status(node);
  await call(sample, node, '/v3/maintenance/alarm', { action, memberID: memberId, alarm: 'NOSPACE' });
}

/** Everything that a stopped node knows is gone. */
export const emptyData = (sample: EtcdSampleCluster, node: NodeId): Promise<void> =>
  rm(layoutOf(nodeSpec(sample.cluster, node)).dataDir, { recursive: true });

/** Start an added member that has no data yet. `members`: exactly those in the list, itself among them. */
export async function join(
  sample: EtcdSampleCluster,
  node: NodeId,
  members: readonly NodeId[],
): Promise<void> {
  const spec = nodeSpec(sample.cluster, node);
  await host.makeDataDirectory(spec, ctx);
  await host.start(spec, launchAmong(sample.cluster, node, members), ctx);
}

/** What the node's program has said so far. */
export const logOf = (sample: EtcdSampleCluster, node: NodeId): Promise<string> =>
  readFile(layoutOf(nodeSpec(sample.cluster, node)).log, 'utf8');

/** Start a member with its data as another cluster file says. */
export const startOn = (cluster: ClusterSpec, node: NodeId): Promise<void> =>
  host.start(nodeSpec(cluster, node), launch(cluster, node), ctx);

/** Give a stopped node another version; no table is asked. */
export async function install(sample: EtcdSampleCluster, node: NodeId, version: string): Promise<void> {
  const artifact = sample.cluster.artifacts[version];
  if (!artifact) throw new Error(`the sample has no artifact of ${version}`);
  const spec = nodeSpec(sample.cluster, node);
  await host.install(spec, version, artifact, launch(sample.cluster, node), ctx);
}

/** A member that `by` and itself know, with the data of the others: `key` is written on `by` and read on it. */
export async function replicates(
  sample: EtcdSampleCluster,
  from: NodeId,
  on: readonly NodeId[],
): Promise<void> {
  const key = `canary/${Math.random().toString(36).slice(2)}`;
  await sample.put(from, key, from);
  for (const node of on) {
    await until(
      `what ${from} writes is on ${node}`,
      async () => (await sample.get(node, key, { local: true })) === from,
      patienceMs,
    );
  }
}
