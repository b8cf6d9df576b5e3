import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Pair } from '../../src/contracts/migration.js';
import type { Obstacle } from '../../src/contracts/view.js';
import { ClusterSpec, StorageMigrationSpec } from '../../src/contracts/spec.js';
import { planPipeline, type SeenStage } from '../../src/planning/pipeline/plan.js';
import { describePipelinePlan } from '../../src/planning/describe.js';
import { observedAt, samplePlanInput, sampleUpgrade } from './sample.js';

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** As if the hosts had every version. */
const input = (...versions: string[]) => {
  const { artifacts, ...rest } = samplePlanInput();
  const more = artifacts.flatMap((a) => versions.map((version) => ({ ...a, version })));
  const declared = Object.fromEntries(
    versions.map((v) => [v, { path: `/opt/${v}`, sha256: 'c'.repeat(64) }]),
  );
  return {
    ...rest,
    cluster: { ...rest.cluster, artifacts: { ...rest.cluster.artifacts, ...declared } },
    artifacts: [...artifacts, ...more],
  };
};

const upgrades = (seen: ReturnType<typeof input>, ...targets: string[]): SeenStage[] =>
  targets.map((to) => ({ upgrade: sampleUpgrade({ name: `to-${to}`, to }), seen }));

/** From the sample cluster, as it runs 17.5 now, to orders-18. */
function migration(obstacles: readonly Obstacle[] = []): SeenStage {
  const source = input().cluster;
  const destination = ClusterSpec.parse({
    ...{ name: 'orders-18', system: source.system },
    nodes: [{ id: 'new-1', address: 'new-1.example:5432', host: { kind: 'model' } }],
  });
  const pair: Pair = { source, destination };
  return {
    migration: StorageMigrationSpec.parse({ name: 'to-18', source: 'orders', destination: 'orders-18' }),
    seen: {
      pair,
      view: {
        versions: { source: '17.5', destination: '18.4' },
        obstacles,
        tables: [],
        sequences: 0,
        residue: { source: [], destination: [] },
        observedAt,
      },
      obstacles: [],
      observedAt,
      digest,
    },
  };
}

describe('R-SWITCH-5: the plan of a pipeline', () => {
  it('plans each stage from what the ones before would leave', () => {
    const plan = planPipeline(upgrades(input('17.7'), '17.7', '17.10'), digest);
    expect(plan.kind).toBe('possible');
    expect(plan.stages.map((s) => s.plan.nodes.map((n) => [n.from, n.to])[0])).toEqual([
      ['17.5', '17.7'],
      ['17.7', '17.10'],
    ]);
    expect(plan.stages[1]?.plan.kind).toBe('possible');
    expect(plan.pointOfNoReturn).toBeUndefined();
    expect(describePipelinePlan(plan)).toMatch(/Pipeline of 2 stages: possible[\s\S]*stage 2: to-17\.10/);
  });

  it('is refused when a later stage is, before anything has changed', () => {
    const plan = planPipeline(upgrades(input('17.7'), '17.7', '18.1'), digest);
    expect(plan.kind).toBe('refused');
    expect(plan.stages[1]?.plan.refusals.map((r) => r.code)).toContain('MAJOR_NEEDS_MIGRATION');
  });

  it('is done when every stage is, and its hash is of all stages', () => {
    expect(planPipeline(upgrades(input(), '17.5'), digest).kind).toBe('done');
    const [one, two] = [['17.7', '17.10'], ['17.7']].map((to) =>
      planPipeline(upgrades(input('17.7'), ...to), digest),
    );
    expect(one?.hash).not.toBe(two?.hash);
  });
});

describe('R-MIG-7: the plan of a pipeline with a migration', () => {
  it('plans the migration from the version that the upgrade before it leaves', () => {
    const plan = planPipeline([...upgrades(input(), '17.10'), migration()], digest);
    expect(plan.kind).toBe('possible');
    expect(plan.stages[1]?.plan.nodes.map((n) => [n.id, n.from])).toEqual([
      ['pg-1', '17.10'],
      ['pg-2', '17.10'],
      ['pg-3', '17.10'],
      ['new-1', '18.4'],
    ]);
    expect(plan.pointOfNoReturn).toEqual({ stage: 'to-18', step: 'accept' });
    expect(describePipelinePlan(plan)).toContain('point of no return: accept of stage to-18');
  });

  it('is refused for what forbids the migration, before the upgrade begins', () => {
    const obstacle = { code: 'LARGE_OBJECTS', message: 'there are 3', remedy: 'remove them' };
    const plan = planPipeline([...upgrades(input(), '17.10'), migration([obstacle])], digest);
    expect(plan.kind).toBe('refused');
    expect(plan.stages.map((s) => s.plan.kind)).toEqual(['possible', 'refused']);
  });
});
