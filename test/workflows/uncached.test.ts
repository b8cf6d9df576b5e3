import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

  it('approval, pause and abort', async () => {
    const model = new Model();
    const run = await harness.start(model, { approvals: { before: ['handover'] } });
    await run.until('waits', (s) => s.waiting !== undefined);
    await run.update('abort', { by: 'ann' });
    expect((await run.result()).run.outcome).toBe('aborted');
  });
});
