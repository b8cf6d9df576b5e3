import { z, type ZodType } from 'zod';
import {
  apiVersion,
  ClusterFormationSpec,
  ClusterSpec,
  Name,
  NodeSpec,
  PipelineSpec,
  RollingUpgradeSpec,
  StorageMigrationSpec,
  type Kind,
} from '../contracts/spec.js';
import { hostKinds } from '../hosts/registry.js';
import { routerKinds } from '../routing/registry.js';
import { systemSettings } from '../systems/settings.js';

/**
 * The documents as users write them: the shapes of the contracts joined with the settings of every system,
 * host kind and router that rollgate knows. What reads a file and what is written out for editors is this.
 */
const host = z
  .discriminatedUnion('kind', oneOrMore(Object.values(hostKinds).map((kind) => kind.settings)))
  .describe('How software on the node is managed.');

const routing = z
  .discriminatedUnion('kind', oneOrMore(Object.values(routerKinds).map((kind) => kind.settings)))
  .prefault({ kind: 'none' })
  .describe('How a node is taken out of client traffic and put back. Default: kind none.');

const clusterOf = (system: string, settings: ZodType) =>
  ClusterSpec.omit({ name: true }).extend({
    system: z.literal(system).describe('The data system.'),
    settings: (settings.safeParse({}).success ? settings.prefault({}) : settings).describe(
      `The settings of ${system}.`,
    ),
    nodes: z.array(NodeSpec.extend({ host })).min(1).describe('Every member of the cluster.'),
    routing,
  });

const cluster = z.discriminatedUnion(
  'system',
  oneOrMore(Object.entries(systemSettings).map(([system, settings]) => clusterOf(system, settings))),
);

export const documentSchemas = {
  Cluster: documentOf('Cluster', 'What a cluster is and how to reach it.', cluster),
  RollingUpgrade: documentOf(
    'RollingUpgrade',
    'Bring every node of a cluster to another version, one at a time.',
    RollingUpgradeSpec.omit({ name: true }),
  ),
  ClusterFormation: documentOf(
    'ClusterFormation',
    'Make a cluster of a standalone that has data in it, and change who its members are.',
    ClusterFormationSpec.omit({ name: true }),
  ),
  StorageMigration: documentOf(
    'StorageMigration',
    'Copy a live cluster to another one on new storage, and let that one take the writes.',
    StorageMigrationSpec.omit({ name: true }),
  ),
  Pipeline: documentOf(
    'Pipeline',
    'Upgrades of one cluster as one run, one after the other, where one step does not lead to the target.',
    PipelineSpec.omit({ name: true }),
  ),
} as const satisfies Record<Kind, ZodType>;

function documentOf<K extends Kind, S extends ZodType>(kind: K, description: string, spec: S) {
  return z
    .strictObject({
      apiVersion: z.literal(apiVersion).describe('The version of this format.'),
      kind: z.literal(kind).describe(description),
      metadata: z
        .strictObject({ name: Name.describe(`The name of this ${kind}, unique among its kind.`) })
        .describe('How other documents and commands call this one.'),
      spec: spec.describe(description),
    })
    .describe(description);
}

function oneOrMore<T>(all: readonly T[]): [T, ...T[]] {
  const [first, ...rest] = all;
  if (first === undefined) throw new RangeError('a registry of adapters is empty');
  return [first, ...rest];
}
