import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RollgateError } from '../../src/contracts/index.js';
import { Model } from '../fakes/model.js';
import { createHarness, type Harness } from './harness.js';

let harness: Harness;
beforeAll(async () => {
  harness = await createHarness();
});
afterAll(() => harness.close());

const versions = (model: Model): string[] => model.nodes.map((n) => n.version);

describe.concurrent('R-SAGA-5: rolling back is the same code with the former version', () => {
  it.each([
    'drain b',
    'stop b',
    'start b 1.1',
    'drain c',
    'install c 1.1',
    'fence a',
    'promote b',
    'install a 1.1',
    'start a 1.1',
  ])('the operator says rollback during: %s', async (moment) => {
    const model = new Model();
    let asked = false;
    model.onEffect = async (e) => {
      if (e !== moment || asked) return;
      asked = true;
      await run.handle.signal('rollback', { by: 'ann' });
    };
    const run = await harness.start(model);
    const state = await run.result();
    expect(asked).toBe(true);
    expect(state.run.outcome).toBe('rolled-back');
    expect(versions(model)).toEqual(['1.0', '1.0', '1.0']);
    expect(state.ledger).toEqual([]);
    expect(model.nodes.every((n) => n.routed && n.running)).toBe(true);
    // Who was primary before is primary again, through handovers alone.
    expect(model.primary?.id).toBe('a');
  });

  it('onFailure rollback: a target that starts and dies', async () => {
    const model = new Model();
    model.dyingVersions.add('1.1');
    const state = await (await harness.start(model, { onFailure: 'rollback' })).result();
    expect(state.run.outcome).toBe('rolled-back');
    expect(versions(model)).toEqual(['1.0', '1.0', '1.0']);
    expect(model.effects).not.toContain('drain c');
  });

  it('onFailure wait: retry after the cause is gone', async () => {
    const model = new Model();
    model.dyingVersions.add('1.1');
    const run = await harness.start(model);
    const blocked = await run.until('blocked', (s) => s.phase === 'blocked');
    expect(blocked.failure).toMatchObject({ code: 'HOST_START_FAILED', node: 'b' });
    // A broken node stays out of routing, and the ledger says so.
    expect(blocked.ledger.map((l) => l.id)).toContain('routing/b');
    model.dyingVersions.clear();
    await run.update('retry');
    expect((await run.result()).run.outcome).toBe('completed');
    expect(model.effects.filter((e) => e === 'stop b')).toHaveLength(1);
  });

  it('a rollback that fails for good lists what is left and says how to go on', async () => {
    const model = new Model();
    model.onEffect = (e) => {
      if (e === 'stop c') {
        model.dyingVersions.add('1.0');
        model.dyingVersions.add('1.1');
      }
    };
    const state = await (await harness.start(model, { onFailure: 'rollback' })).result();
    expect(state.run.outcome).toBe('failed');
    expect(state.leftUndone.map((l) => l.what).join()).toContain('c is not back');
  });

  it('R-ROLL-7: a handover without a candidate at the fence restores both sides', async () => {
    const model = new Model();
    model.stuckCandidates = true;
    const run = await harness.start(model, { timeouts: { gate: '2s', handover: '500ms' } });
    const blocked = await run.until('blocked', (s) => s.phase === 'blocked');
    expect(blocked.failure?.code).toBe('CANDIDATE_BEHIND');
    expect(blocked.handovers).toMatchObject([{ result: 'restored' }]);
    expect(blocked.ledger.filter((l) => l.kind === 'fence')).toEqual([]);
    expect(model.primary?.id).toBe('a');
    expect(model.epoch).toBe(1);
    model.stuckCandidates = false;
    await run.update('retry');
    expect((await run.result()).run.outcome).toBe('completed');
  });

  it('R-ROLL-7: a handover that takes longer than its time is taken back before anything is promoted', async () => {
    const model = new Model();
    let slow = true;
    model.onEffect = async (e) => {
      if (e === 'fence a' && slow) await delay(1300);
    };
    const run = await harness.start(model, { timeouts: { gate: '2s', handover: '1s' } });
    const blocked = await run.until('blocked', (s) => s.phase === 'blocked');
    expect(blocked.failure?.code).toBe('HANDOVER_TIMED_OUT');
    expect(model.primary?.id).toBe('a');
    expect(model.effects).not.toContain('promote b');
    expect(blocked.handovers[0]?.result).toBe('restored');
    slow = false;
    await run.update('retry');
    expect((await run.result()).run.outcome).toBe('completed');
  });

  it('R-ROLL-7: an old primary that could not be put back is put back by a retry, before anything else', async () => {
    const model = new Model();
    model.stuckCandidates = true;
    let broken = true;
    model.onEffect = (e) => {
      if (e === 'unfence a' && broken) throw new RollgateError('PRIMARY_MOVED', 'so it is said', 'Look.');
    };
    const run = await harness.start(model, { timeouts: { gate: '1s', handover: '1s' } });
    const blocked = await run.until('blocked', (s) => s.phase === 'blocked');
    expect(blocked.failure?.code).toBe('CANDIDATE_BEHIND');
    expect(blocked.leftUndone.map((l) => l.what)).toContain('fence/a');
    expect(model.primary).toBeUndefined();
    broken = false;
    model.stuckCandidates = false;
    await run.update('retry');
    const state = await run.result();
    expect(state.run.outcome).toBe('completed');
    expect(state.leftUndone).toEqual([]);
    expect(model.effects.filter((e) => /^(un)?fence a|^promote/.test(e))).toEqual([
      'fence a',
      'unfence a',
      'fence a',
      'promote b',
    ]);
  });

  it('R-SAGA-5: a compensation that fails is listed with what undoes it, and the rest still runs', async () => {
    const model = new Model();
    model.onEffect = (e) => {
      if (e === 'drop scratch') throw new Error('disk full');
    };
    const state = await (await harness.start(model)).result();
    expect(state.run.outcome).toBe('failed');
    expect(state.leftUndone).toMatchObject([
      { what: 'scratch', command: 'drop the scratch schema on the primary' },
    ]);
    expect(state.ledger.map((l) => l.id)).toEqual(['scratch']);
    expect(model.probing).toBe(false);
  });
});
