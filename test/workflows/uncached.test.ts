import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MigrationModel } from '../fakes/model-migration.js';
import { Model } from '../fakes/model.js';
import { createHarness, type Harness } from './harness.js';

let harness: Harness;
beforeAll(async () => {
  harness = await createHarness({ maxCachedWorkflows: 0 });
});
afterAll(() => harness.close());

describe.concurrent('R-SAGA-1: with no workflow kept in memory every task replays the whole history', () => {
  it('a full roll', async () => {
    const model = new Model();
    const state = await (await harness.start(model)).result();
    expect(state.run.outcome).toBe('completed');
    expect(model.nodes.map((n) => n.version)).toEqual(['1.1', '1.1', '1.1']);
  });

  it('a rollback that the operator asks for during the handover', async () => {
    const model = new Model();
    model.onEffect = async (e) => {
      if (e === 'promote b') await run.handle.signal('rollback');
    };
    const run = await harness.start(model);
    const state = await run.result();
    expect(state.run.outcome).toBe('rolled-back');
    expect(model.primary?.id).toBe('a');
  });

  it('a migration with a cut-back and a second cutover', async () => {
    const model = new MigrationModel();
    const run = await harness.migrate(model, { observe: { for: '0ms', acceptance: true } });
    await run.until('acceptance waits', (s) => s.waiting?.step === 'accept');
    await run.handle.signal('rollback', { by: 'ann' });
    await run.until('asked again', (s) => s.waiting?.step === 'cutover/2');
    await run.handle.signal('approve', { by: 'ann' });
    await run.until('acceptance waits again', (s) => s.waiting?.step === 'accept');
    await run.handle.signal('approve', { by: 'ann' });
    expect((await run.result()).run.outcome).toBe('completed');
    expect(model.effects.filter((e) => e === 'open destination')).toHaveLength(2);
    expect(model.copies.lost('destination')).toEqual([]);
  });

  it('approval, pause and abort', async () => {
    const model = new Model();
    const run = await harness.start(model, { approvals: { before: ['handover'] } });
    await run.until('waits', (s) => s.waiting !== undefined);
    await run.update('abort', { by: 'ann' });
    expect((await run.result()).run.outcome).toBe('aborted');
  });
});
