import { createHash } from 'node:crypto';
import { known, unknown, valueOf, type Observed } from '../../src/contracts/observed.js';
import type { ArtifactReport, VersionRules } from '../../src/contracts/plan.js';
import { ClusterSpec, RollingUpgradeSpec } from '../../src/contracts/spec.js';
import { nodesOf, type ClusterView, type GroupView, type NodeView } from '../../src/contracts/view.js';
import type { PlanInput } from '../../src/planning/plan.js';

export const observedAt = '2026-03-01T12:00:00.000Z';
export const before = '17.5';
export const target = '17.10';

/** Milliseconds from the observation, as ISO 8601. */
export const at = (ms: number): string => new Date(Date.parse(observedAt) + ms).toISOString();

export const dark = unknown('permission denied');

type NodeChange = Partial<NodeView>;
type Changes = Readonly<Record<string, NodeChange>>;

/** A replica that is in sync with pg-1, or pg-1 itself. */
export function node(id: string, change: NodeChange = {}): NodeView {
  const primary = id === 'pg-1';
  return {
    id,
    group: 'default',
    address: `${id}.example:5432`,
    reachable: known(true),
    role: known(primary ? 'primary' : 'replica'),
    version: known(before),
    serving: known(true),
    position: known({ offset: 1000, text: '0/3E8' }),
    lag: known(0),
    inSync: known(true),
    upstream: known(primary ? undefined : 'pg-1'),
    epoch: known(3),
    identity: known('7301'),
    inFlight: known({ count: 0, oldestMs: 0 }),
    startedAt: known('2026-01-01T00:00:00.000Z'),
    stop: { verdict: 'pass', evidence: `the others suffice without ${id}` },
    ...change,
  };
}

export const ids = ['pg-1', 'pg-2', 'pg-3'] as const;

/** Three nodes, pg-1 the primary, all well; changed node by node, or as a group. */
export function sampleView(
  changes: Changes = {},
  group: Partial<GroupView> = {},
  view: Partial<ClusterView> = {},
): ClusterView {
  return {
    cluster: 'orders',
    system: 'sample',
    observedAt,
    positionUnit: 'bytes',
    obstacles: [],
    groups: [
      {
        id: 'default',
        primaries: ['pg-1'],
        epoch: known(3),
        durability: known('quorum'),
        nodes: ids.map((id) => node(id, changes[id])),
        ...group,
      },
    ],
    ...view,
  };
}

export const sampleRules: VersionRules = {
  seriesDepth: 1,
  step: 'same-series',
  beyond: {
    code: 'MAJOR_NEEDS_MIGRATION',
    reason: 'a new major reads another storage format',
    remedy: 'Plan a StorageMigration.',
    source: 'https://example.org/upgrading',
  },
  rows: [
    {
      kind: 'known-bad',
      from: '17.1',
      to: '17.1',
      reason: 'breaks extensions',
      source: 'https://example.org/17.2',
    },
  ],
};

/** Two components name a series, one series may be taken at a time, and the nodes agree on one as their level. */
export const levelRules: VersionRules = {
  seriesDepth: 2,
  step: 'adjacent-series',
  beyond: {
    code: 'TOO_FAR',
    reason: 'one minor at a time',
    remedy: 'Go step by step.',
    source: 'https://example.org/steps',
  },
  rows: [
    {
      kind: 'known-bad',
      from: '3.5.0',
      to: '3.5.2',
      reason: 'corrupts data',
      source: 'https://example.org/3.5.3',
    },
  ],
  levels: { lowered: 'by-command', lowerFrom: '3.6.0', source: 'https://example.org/downgrade' },
};

export interface Leveled {
  /** Of pg-1, pg-2, pg-3. */
  readonly versions?: readonly [string, string, string];
  readonly active?: Observed<string>;
  readonly lowering?: Observed<string | undefined>;
  readonly changes?: Changes;
  readonly group?: Partial<GroupView>;
}

/** The three nodes as members of a system with levels; each on the level of the group, unless changed. */
export function leveledView({
  versions,
  active,
  lowering,
  changes = {},
  group = {},
}: Leveled = {}): ClusterView {
  const level = active ?? known('3.5');
  const view = sampleView(
    Object.fromEntries(
      ids.map((id, i) => [id, { version: known(versions?.[i] ?? '3.5.9'), level, ...changes[id] }]),
    ),
    { level: { active: level, lowering: lowering ?? known(undefined) }, ...group },
  );
  return { ...view, positionUnit: 'entries' };
}

/** All that planning needs for an upgrade by one series with a version switch, by default 3.5.9 → 3.6.1. */
export function leveledPlanInput(
  change: Partial<PlanInput> & { readonly to?: string; readonly spec?: Record<string, unknown> } = {},
): PlanInput {
  const { to = '3.6.1', spec = {}, ...rest } = change;
  const view = rest.view ?? leveledView();
  const versions = [...new Set([to, ...nodesOf(view).flatMap((n) => valueOf(n.version) ?? [])])];
  const cluster = sampleCluster();
  return samplePlanInput({
    cluster: {
      ...cluster,
      artifacts: Object.fromEntries(versions.map((v) => [v, { path: `/opt/${v}`, sha256: hex('a') }])),
    },
    upgrade: sampleUpgrade({ to, ...spec }),
    view,
    artifacts: ids.flatMap((id) =>
      versions.map((version) => ({ node: id, version, state: { kind: 'ok', sha256: hex('a') } as const })),
    ),
    rules: levelRules,
    capabilities: { handover: 'transfer', probe: true, backup: true },
    ...rest,
  });
}

const hex = (digit: string): string => digit.repeat(64);

export const sampleCluster = (): ClusterSpec =>
  ClusterSpec.parse({
    name: 'orders',
    system: 'sample',
    settings: { user: 'rollgate', database: 'orders' },
    nodes: ids.map((id) => ({ id, address: `${id}.example:5432`, host: { kind: 'sample' } })),
    artifacts: {
      '17.5': { path: '/opt/17.5', sha256: hex('a') },
      '17.10': { path: '/opt/17.10', sha256: hex('b') },
    },
  });

export const sampleUpgrade = (change: Record<string, unknown> = {}): RollingUpgradeSpec =>
  RollingUpgradeSpec.parse({ name: 'orders-17.10', cluster: 'orders', to: target, ...change });

export const sampleArtifacts = (): ArtifactReport[] =>
  ids.flatMap((id) => [
    { node: id, version: before, state: { kind: 'ok', sha256: hex('a') } },
    { node: id, version: target, state: { kind: 'ok', sha256: hex('b') } },
  ]);

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** All that planning needs, for a plan that is possible; changed where a test wants it otherwise. */
export const samplePlanInput = (change: Partial<PlanInput> = {}): PlanInput => ({
  cluster: sampleCluster(),
  upgrade: sampleUpgrade(),
  view: sampleView(),
  artifacts: sampleArtifacts(),
  installed: Object.fromEntries(nodesOf(change.view ?? sampleView()).map((n) => [n.id, n.version])),
  rules: sampleRules,
  capabilities: { handover: 'fence', probe: true, backup: false },
  digest: sha256,
  ...change,
});
