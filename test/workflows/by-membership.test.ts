import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunState } from '../../src/contracts/index.js';
import { Model } from '../fakes/model.js';
import { createHarness, type Harness, type TestRun } from './harness.js';

let harness: Harness;
beforeAll(async () => {
  harness = await createHarness();
});
afterAll(() => harness.close());

const [low, high] = ['3.5.1', '3.6.0'];
const members = (): Model => new Model(low, ['a', 'b', 'c'], { spares: ['d', 'e', 'f'] });
const upgrade = {
  to: high,
  strategy: 'by-membership',
  replacements: { a: 'd', b: 'e', c: 'f' },
};
const unasked = { switch: { approval: false } };
const quiet = { probe: { enabled: false } };

const effects = (model: Model): string[] => model.effects.filter((e) => !/scratch|probe/.test(e));
const joins = (id: string, version = high): string[] => [
  ...[`install ${id} ${version}`, `learner ${id}`, `start ${id} ${version}`, `vote ${id}`],
];
const everything = [
  'backup before-start',
  ...[...joins('e'), 'remove b', ...joins('f'), 'remove c', ...joins('d')],
  ...['transfer a e', 'backup before-level-3.6', 'remove a'],
];
const voters = (model: Model): string[] =>
  [...model.member.list].flatMap(([id, m]) => (m.role === 'voter' ? [id] : [])).sort();
const asked = (run: TestRun, step: string): Promise<RunState> =>
  run.until(`waits for ${step}`, (s) => s.waiting?.step === step);
const blocked = (run: TestRun): Promise<RunState> => run.until('blocked', (s) => s.phase === 'blocked');

describe.concurrent('R-ROLL-11: new members join, old ones are removed', () => {
  it('one at a time, the former leader last, the approval of the switch before the last removal', async () => {
    const model = members();
    const run = await harness.start(model, upgrade);
    const waits = await asked(run, 'switch/default');
    expect(effects(model)).toEqual(everything.slice(0, -2));
    expect(model.level.active).toBe('3.5');
    expect(waits.switches).toMatchObject([{ from: '3.5', to: '3.6', how: 'by-last-node' }]);
    await run.update('approve', { planHash: waits.plan?.hash });
    const state = await run.result();
    expect(state.failure).toBeUndefined();
    expect(state.run.outcome).toBe('completed');
    expect(effects(model)).toEqual(everything);
    expect(voters(model)).toEqual(['d', 'e', 'f']);
    expect(model.level.active).toBe('3.6');
    expect(state.switches).toMatchObject([{ nodesAtLevel: ['e', 'f', 'd'] }]);
    expect(state.handovers).toMatchObject([{ from: 'a', to: 'e', result: 'done' }]);
    expect(state).toMatchObject({ ledger: [], compensations: [], leftUndone: [], writes: { lost: 0 } });
  });

  it('every step is in the plan, in its order', async () => {
    const model = members();
    const state = await (await harness.start(model, { ...upgrade, ...unasked, ...quiet })).result();
    expect(state.steps.map((s) => s.id)).toEqual(state.plan?.steps.map((s) => s.id));
    expect(state.plan?.pointOfNoReturn).toBe('switch/default');
  });

  it('a second run finds it done', async () => {
    const model = members();
    await (await harness.start(model, { ...upgrade, ...unasked, ...quiet })).result();
    const before = [...model.effects];
    const again = await (await harness.start(model, { ...upgrade, ...unasked, ...quiet })).result();
    expect(again.plan?.kind).toBe('done');
    expect(model.effects).toEqual(before);
  });

  it('R-SAGA-1: an effect whose outcome nobody learns of is observed, not repeated', async () => {
    const model = members();
    const lost = new Set(everything);
    model.afterEffect = (effect) => {
      if (lost.delete(effect)) throw new Error('the answer is lost');
    };
    const state = await (await harness.start(model, { ...upgrade, ...unasked, ...quiet })).result();
    expect([...lost]).toEqual([]);
    expect(state.failure).toBeUndefined();
    expect(state.run.outcome).toBe('completed');
    expect(effects(model)).toEqual(everything);
  });

  it('R-ROLL-8: a leader that moves by itself is seen, and goes last', async () => {
    const model = members();
    model.onEffect = (e) => {
      if (e !== 'learner e') return;
      model.epoch++;
      model.node('a').role = 'replica';
      model.node('c').role = 'primary';
      for (const n of model.present) n.upstream = n.id === 'c' ? undefined : 'c';
    };
    const state = await (await harness.start(model, { ...upgrade, ...unasked, ...quiet })).result();
    expect(state.run.outcome).toBe('completed');
    expect(effects(model).filter((e) => /^(remove|transfer)/.test(e))).toEqual([
      ...['remove a', 'remove b', 'transfer c d', 'remove c'],
    ]);
    expect(voters(model)).toEqual(['d', 'e', 'f']);
  });

  it('an abort leaves no learner', async () => {
    const model = members();
    model.member.learnerLag = 500;
    const run = await harness.start(model, {
      ...{ ...upgrade, ...unasked, ...quiet },
      timeouts: { gate: '10m', start: '10m', rejoin: '10m' },
    });
    await run.until('held', (s) =>
      s.gates.some((g) => g.name === 'learner-caught-up' && g.verdict === 'hold'),
    );
    await run.update('abort');
    const state = await run.result();
    expect(state.run.outcome).toBe('aborted');
    expect([...model.member.list.keys()]).toEqual(['a', 'b', 'c']);
    expect(state).toMatchObject({ leftUndone: [], compensations: [] });
  });
});

describe.concurrent('R-SAGA-5: rolling back by membership', () => {
  const back = (id: string): string[] => [`learner ${id}`, `start ${id} ${low}`, `vote ${id}`];

  it('before the switch: the old ones join again, the new ones leave', async () => {
    const model = members();
    const run = await harness.start(model, { ...upgrade, ...quiet });
    await asked(run, 'switch/default');
    await run.update('rollback', { by: 'ann', reason: 'not today' });
    const state = await run.result();
    expect(state.failure).toBeUndefined();
    expect(state.run.outcome).toBe('rolled-back');
    const forth = everything.slice(0, -2);
    expect(effects(model).slice(forth.length)).toEqual([
      // e leads: it goes last, and a is there still.
      ...['remove d', ...back('c'), 'remove f', ...back('b'), 'transfer e a', 'remove e'],
    ]);
    expect(voters(model)).toEqual(['a', 'b', 'c']);
    expect(model.level.active).toBe('3.5');
    expect(state.leftUndone).toEqual([]);
  });

  it('while a new one is a learner: it is removed, and nothing is left to undo', async () => {
    const model = members();
    model.member.learnerLag = 500;
    const run = await harness.start(model, {
      ...{ ...upgrade, ...unasked, ...quiet },
      timeouts: { gate: '10m', start: '10m', rejoin: '10m' },
    });
    await run.until('held', (s) =>
      s.gates.some((g) => g.name === 'learner-caught-up' && g.verdict === 'hold'),
    );
    await run.update('rollback');
    const state = await run.result();
    expect(state.run.outcome).toBe('rolled-back');
    expect(effects(model)).toEqual([
      ...['backup before-start', `install e ${high}`, 'learner e', `start e ${high}`, 'remove e'],
    ]);
    expect(state).toMatchObject({ leftUndone: [], compensations: [] });
  });

  it('R-SWITCH-3: after the switch it is refused as the plan says, and the members stay as they are', async () => {
    const model = members();
    const run = await harness.start(model, {
      ...{ ...upgrade, ...unasked, ...quiet },
      approvals: { before: ['finish'] },
    });
    await asked(run, 'finish');
    await run.update('rollback', { by: 'ann' });
    const state = await blocked(run);
    expect(state.failure).toMatchObject({
      code: 'STUCK',
      remedy: expect.stringContaining('strategy in-place') as string,
    });
    await run.update('abort');
    expect((await run.result()).run.outcome).toBe('aborted');
    expect(effects(model)).toEqual(everything);
    expect(voters(model)).toEqual(['d', 'e', 'f']);
  });

  it('R-PLAN-2: a downgrade by membership is refused', async () => {
    const model = new Model(high, ['a', 'b', 'c'], { spares: ['d', 'e', 'f'] });
    const state = await (await harness.start(model, { ...upgrade, to: low })).result();
    expect(state.plan?.refusals.map((r) => r.code)).toEqual(['DOWNGRADE_IN_PLACE_ONLY']);
    expect(model.effects).toEqual([]);
  });
});
