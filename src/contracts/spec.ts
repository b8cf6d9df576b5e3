import { z } from 'zod';

/**
 * What the user writes, as zod schemas and the types read from them. Strict throughout: an unknown key is an
 * error. Settings of one system, host kind or router are `unknown` here and are parsed by their own folder;
 * src/spec joins them all for validation of a file.
 */

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const unitBytes = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

/** `500ms`, `30s`, `5m`, `2h`, `1d` → milliseconds. */
export const Duration = z
  .string()
  .regex(/^\d+(\.\d+)?(ms|s|m|h|d)$/, 'a duration such as 500ms, 30s, 5m, 2h or 1d')
  .transform((text) => {
    const match = /^([\d.]+)(ms|s|m|h|d)$/.exec(text);
    if (!match) throw new TypeError(`not a duration: ${text}`);
    return Math.round(Number(match[1]) * unitMs[match[2] as keyof typeof unitMs]);
  });

/** `0B`, `64KiB`, `16MiB`, `1GiB` → the number of bytes. */
export const Size = z
  .string()
  .regex(/^\d+(\.\d+)?(B|KiB|MiB|GiB)$/, 'a size such as 0B, 64KiB, 16MiB or 1GiB')
  .transform((text) => {
    const match = /^([\d.]+)(B|KiB|MiB|GiB)$/.exec(text);
    if (!match) throw new TypeError(`not a size: ${text}`);
    return Math.round(Number(match[1]) * unitBytes[match[2] as keyof typeof unitBytes]);
  });

/** A name that is safe in workflow ids, file names and SQL identifiers made from it. */
export const Name = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/, 'lower-case letters, digits, "-" and ".", at most 63');

/** A reference to a secret, never the secret: `env:NAME` or `file:/absolute/path`. Resolved in activities. */
export const SecretRef = z
  .string()
  .regex(
    /^(env:[A-Za-z_][A-Za-z0-9_]*|file:\/.+)$/,
    'a reference such as env:NAME or file:/absolute/path, not the secret itself',
  );
export type SecretRef = z.infer<typeof SecretRef>;

export const VersionText = z.string().regex(/^\d+(\.\d+){0,3}$/, 'a version in quotes, such as "17.10"');
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits');

/** `host:port`, with an IPv6 host in brackets. */
export const Address = z
  .string()
  .regex(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):\d{1,5}$/, 'an address such as db-1.example:5432');

export const NodeSpec = z.strictObject({
  id: Name.describe('The name of the node in plans, status and reports.'),
  group: Name.default('default').describe('Nodes that replicate the same data share a group.'),
  address: Address.describe('host:port where the node serves its clients, in quotes when in doubt.'),
  host: z
    .looseObject({ kind: z.string() })
    .describe('How software on the node is managed; `kind` picks the host adapter.'),
});
export type NodeSpec = z.infer<typeof NodeSpec>;

export const ArtifactSpec = z.strictObject({
  path: z.string().min(1).describe("Directory on the node's host that holds this version."),
  sha256: Sha256.describe('Digest of the directory, as printed by `rollgate digest <directory>`.'),
});
export type ArtifactSpec = z.infer<typeof ArtifactSpec>;

export const ClusterSpec = z.strictObject({
  name: Name,
  system: z.string().min(1).describe('The data system.'),
  settings: z.record(z.string(), z.unknown()).default({}).describe("The system's own settings."),
  nodes: z.array(NodeSpec).min(1).describe('Every member of the cluster.'),
  artifacts: z
    .record(VersionText, ArtifactSpec)
    .default({})
    .describe('Version, in quotes, → what is to be installed for it.'),
  routing: z
    .looseObject({ kind: z.string() })
    .default({ kind: 'none' })
    .describe('How a node is taken out of client traffic and put back. Default: kind none.'),
});
export type ClusterSpec = z.infer<typeof ClusterSpec>;

const learnerLag = z.int().min(0).default(100);

/** What every kind of run is told about how to go about it. */
const runFields = {
  accept: z
    .array(z.string().describe('The name of a window or obstacle.'))
    .default([])
    .describe('Windows of possible loss and obstacles that are accepted, by name, as `plan` prints them.'),
  approvals: z
    .strictObject({
      before: z
        .array(z.string().describe('`start`, `handover`, or a step id of the plan such as `replace/pg-2`.'))
        .default([])
        .describe('The steps that wait for an approval. Default: none.'),
      expireAfter: Duration.default(86_400_000).describe(
        'An approval that has not come by then is a rejection. Default 24h.',
      ),
    })
    .prefault({})
    .describe('Who must be asked before what.'),
  onFailure: z
    .enum(['wait', 'rollback'])
    .default('wait')
    .describe('When a step fails for good: wait for an operator, or roll back at once.'),
  timeouts: z
    .strictObject({
      gate: Duration.default(600_000).describe(
        'How long a gate may hold before the step fails. Default 10m.',
      ),
      drain: Duration.default(30_000).describe(
        'From the drain until in-flight work has ended and lag is 0. Default 30s.',
      ),
      stop: Duration.default(60_000).describe('For a clean stop of a node. Default 60s.'),
      start: Duration.default(120_000).describe(
        'From the process start until the node answers on its version. Default 2m.',
      ),
      rejoin: Duration.default(60_000).describe('From then until it has caught up. Default 60s.'),
      handover: Duration.default(30_000).describe(
        'From the fence to the release; after it both sides are put back as they were. Default 30s.',
      ),
    })
    .prefault({})
    .describe('How long each part may take.'),
  poll: Duration.default(100).describe(
    'Pause between two observations while a gate is awaited. Default 100ms.',
  ),
  soak: Duration.default(10_000).describe('How long a node must hold after it has rejoined. Default 10s.'),
  maxLag: Size.default(16 * 1024 ** 2).describe(
    'Replicas further behind than this do not count as in sync. Default 16MiB.',
  ),
  maxObservationAge: Duration.default(5000).describe('An observation older than this is stale. Default 5s.'),
  probe: z
    .strictObject({
      enabled: z
        .boolean()
        .default(true)
        .describe('Write throughout the run and read back at its end. Default true.'),
      writers: z.int().min(1).max(64).default(1).describe('Clients that write at once. Default 1.'),
      interval: Duration.default(50).describe('Pause between two writes of one writer. Default 50ms.'),
      timeout: Duration.default(5000).describe('A write not answered by then is unknown. Default 5s.'),
    })
    .prefault({})
    .describe('The write ledger: what clients saw during the run.'),
} as const;

export const RollingUpgradeSpec = z.strictObject({
  name: Name,
  cluster: Name.describe('metadata.name of the Cluster document.'),
  to: VersionText.describe('The target version, in quotes: "17.10".'),
  strategy: z
    .enum(['in-place', 'by-membership'])
    .default('in-place')
    .describe(
      'in-place: each node is stopped, swapped and started on its own data. by-membership: a new node joins, then an old one is removed, one at a time.',
    ),
  replacements: z
    .record(Name, Name)
    .default({})
    .describe('by-membership: old member → the node of the Cluster that takes its place.'),
  learnerLag: learnerLag.describe(
    "by-membership: how far behind a learner may be when it gets its vote, in the log's own unit. Default 100.",
  ),
  switch: z
    .strictObject({
      approval: z
        .boolean()
        .default(true)
        .describe('Wait for an approval before the level of the cluster changes. Default true.'),
      burnIn: Duration.default(0).describe(
        'How long every node must hold before the level changes, so that the new version shows itself. Default 0s.',
      ),
    })
    .prefault({})
    .describe('The version switch, for systems whose nodes agree on a level (etcd: the cluster version).'),
  ...runFields,
});
export type RollingUpgradeSpec = z.infer<typeof RollingUpgradeSpec>;

export const formationStages = ['init', 'serve', 'expand', 'transfer-leader', 'remove-member'] as const;
export type FormationStage = (typeof formationStages)[number];

export const ClusterFormationSpec = z.strictObject({
  name: Name,
  cluster: Name.describe('metadata.name of the Cluster document, which declares every member to come.'),
  seed: Name.describe('The node whose data directory holds the standalone.'),
  version: VersionText.describe('What every member runs, in quotes: "3.6.16"; an artifact of the Cluster.'),
  expand: z
    .array(Name)
    .default([])
    .describe('Nodes that become members, one after the other, in this order. Default: none.'),
  leader: Name.optional().describe('Who is to lead after the expansion. Default: whoever does.'),
  remove: z.array(Name).default([]).describe('Members that are taken out at the end. Default: none.'),
  learnerLag: learnerLag.describe(
    "How far behind a learner may be when it gets its vote, in the log's own unit. Default 100.",
  ),
  ...runFields,
});
export type ClusterFormationSpec = z.infer<typeof ClusterFormationSpec>;

export const PipelineSpec = z.strictObject({
  name: Name,
  cluster: Name.describe('metadata.name of the Cluster document.'),
  stages: z
    .array(Name)
    .min(1)
    .describe(
      'metadata.name of RollingUpgrade and StorageMigration documents, in the order in which they run: of this cluster, after a migration of its destination.',
    ),
  onFailure: z
    .enum(['stay', 'rollback'])
    .default('stay')
    .describe(
      'When a stage does not complete: stay where the stages before have brought the cluster, or roll them back as well, as far back as the last migration that was accepted. What becomes of the stage itself says its own onFailure. Default stay.',
    ),
});
export type PipelineSpec = z.infer<typeof PipelineSpec>;

/** `HH:MM`, UTC. */
const TimeOfDay = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day in quotes, such as "02:30", UTC');

export const StorageMigrationSpec = z.strictObject({
  name: Name,
  source: Name.describe('metadata.name of the Cluster document of A, which is live.'),
  destination: Name.describe(
    'metadata.name of the Cluster document of B: initialised, empty, running, on the new version.',
  ),
  copy: z
    .strictObject({
      streams: z.int().min(1).max(64).default(3).describe('Ranges that are copied at once. Default 3.'),
    })
    .prefault({})
    .describe('The first copy of the rows.'),
  validation: z
    .strictObject({
      streams: z
        .int()
        .min(1)
        .max(64)
        .default(2)
        .describe('Ranges of each side that are hashed at once. Default 2.'),
      mismatches: z
        .int()
        .min(1)
        .max(1000)
        .default(20)
        .describe('How many rows that differ are located and shown, of each table. Default 20.'),
    })
    .prefault({})
    .describe('The comparison of both copies.'),
  cutover: z
    .strictObject({
      approval: z
        .boolean()
        .default(true)
        .describe('Wait for an approval before B takes the writes. Default true.'),
      maxWritePause: Duration.default(1000).describe(
        'Writers wait no longer than this, at a cut or at the cutover: it is given up and tried again. Default 1s.',
      ),
      window: z
        .strictObject({
          from: TimeOfDay.describe('The first minute, UTC.'),
          to: TimeOfDay.describe('The last one; earlier than `from`: on the next day.'),
        })
        .optional()
        .describe('The hours within which the cutover may happen. Default: any.'),
    })
    .prefault({})
    .describe('When B takes the writes, and what that may cost.'),
  observe: z
    .strictObject({
      for: Duration.default(600_000).describe(
        'How long B takes the writes, with A kept current, before it is asked to accept. Default 10m.',
      ),
      synchronousReverse: z
        .boolean()
        .default(true)
        .describe(
          'B confirms a write when A has it too, so that a cut-back loses none even when B is lost. false opens the window reverse-asynchronous. Default true.',
        ),
      acceptance: z
        .boolean()
        .default(true)
        .describe('Wait for an approval before A is retired: there is no way back from there. Default true.'),
    })
    .prefault({})
    .describe('The time in which one command takes everything back to A.'),
  ...runFields,
});
export type StorageMigrationSpec = z.infer<typeof StorageMigrationSpec>;

/** What every kind of run has. */
export type RunSettings = Pick<RollingUpgradeSpec, 'name' | keyof typeof runFields>;

export const kinds = {
  Cluster: ClusterSpec,
  RollingUpgrade: RollingUpgradeSpec,
  ClusterFormation: ClusterFormationSpec,
  StorageMigration: StorageMigrationSpec,
  Pipeline: PipelineSpec,
} as const;
export type Kind = keyof typeof kinds;

/** Kinds of the format that this release does not run yet; naming one gives an error that says so. */
export const laterKinds = ['VersionSwitch'] as const;

export const apiVersion = 'rollgate/v1';

export function nodeSpec(cluster: ClusterSpec, id: string): NodeSpec {
  const node = cluster.nodes.find((n) => n.id === id);
  if (!node) throw new RangeError(`cluster ${cluster.name} has no node ${id}`);
  return node;
}
