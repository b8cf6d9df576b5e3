import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Model } from '../fakes/model.js';
import { createHarness, type Harness } from './harness.js';

let harness: Harness;
beforeAll(async () => {
  harness = await createHarness();
});
afterAll(() => harness.close());

const versions = (model: Model): string[] => model.nodes.map((n) => n.version);
const installs = (model: Model): string[] => model.effects.filter((e) => e.startsWith('install '));

describe.concurrent('R-SWITCH-5: a pipeline runs its stages in order as one run', () => {
  it('each stage plans anew, and has a report of its own', async () => {
    const model = new Model();
    const state = await (await harness.pipe(model, ['1.1', '1.2'])).result();
    expect(state.failure).toBeUndefined();
    expect(state.run.outcome).toBe('completed');
    expect(versions(model)).toEqual(['1.2', '1.2', '1.2']);
    expect(installs(model)).toHaveLength(6);
    expect(state.pipeline?.stages.map((s) => [s.name, s.outcome])).toEqual([
      ['to-1.1', 'completed'],
      ['to-1.2', 'completed'],
    ]);
    expect(new Set(model.reports.map((r) => r.run.id)).size).toBe(2);
  });

  it('a stage whose target every node has is passed over', async () => {
    const model = new Model('1.1');
    const state = await (await harness.pipe(model, ['1.1', '1.2'])).result();
    expect(state.run.outcome).toBe('completed');
    expect(installs(model)).toHaveLength(3);
  });

  it('stay: a stage that goes back leaves the cluster where the stages before have brought it', async () => {
    const model = new Model();
    model.dyingVersions.add('1.2');
    const run = await harness.pipe(model, ['1.1', '1.2'], { upgrade: { onFailure: 'rollback' } });
    const state = await run.result();
    expect(state.run.outcome).toBe('rolled-back');
    expect(versions(model)).toEqual(['1.1', '1.1', '1.1']);
    expect(state.pipeline?.stages.map((s) => s.outcome)).toEqual(['completed', 'rolled-back']);
  });

  it('rollback: the stages before it are undone as well, newest first', async () => {
    const model = new Model();
    model.dyingVersions.add('1.2');
    const run = await harness.pipe(model, ['1.1', '1.2'], {
      pipeline: { onFailure: 'rollback' },
      upgrade: { onFailure: 'rollback' },
    });
    const state = await run.result();
    expect(state.run.outcome).toBe('rolled-back');
    expect(versions(model)).toEqual(['1.0', '1.0', '1.0']);
    expect(state.pipeline?.stages.map((s) => s.outcome)).toEqual(['rolled-back', 'rolled-back']);
    expect(state.ledger).toEqual([]);
    expect([model.scratch, model.probing]).toEqual([false, false]);
  });

  it('the operator steers the stage in progress; an abort ends the pipeline there', async () => {
    const model = new Model();
    const run = await harness.pipe(model, ['1.1', '1.2'], { upgrade: { approvals: { before: ['start'] } } });
    const first = await run.until('the first stage waits', (s) => s.waiting?.step === 'prepare');
    await run.update('approve', { step: 'prepare', planHash: first.plan?.hash, by: 'ann' });
    await run.until('the second stage waits', (s) => s.pipeline?.stage === 1 && s.waiting !== undefined);
    await run.update('abort', { by: 'ann' });
    const state = await run.result();
    expect(state.run.outcome).toBe('aborted');
    expect(versions(model)).toEqual(['1.1', '1.1', '1.1']);
  });

  it('R-PLAN-1: a plan of the stages that is not the expected one changes nothing', async () => {
    const model = new Model();
    const state = await (await harness.pipe(model, ['1.1', '1.2'], { expectPlan: 'somethingelse' })).result();
    expect(state.run.outcome).toBe('failed');
    expect(state.failure?.code).toBe('PLAN_CHANGED');
    expect(model.effects).toEqual([]);
  });
});
