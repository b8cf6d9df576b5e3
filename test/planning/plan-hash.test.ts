import { describe, expect, it } from 'vitest';
import { known } from '../../src/contracts/observed.js';
import { planRollingUpgrade, type PlanInput } from '../../src/planning/plan.js';
import { at, node, sampleCluster, samplePlanInput, sampleUpgrade, sampleView } from './sample.js';

const hash = (change: Partial<PlanInput> = {}): string => planRollingUpgrade(samplePlanInput(change)).hash;

/** The same value with the keys of every object in the opposite order. */
function reversed<T>(value: T): T {
  if (Array.isArray(value)) return (value as unknown[]).map(reversed) as T;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).reverse();
  return Object.fromEntries(entries.map(([k, v]) => [k, reversed<unknown>(v)])) as T;
}

const window = (risk: string, value: string) => ({
  verdict: 'hold' as const,
  evidence: 'needed',
  window: { name: 'no-standby', risk, borrow: [{ node: 'pg-1', setting: 'names', value }] },
});
const accepting = sampleUpgrade({ accept: ['no-standby'] });

describe('R-PLAN-1: the hash stays while the decisions stay', () => {
  const cluster = sampleCluster();
  it.each<{ why: string; change: Partial<PlanInput> }>([
    { why: 'planned again', change: {} },
    { why: 'observed later', change: { view: sampleView({}, {}, { observedAt: at(3_600_000) }) } },
    {
      why: 'with lag that turns the replicas round',
      change: { view: sampleView({ 'pg-2': { lag: known(48_123) } }) },
    },
    {
      why: 'with positions, transactions and starts that moved',
      change: {
        view: sampleView({
          'pg-1': {
            position: known({ offset: 9, text: '0/9' }),
            inFlight: known({ count: 3, oldestMs: 7 }),
            startedAt: known(at(0)),
          },
        }),
      },
    },
    { why: 'with the keys of the cluster file in another order', change: { cluster: reversed(cluster) } },
    {
      why: 'with the keys of the whole spec in another order',
      change: { upgrade: reversed(sampleUpgrade()) },
    },
    {
      why: 'with the nodes of the file in another order',
      change: { cluster: { ...cluster, nodes: [...cluster.nodes].reverse() } },
    },
    {
      why: 'with the nodes observed in another order',
      change: { view: sampleView({}, { nodes: [node('pg-3'), node('pg-1'), node('pg-2')] }) },
    },
    {
      why: 'with an artifact more that it does not use',
      change: {
        cluster: {
          ...cluster,
          artifacts: { ...cluster.artifacts, '17.11': { path: '/x', sha256: 'c'.repeat(64) } },
        },
      },
    },
  ])('$why', ({ change }) => {
    expect(hash(change)).toBe(hash());
  });

  it('the order itself may still turn', () => {
    const { steps } = planRollingUpgrade(
      samplePlanInput({ view: sampleView({ 'pg-2': { lag: known(48_123) } }) }),
    );
    expect(steps.map((s) => s.id).slice(1, 3)).toEqual(['replace/pg-3', 'replace/pg-2']);
  });

  it('a risk may be worded with other figures', () => {
    const view = (risk: string) => sampleView({ 'pg-2': { stop: window(risk, '') } });
    expect(hash({ upgrade: accepting, view: view('up to 5 bytes') })).toBe(
      hash({ upgrade: accepting, view: view('up to 6 bytes') }),
    );
  });
});

describe('R-PLAN-1: the hash changes with every decision', () => {
  const cluster = sampleCluster();
  const differing: readonly { why: string; change: Partial<PlanInput> }[] = [
    { why: 'another target', change: { upgrade: sampleUpgrade({ to: '17.11' }) } },
    { why: 'another version before', change: { view: sampleView({ 'pg-2': { version: known('17.6') } }) } },
    {
      why: 'a node that is there already',
      change: { view: sampleView({ 'pg-2': { version: known('17.10') } }) },
    },
    {
      why: 'another primary',
      change: {
        view: sampleView(
          {
            'pg-1': { role: known('replica'), upstream: known('pg-2') },
            'pg-2': { role: known('primary'), upstream: known(undefined) },
            'pg-3': { upstream: known('pg-2') },
          },
          { primaries: ['pg-2'] },
        ),
      },
    },
    {
      why: 'other data behind the addresses',
      change: {
        view: sampleView({
          'pg-1': { identity: known('1') },
          'pg-2': { identity: known('1') },
          'pg-3': { identity: known('1') },
        }),
      },
    },
    {
      why: 'another address',
      change: {
        cluster: { ...cluster, nodes: cluster.nodes.map((n) => ({ ...n, address: `${n.id}.other:5432` })) },
      },
    },
    {
      why: 'another artifact',
      change: {
        cluster: {
          ...cluster,
          artifacts: { ...cluster.artifacts, '17.10': { path: '/opt/17.10', sha256: 'd'.repeat(64) } },
        },
      },
    },
    {
      why: 'another way back',
      change: {
        cluster: {
          ...cluster,
          artifacts: { ...cluster.artifacts, '17.5': { path: '/opt/17.5', sha256: 'd'.repeat(64) } },
        },
      },
    },
    { why: 'another approval', change: { upgrade: sampleUpgrade({ approvals: { before: ['handover'] } }) } },
    { why: 'another effect', change: { upgrade: sampleUpgrade({ soak: '20s' }) } },
    { why: 'no probe', change: { upgrade: sampleUpgrade({ probe: { enabled: false } }) } },
    { why: 'other routing', change: { cluster: { ...cluster, routing: { kind: 'proxy' } } } },
    {
      why: 'a window',
      change: { upgrade: accepting, view: sampleView({ 'pg-2': { stop: window('some', '') } }) },
    },
    {
      why: 'another borrowed value',
      change: { upgrade: accepting, view: sampleView({ 'pg-2': { stop: window('some', 'ANY 1 (*)') } }) },
    },
    { why: 'a refusal', change: { view: sampleView({ 'pg-3': { inSync: known(false) } }) } },
    { why: 'a refusal of another node', change: { view: sampleView({ 'pg-2': { inSync: known(false) } }) } },
    { why: 'another name', change: { cluster: { ...cluster, name: 'billing' } } },
  ];

  it.each(differing)('$why', ({ change }) => {
    expect(hash(change)).not.toBe(hash());
  });

  it('each in its own way', () => {
    const all = [hash(), ...differing.map(({ change }) => hash(change))];
    expect(new Set(all).size).toBe(all.length);
  });

  it('is the digest that the caller passed in, cut to 16', () => {
    expect(hash({ digest: () => 'f'.repeat(64) })).toBe('f'.repeat(16));
  });
});
