import { join } from 'node:path';
import { stringify } from 'yaml';
import { apiVersion, ClusterSpec, NodeSpec } from '../../contracts/index.js';
import type { KeptArtifact } from '../kept-artifact.js';
import { superuser } from './configuration.js';
import { sampleUser } from './reachable-directory.js';

export function sampleNode(id: string, port: number, directory: string, dataDirectory?: string): NodeSpec {
  const host = {
    ...{ kind: 'local', directory: join(directory, id) },
    ...(dataDirectory !== undefined && { dataDir: join(dataDirectory, id) }),
    ...(sampleUser && { runAs: sampleUser }),
  };
  return NodeSpec.parse({ id, address: `127.0.0.1:${port}`, host });
}

export function sampleSpec(sample: {
  name: string;
  directory: string;
  nodes: readonly NodeSpec[];
  artifacts: Readonly<Record<string, KeptArtifact>>;
}): ClusterSpec {
  return ClusterSpec.parse({
    name: sample.name,
    system: 'postgres',
    settings: {
      user: superuser,
      password: `file:${join(sample.directory, 'password')}`,
      database: 'postgres',
    },
    nodes: sample.nodes,
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
