import { describe, expect, it } from 'vitest';
import { planPipeline } from '../../src/planning/pipeline.js';
import { describePipelinePlan } from '../../src/planning/describe.js';
import { samplePlanInput, sampleUpgrade } from './sample.js';

const stages = (...targets: string[]) => targets.map((to) => sampleUpgrade({ name: `to-${to}`, to }));

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

describe('R-SWITCH-5: the plan of a pipeline', () => {
  it('plans each stage from what the ones before would leave', () => {
    const plan = planPipeline(input('17.7'), stages('17.7', '17.10'));
    expect(plan.kind).toBe('possible');
    expect(plan.stages.map((s) => s.plan.nodes.map((n) => [n.from, n.to])[0])).toEqual([
      ['17.5', '17.7'],
      ['17.7', '17.10'],
    ]);
    expect(plan.stages[1]?.plan.kind).toBe('possible');
    expect(describePipelinePlan(plan)).toMatch(/Pipeline of 2 stages: possible[\s\S]*stage 2: to-17\.10/);
  });

  it('is refused when a later stage is, before anything has changed', () => {
    const plan = planPipeline(input('17.7'), stages('17.7', '18.1'));
    expect(plan.kind).toBe('refused');
    expect(plan.stages[1]?.plan.refusals.map((r) => r.code)).toContain('MAJOR_NEEDS_MIGRATION');
  });

  it('is done when every stage is, and its hash is of all stages', () => {
    expect(planPipeline(input(), stages('17.5')).kind).toBe('done');
    const [one, two] = [stages('17.7', '17.10'), stages('17.7')].map((s) => planPipeline(input('17.7'), s));
    expect(one?.hash).not.toBe(two?.hash);
  });
});
