import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MigrationModel } from '../fakes/model-migration.js';
import { createHarness, type Harness, type TestRun } from './harness.js';
import { approve, asked } from './migration-run.js';

let harness: Harness;
beforeAll(async () => {
  harness = await createHarness();
});
afterAll(() => harness.close());

const versionsOf = ({ clusters }: MigrationModel) => ({
  source: clusters.source.nodes.map((n) => n.version),
  destination: clusters.destination.nodes.map((n) => n.version),
});
const back = { pipeline: { onFailure: 'rollback' }, migration: { onFailure: 'rollback' } };

/** The row of B by which the second comparison of the migration finds a difference. */
function spoilt(): MigrationModel {
  const model = new MigrationModel();
  model.definitions = ['table orders: column note is missing on the destination'];
  return model;
}

const inStage = (run: TestRun, stage: number) =>
  run.until(`stage ${stage + 1} runs`, (s) => s.pipeline?.stage === stage && s.plan !== undefined);

describe.concurrent('R-MIG-7: a pipeline of upgrades and migrations', () => {
  it('upgrades the source, migrates, then upgrades the destination: each a chapter with a proof of its own', async () => {
    const model = new MigrationModel();
    const run = await harness.pipe(model, ['17.11', 'B', '18.5']);
    const state = await run.result();
    expect(state.failure).toBeUndefined();
    expect(versionsOf(model)).toEqual({ source: ['17.11', '17.11'], destination: ['18.5', '18.5'] });
    expect(state.pipeline).toMatchObject({ outcome: 'completed', pointOfNoReturn: 'm' });
    expect(state.pipeline?.stages.map((s) => [s.name, s.kind, s.outcome])).toEqual([
      ['to-17.11', 'RollingUpgrade', 'completed'],
      ['m', 'StorageMigration', 'completed'],
      ['to-18.5', 'RollingUpgrade', 'completed'],
    ]);
    const all = [...(state.chapters ?? []), state];
    expect(all.map((s) => [s.run.kind, s.run.outcome, s.writes?.lost])).toEqual([
      ['RollingUpgrade', 'completed', 0],
      ['StorageMigration', 'completed', 0],
      ['RollingUpgrade', 'completed', 0],
    ]);
    expect(new Set(all.map((s) => s.run.id)).size).toBe(3);
    expect(all[1]?.migration).toMatchObject({ phase: 'accepted', authority: 'destination' });
    expect(model.copies.source.open).toBe(false);
  });

  it('a failure of the migration goes back to the version before the upgrade, when the spec says so', async () => {
    const model = spoilt();
    const state = await (await harness.pipe(model, ['17.11', 'B'], back)).result();
    expect(state.run.outcome).toBe('rolled-back');
    expect(model.untouched).toBe(true);
    expect(versionsOf(model)).toEqual({ source: ['17.10', '17.10'], destination: ['18.4', '18.4'] });
    expect(state.pipeline?.stages.map((s) => s.outcome)).toEqual(['rolled-back', 'rolled-back']);
    expect(state.pipeline?.outcome).toBe('rolled-back');
    const chapters = (state.chapters ?? []).map((c) => [
      c.spec.migration?.name ?? c.spec.upgrade?.name,
      c.run.outcome,
    ]);
    expect(chapters).toEqual([
      ['to-17.11', 'completed'],
      ['m', 'rolled-back'],
    ]);
    expect(state.chapters?.[1]?.cause?.code).toBe('COPIES_DIFFER');
  });

  it('stay: the migration goes back alone, and the source keeps the version of the upgrade', async () => {
    const model = spoilt();
    const state = await (await harness.pipe(model, ['17.11', 'B'], { migration: back.migration })).result();
    expect(state.run.outcome).toBe('rolled-back');
    expect(model.untouched).toBe(true);
    expect(versionsOf(model).source).toEqual(['17.11', '17.11']);
    expect(state.pipeline?.stages.map((s) => s.outcome)).toEqual(['completed', 'rolled-back']);
  });

  it('a migration that is refused when its turn comes has changed nothing: the stages before it are undone', async () => {
    const model = new MigrationModel();
    const run = await harness.pipe(model, ['17.11', 'B'], {
      ...back,
      upgrade: { approvals: { before: ['finish'] } },
    });
    await run.until('the upgrade waits', (s) => s.waiting?.step === 'finish');
    model.obstacles = [{ code: 'LARGE_OBJECTS', message: 'there is 1', remedy: 'Remove it.' }];
    await approve(run, 'finish');
    const state = await run.result();
    expect(state.chapters?.[1]).toMatchObject({
      run: { outcome: 'failed' },
      failure: { code: 'PLAN_REFUSED' },
    });
    expect(versionsOf(model).source).toEqual(['17.10', '17.10']);
    expect(model.untouched).toBe(true);
  });

  it('a stage after an accepted migration goes back alone: what came before cannot be undone', async () => {
    const model = new MigrationModel();
    model.clusters.destination.dyingVersions.add('18.5');
    const run = await harness.pipe(model, ['17.11', 'B', '18.5'], {
      ...back,
      upgrade: { onFailure: 'rollback' },
    });
    const state = await run.result();
    expect(state.run.outcome).toBe('rolled-back');
    expect(versionsOf(model)).toEqual({ source: ['17.11', '17.11'], destination: ['18.4', '18.4'] });
    expect(state.pipeline?.stages.map((s) => s.outcome)).toEqual(['completed', 'completed', 'rolled-back']);
    expect(state.pipeline).toMatchObject({
      direction: 'forward',
      pointOfNoReturn: 'm',
      outcome: 'rolled-back',
    });
  });

  it('R-MIG-2: a rollback of the operator cuts back first, the next one discards, and then the upgrade is undone', async () => {
    const model = new MigrationModel();
    const run = await harness.pipe(model, ['17.11', 'B'], {
      ...back,
      migration: { ...asked, ...back.migration },
    });
    await approve(run, 'cutover');
    await run.until('the acceptance waits', (s) => s.waiting?.step === 'accept');
    await run.update('rollback', { by: 'ann' });
    await run.until('cut back, and asked again', (s) => s.waiting?.step === 'cutover/2');
    expect(model.copies.source.open).toBe(true);
    await run.update('rollback', { by: 'ann' });
    const state = await run.result();
    expect(state.run.outcome).toBe('rolled-back');
    expect(model.copies.lost('source')).toEqual([]);
    expect(model.untouched).toBe(true);
    expect(versionsOf(model).source).toEqual(['17.10', '17.10']);
  });

  it('R-SAGA-3: a pause that came in the last step of a stage holds before the next one', async () => {
    const model = new MigrationModel();
    const run = await harness.pipe(model, ['17.11', 'B'], { upgrade: { approvals: { before: ['finish'] } } });
    const waiting = await run.until('the upgrade waits', (s) => s.waiting?.step === 'finish');
    await run.update('pause', { by: 'ann' });
    await run.update('approve', { step: 'finish', planHash: waiting.plan?.hash, by: 'ann' });
    await run.until('it holds', (s) => s.phase === 'paused');
    await inStage(run, 1);
    expect(model.effects).not.toContain('prepare');
    await run.update('resume', { by: 'ann' });
    expect((await run.result()).run.outcome).toBe('completed');
  });

  it('R-SAGA-3: a rollback that came in the last step of a stage undoes that stage', async () => {
    const model = new MigrationModel();
    let asking: Promise<unknown> | undefined;
    const run = await harness.pipe(model, ['17.11', 'B'], {
      upgrade: { approvals: { before: ['finish'] } },
    });
    const waiting = await run.until('the upgrade waits', (s) => s.waiting?.step === 'finish');
    // Both are in the history before the workflow goes on.
    await Promise.all([
      run.handle.signal('approve', { step: 'finish', planHash: waiting.plan?.hash, by: 'ann' }),
      (asking = run.handle.signal('rollback', { by: 'ann' })),
    ]);
    await asking;
    const state = await run.result();
    expect(state.run.outcome).toBe('rolled-back');
    expect(versionsOf(model).source).toEqual(['17.10', '17.10']);
    expect(model.effects).not.toContain('prepare');
  });
});
