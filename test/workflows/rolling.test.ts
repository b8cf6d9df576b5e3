import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RollgateError } from '../../src/contracts/index.js';
import { Model } from '../fakes/model.js';
import { createHarness, type Harness } from './harness.js';

let harness: Harness;
beforeAll(async () => {
  harness = await createHarness();
});
afterAll(() => harness.close());

/** Effects on nodes, without our own objects. */
const onNodes = (model: Model): string[] => model.effects.filter((e) => !/scratch|probe/.test(e));

describe.concurrent('a rolling upgrade', () => {
  it('R-ROLL-1: takes replicas first, one at a time, hands over, and replaces the old primary last', async () => {
    const model = new Model();
    const run = await harness.start(model);
    const state = await run.result();
    expect(state.failure).toBeUndefined();
    expect(state.run.outcome).toBe('completed');
    expect(onNodes(model)).toEqual([
      ...['drain b', 'stop b', 'install b 1.1', 'start b 1.1', 'restore b'],
      ...['drain c', 'stop c', 'install c 1.1', 'start c 1.1', 'restore c'],
      ...['fence a', 'promote b'],
      ...['install a 1.1', 'start a 1.1'],
    ]);
    expect(model.nodes.map((n) => [n.version, n.role])).toEqual([
      ['1.1', 'replica'],
      ['1.1', 'primary'],
      ['1.1', 'replica'],
    ]);
  });

  it('R-PROOF-1: leaves nothing borrowed, and a report', async () => {
    const model = new Model();
    const state = await (await harness.start(model)).result();
    expect(state.ledger).toEqual([]);
    expect(state.compensations).toEqual([]);
    expect([model.scratch, model.probing]).toEqual([false, false]);
    expect(model.reports.map((r) => r.run.outcome)).toEqual(['completed']);
    expect(state.handovers).toMatchObject([
      { from: 'a', to: 'b', epochBefore: 1, epochAfter: 2, result: 'done' },
    ]);
    expect(state.nodes.every((n) => n.status === 'complete')).toBe(true);
  });

  it('R-PLAN-3: a cluster on the target is left alone', async () => {
    const model = new Model('1.1');
    const state = await (await harness.start(model)).result();
    expect(state.run.outcome).toBe('completed');
    expect(model.effects).toEqual([]);
  });

  it('R-PLAN-3: a node on the target is left alone, and no handover is made for a primary on it', async () => {
    const model = new Model();
    model.node('a').version = model.node('a').installed = '1.1';
    const state = await (await harness.start(model)).result();
    expect(state.run.outcome).toBe('completed');
    expect(model.epoch).toBe(1);
    expect(onNodes(model).filter((e) => e.endsWith(' a') || e.includes(' a '))).toEqual([]);
  });

  it('R-PLAN-1: a plan that is not the expected one changes nothing', async () => {
    const model = new Model();
    const state = await (await harness.start(model, {}, { expectPlan: 'somethingelse' })).result();
    expect(state.run.outcome).toBe('failed');
    expect(state.failure?.code).toBe('PLAN_CHANGED');
    expect(model.effects).toEqual([]);
  });

  it('R-PLAN-2: a refused plan changes nothing', async () => {
    const model = new Model('1.0', ['a']);
    const state = await (await harness.start(model)).result();
    expect(state.run.outcome).toBe('failed');
    expect(state.failure?.message).toContain('SINGLE_NODE');
    expect(model.effects).toEqual([]);
  });

  it('R-ROLL-8: a primary that was moved by others in mid-run is noticed, and there is no second handover', async () => {
    const model = new Model();
    const run = await harness.start(model, { approvals: { before: ['handover'] } });
    await run.until('waits', (s) => s.waiting !== undefined);
    // Somebody hands over by the book while the run waits: b becomes primary, a follows it.
    model.node('a').role = 'replica';
    model.node('a').upstream = model.node('c').upstream = 'b';
    model.node('b').role = 'primary';
    model.epoch = 2;
    const { plan } = await run.status();
    await run.update('approve', { planHash: plan?.hash });
    const state = await run.result();
    expect(state.run.outcome).toBe('completed');
    expect(model.effects.filter((e) => /fence|promote/.test(e))).toEqual([]);
    expect(model.epoch).toBe(2);
  });

  it('R-SAGA-1: a promotion that happened, although nobody learned of it, is verified and adopted', async () => {
    const model = new Model();
    let told = 0;
    model.onEffect = (e) => {
      if (e !== 'promote b' || told++ > 0) return;
      model.node('b').role = 'primary';
      model.node('c').upstream = 'b';
      model.epoch = 2;
      throw new RollgateError('PRIMARY_MOVED', 'b is a primary by now', 'Observe again.');
    };
    const run = await harness.start(model);
    const blocked = await run.until('blocked', (s) => s.phase === 'blocked');
    expect(blocked.failure?.code).toBe('PRIMARY_MOVED');
    // The old primary was not put back, because another one is there by now.
    expect(blocked.leftUndone.map((l) => l.what)).toContain('fence/a');
    expect(model.effects).not.toContain('unfence a');
    // Nor was anybody pointed back to it.
    expect(model.effects).not.toContain('follow c a');
    await run.update('retry');
    const state = await run.result();
    expect(state.run.outcome).toBe('completed');
    expect(state.leftUndone).toEqual([]);
    expect(state.handovers).toHaveLength(1);
    expect(state.handovers[0]).toMatchObject({ from: 'a', to: 'b', result: 'done', epochAfter: 2 });
    expect(model.effects.filter((e) => e === 'fence a')).toHaveLength(1);
    expect(model.epoch).toBe(2);
  });

  it('R-SAFE-4: a node that holds other data by now is not stopped', async () => {
    const model = new Model();
    model.onEffect = (e) => {
      if (e === 'drain b') model.node('b').identity = 'somebody-else';
    };
    const run = await harness.start(model);
    const blocked = await run.until('blocked', (s) => s.phase === 'blocked');
    expect(blocked.failure?.code).toBe('IDENTITY_CHANGED');
    expect(model.effects).not.toContain('stop b');
    await run.update('abort');
    expect((await run.result()).run.outcome).toBe('aborted');
  });

  it('R-PROOF-2: lost writes fail the run, loudly', async () => {
    const model = new Model();
    model.lost = 3;
    const state = await (await harness.start(model)).result();
    expect(state.run.outcome).toBe('failed');
    expect(state.failure?.code).toBe('WRITES_LOST');
  });

  it('R-SAGA-2: a second run on the same cluster is refused by Temporal', async () => {
    const model = new Model();
    const run = await harness.start(model, { approvals: { before: ['start'] } });
    await expect(
      harness.client.workflow.start('rollingUpgrade', {
        taskQueue: 'any',
        workflowId: run.handle.workflowId,
        workflowIdConflictPolicy: 'FAIL',
        args: [],
      }),
    ).rejects.toThrow(/already/i);
    await run.update('abort');
    expect((await run.result()).run.outcome).toBe('aborted');
    expect(model.effects).toEqual([]);
  });
});
