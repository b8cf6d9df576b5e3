import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const cluster = `apiVersion: rollgate/v1
kind: Cluster
metadata: { name: registry }
spec:
  system: etcd
  settings:
    peers: { etcd-1: "127.0.0.1:2380", etcd-2: "127.0.0.1:22380", etcd-3: "127.0.0.1:32380" }
  nodes:
    - { id: etcd-1, address: "127.0.0.1:2379", host: { kind: local, directory: /srv/etcd-1 } }
    - { id: etcd-2, address: "127.0.0.1:22379", host: { kind: local, directory: /srv/etcd-2 } }
    - { id: etcd-3, address: "127.0.0.1:32379", host: { kind: local, directory: /srv/etcd-3 } }
  artifacts:
    "3.6.16": { path: /opt/etcd, sha256: ${'a'.repeat(64)} }
`;
const formation = `apiVersion: rollgate/v1
kind: ClusterFormation
metadata: { name: three }
spec: { cluster: registry, seed: etcd-1, version: "3.6.16", expand: [etcd-2, etcd-3] }
`;

/** A directory with the cluster `registry` and its formation, in two files. */
export function formationFiles(): {
  readonly directory: string;
  readonly cluster: string;
  readonly formation: string;
  readonly remove: () => void;
} {
  const directory = mkdtempSync(join(tmpdir(), 'rollgate-formation-'));
  const paths = {
    cluster: join(directory, 'cluster.yaml'),
    // A name that a shell would take apart.
    formation: join(directory, 'my formation.yaml'),
  };
  writeFileSync(paths.cluster, cluster);
  writeFileSync(paths.formation, formation);
  return { directory, ...paths, remove: () => rmSync(directory, { recursive: true }) };
}
