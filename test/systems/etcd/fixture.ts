import {
  findNode,
  RollgateError,
  type ClusterView,
  type DataSystem,
  type NodeId,
  type NodeView,
  type SecretResolver,
} from '../../../src/contracts/index.js';
import type { EtcdSampleCluster } from '../../../src/dev/etcd/sample-cluster.js';
import { etcdSampleContext } from '../../../src/dev/etcd/context.js';
import { createLocalHost } from '../../../src/hosts/local/host.js';
import { createEtcdSystem } from '../../../src/systems/etcd/system.js';

/** These clusters are without authentication: nothing may ask for a secret. */
export const noSecrets: SecretResolver = {
  resolve: (ref) => Promise.reject(new Error(`nobody should ask for ${ref}`)),
  redact: (text) => text,
};

export const etcdSystem = (): DataSystem => {
  const host = createLocalHost();
  return createEtcdSystem({ host: () => host, secrets: noSecrets });
};

export const ctx = etcdSampleContext;

export function nodeIn(view: ClusterView, id: NodeId): NodeView {
  const node = findNode(view, id);
  if (!node) throw new Error(`${id} is not in the view`);
  return node;
}

export function groupIn(view: ClusterView): ClusterView['groups'][number] {
  const [group, ...more] = view.groups;
  if (!group || more.length > 0) throw new Error(`there are ${view.groups.length} groups`);
  return group;
}

/** Every node but the leader, in the order of the cluster file. */
export const followersOf = (sample: EtcdSampleCluster, leader: NodeId): readonly [NodeId, NodeId] => {
  const [a, b] = sample.cluster.nodes.map((n) => n.id).filter((id) => id !== leader);
  if (a === undefined || b === undefined) throw new Error('three nodes are needed');
  return [a, b];
};

/** The code of the error that the call ends with. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    if (error instanceof RollgateError) return error.code;
    throw error;
  }
  throw new Error('no error came');
}
