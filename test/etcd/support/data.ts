import { expect } from 'vitest';
import { z } from 'zod';
import { nodeSpec, type ClusterSpec, type NodeId } from '../../../src/contracts/index.js';
import { Int, post } from '../../../src/dev/etcd/gateway.js';
import type { EtcdSampleCluster } from '../../../src/dev/etcd/sample-cluster.js';

const keys = 30;

/** What is there before anything begins. @returns the revision at which it is all there */
export async function writeBefore(sample: EtcdSampleCluster, node: NodeId): Promise<number> {
  let revision = 0;
  for (let i = 0; i < keys; i++) revision = await sample.put(node, `before/${i}`, `value ${i}`);
  return revision;
}

/** For the step `before` of a scenario, of a standalone or of members that etcd-1 is one of. */
export async function withData(sample: EtcdSampleCluster): Promise<ClusterSpec> {
  await writeBefore(sample, 'etcd-1');
  return sample.cluster;
}

/** What was there before is on each of these nodes itself. */
export async function expectBefore(sample: EtcdSampleCluster, nodes: readonly NodeId[]): Promise<void> {
  for (const node of nodes) {
    for (let i = 0; i < keys; i++) {
      expect(await sample.get(node, `before/${i}`, { local: true }), `before/${i} on ${node}`).toBe(
        `value ${i}`,
      );
    }
  }
}

const Hash = z.looseObject({ hash: Int, compact_revision: Int, hash_revision: Int });

/** What a node itself holds at a revision, as one number (HashKV): https://etcd.io/docs/v3.6/dev-guide/api_reference_v3/ */
export const hashAt = (sample: EtcdSampleCluster, node: NodeId, revision: number) =>
  post(nodeSpec(sample.cluster, node).address, '/v3/maintenance/hashkv', { revision }, Hash).then(
    ({ hash, compact_revision, hash_revision }) => ({ hash, compact_revision, hash_revision }),
  );

/** The sample with these nodes only: those that are to be members. */
export const only = (sample: EtcdSampleCluster, ids: readonly NodeId[]): EtcdSampleCluster => ({
  ...sample,
  cluster: { ...sample.cluster, nodes: sample.cluster.nodes.filter((n) => ids.includes(n.id)) },
});
