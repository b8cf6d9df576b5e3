import { join } from 'node:path';
import { stringify } from 'yaml';
import { apiVersion, ClusterSpec, type NodeId } from '../../contracts/index.js';
import type { KeptArtifact } from '../kept-artifact.js';

export interface EtcdSampleNode {
  readonly id: NodeId;
  readonly clientPort: number;
  readonly peerPort: number;
}

export function etcdSampleSpec(sample: {
  name: string;
  directory: string;
  nodes: readonly EtcdSampleNode[];
  args: readonly string[];
  artifacts: Readonly<Record<string, KeptArtifact>>;
}): ClusterSpec {
  return ClusterSpec.parse({
    name: sample.name,
    system: 'etcd',
    settings: {
      peers: Object.fromEntries(sample.nodes.map(({ id, peerPort }) => [id, `127.0.0.1:${peerPort}`])),
      ...(sample.args.length > 0 && { args: sample.args }),
    },
    nodes: sample.nodes.map(({ id, clientPort }) => ({
      id,
      address: `127.0.0.1:${clientPort}`,
      host: { kind: 'local', directory: join(sample.directory, id) },
    })),
    artifacts: Object.fromEntries(
      Object.entries(sample.artifacts).map(([version, { directory, sha256 }]) => [
        version,
        { path: directory, sha256 },
      ]),
    ),
    routing: { kind: 'none' },
  });
}

/** The `Cluster` document that a user would write. */
export function clusterDocument({ name, ...spec }: ClusterSpec): string {
  return stringify({ apiVersion, kind: 'Cluster', metadata: { name }, spec });
}
