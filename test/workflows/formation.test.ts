import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formationStages, type RunState } from '../../src/contracts/index.js';
import { Model } from '../fakes/model.js';
import { createHarness, type Harness, type TestRun } from './harness.js';

let harness: Harness;
beforeAll(async () => {
  harness = await createHarness();
});
afterAll(() => harness.close());

const version = '3.6.0';
const standalone = (): Model => new Model(version, ['a', 'b', 'c'], { standalone: true });
const whole = { leader: 'b', remove: ['a'] };
const quiet = { probe: { enabled: false } };

/** Effects without the probe and our own objects. */
const effects = (model: Model): string[] => model.effects.filter((e) => !/scratch|probe/.test(e));

const seeding = [
  ...['mode a preparing mode-preparing-written', 'stop a'],
  ...['snapshot a', 'mode a preparing snapshot-saved'],
  ...['restore a', 'mode a preparing seed-restored', 'mode a preparing seed-verified'],
  ...['finalize a', 'mode a seeded seeded-finalized'],
];
const serving = [`start a ${version}`, 'mode a cluster serving'];
const joining = (id: string): string[] => [
  ...[`install ${id} ${version}`, `learner ${id}`, `start ${id} ${version}`, `vote ${id}`],
  ...[`mode ${id} cluster member-added/${id}`, `mode a cluster member-added/${id}`],
];
const leading = ['transfer a b', 'mode a cluster leader-moved/b'];
const leaving = ['remove a', 'mode a cluster member-removed/a'];
const backup = 'backup before-start';
const everything = [
  ...[...seeding, ...serving, backup],
  ...[...joining('b'), ...joining('c'), ...leading, ...leaving],
];

const voters = (model: Model): string[] =>
  [...model.member.list].filter(([, m]) => m.role === 'voter').map(([id]) => id);
const blocked = (run: TestRun): Promise<RunState> => run.until('blocked', (s) => s.phase === 'blocked');
const asked = (run: TestRun, step: string): Promise<RunState> =>
  run.until(`waits for ${step}`, (s) => s.waiting?.step === step);

async function approve(run: TestRun, step: string): Promise<void> {
  const { plan } = await asked(run, step);
  await run.update('approve', { planHash: plan?.hash, step });
}

describe.concurrent('R-FORM-1: from a standalone to a cluster', () => {
  it('every stage in order, each milestone written when it has been reached', async () => {
    const model = standalone();
    const state = await (await harness.form(model, whole)).result();
    expect(state.failure).toBeUndefined();
    expect(state.run.outcome).toBe('completed');
    expect(effects(model)).toEqual(everything);
    expect(state.formation?.checkpoints.map((c) => c.name)).toEqual([
      ...['mode-preparing-written', 'snapshot-saved', 'seed-restored', 'seed-verified', 'seeded-finalized'],
      ...['serving', 'member-added/b', 'member-added/c', 'leader-moved/b', 'member-removed/a'],
    ]);
    expect(state.formation).toMatchObject({
      ...{ mode: 'cluster', checkpoint: 'member-removed/a', kept: '/data/standalone' },
      snapshot: { content: 'revision 7' },
    });
    expect(voters(model)).toEqual(['b', 'c']);
    expect(model.primary?.id).toBe('b');
    expect(state.steps.map((s) => [s.id, s.result])).toEqual(
      [
        ...['init/a', 'serve/a', 'prepare', 'expand/b', 'expand/c', 'transfer-leader/b', 'remove-member/a'],
        'finish',
      ].map((id) => [id, 'done']),
    );
    expect(state).toMatchObject({ ledger: [], compensations: [], leftUndone: [], resumeHint: '' });
    expect(state.writes).toMatchObject({ lost: 0 });
    expect(state.nodes.map((n) => [n.id, n.status, n.roleAfter])).toEqual([
      ['a', 'complete', 'removed'],
      ['b', 'complete', expect.any(String)],
      ['c', 'complete', expect.any(String)],
    ]);
  });

  it('R-FORM-3: a second run of the same finds it done and touches nothing', async () => {
    const model = standalone();
    await (await harness.form(model, whole)).result();
    const before = [...model.effects];
    const again = await (await harness.form(model, whole)).result();
    expect(again.plan?.kind).toBe('done');
    expect(again.run.outcome).toBe('completed');
    expect(model.effects).toEqual(before);
  });

  it('stage by stage, each in a run of its own, it is the same as in one', async () => {
    const model = standalone();
    for (const stage of formationStages) {
      const state = await (await harness.form(model, whole, { stages: [stage] })).result();
      expect(state.failure, stage).toBeUndefined();
      expect(state.run.outcome, stage).toBe('completed');
    }
    // Each later run makes its own backup before it begins.
    expect(effects(model).filter((e) => e !== backup)).toEqual(everything.filter((e) => e !== backup));
    expect(voters(model)).toEqual(['b', 'c']);
  });

  it('a stage that comes too early is refused, and nothing is touched', async () => {
    const model = standalone();
    const state = await (await harness.form(model, whole, { stages: ['expand'] })).result();
    expect(state.run.outcome).toBe('failed');
    expect(state.failure?.message).toContain('STAGE_TOO_EARLY');
    expect(model.effects).toEqual([]);
  });

  it('a plan that is not the one that was read stops the run before it changes anything', async () => {
    const model = standalone();
    const state = await (await harness.form(model, whole, { expectPlan: 'another' })).result();
    expect(state.failure?.code).toBe('PLAN_CHANGED');
    expect(model.effects).toEqual([]);
  });

  it('the member that leads hands over before it is removed', async () => {
    const model = standalone();
    const state = await (await harness.form(model, { remove: ['a'] })).result();
    expect(state.run.outcome).toBe('completed');
    const end = effects(model).slice(-leading.length - leaving.length);
    expect(end).toEqual([...leading, ...leaving]);
    expect(state.handovers).toMatchObject([{ from: 'a', to: 'b', result: 'done' }]);
  });
});

it('R-SAGA-1: an effect whose outcome nobody learns of is observed, not repeated', async () => {
  const model = standalone();
  const lost = new Set(everything);
  model.afterEffect = (effect) => {
    if (lost.delete(effect)) throw new Error('the answer is lost');
  };
  const state = await (await harness.form(model, { ...whole, ...quiet })).result();
  expect([...lost]).toEqual([]);
  expect(state.failure).toBeUndefined();
  expect(state.run.outcome).toBe('completed');
  expect(effects(model)).toEqual(everything);
});

describe.concurrent('R-SAGA-3: a formation is steered like every run', () => {
  it('approvals hold a stage, and nothing of it has been done before', async () => {
    const model = standalone();
    const before = ['start', 'serve/a', 'expand/b', 'remove-member/a', 'finish'];
    const run = await harness.form(model, { ...whole, ...quiet, approvals: { before } });
    await asked(run, 'init/a');
    expect(model.effects).toEqual([]);
    await approve(run, 'init/a');
    await asked(run, 'serve/a');
    expect(effects(model)).toEqual(seeding);
    await approve(run, 'serve/a');
    await asked(run, 'expand/b');
    expect(effects(model)).toEqual([...seeding, ...serving, backup]);
    await approve(run, 'expand/b');
    await asked(run, 'remove-member/a');
    expect(effects(model)).toEqual(everything.slice(0, -leaving.length));
    await approve(run, 'remove-member/a');
    await asked(run, 'finish');
    await approve(run, 'finish');
    expect((await run.result()).run.outcome).toBe('completed');
  });

  it('a pause holds between two stages', async () => {
    const model = standalone();
    model.onEffect = async (e) => {
      if (e === 'learner b') await run.update('pause', { by: 'ann' });
    };
    const run = await harness.form(model, { ...whole, ...quiet });
    await run.until('paused', (s) => s.phase === 'paused');
    expect(effects(model)).toEqual([...seeding, ...serving, backup, ...joining('b')]);
    await run.update('resume', { by: 'ann' });
    expect((await run.result()).run.outcome).toBe('completed');
  });

  it('R-FORM-3: a failed init says where it stands and what goes on, and a retry goes on from there', async () => {
    const model = standalone();
    model.member.seedVerdict = { verdict: 'hold', observed: 'hash 8' };
    const run = await harness.form(model, { ...whole, ...quiet });
    const state = await blocked(run);
    expect(state.failure).toMatchObject({
      code: 'BACKUP_UNVERIFIED',
      message: 'seed-verified hold: hash 8; needs hash 7',
      remedy: expect.stringContaining('roll back to make it an ordinary standalone again') as string,
    });
    expect(state.formation).toMatchObject({ mode: 'preparing', checkpoint: 'seed-restored' });
    expect(state.resumeHint).toBe(`rollgate form init -f FILE (the files of cluster ${state.run.cluster})`);
    expect(model.modes.get('a')).toMatchObject({ mode: 'preparing', resumeHint: state.resumeHint });
    model.member.seedVerdict = { verdict: 'pass', observed: 'hash 7' };
    await run.update('retry');
    expect((await run.result()).run.outcome).toBe('completed');
    expect(effects(model).filter((e) => /^(stop|snapshot|restore|finalize)/.test(e))).toEqual([
      ...['stop a', 'snapshot a', 'restore a', 'finalize a'],
    ]);
  });

  it('R-FORM-3: aborted at a checkpoint, the next run goes on from it', async () => {
    const model = standalone();
    model.member.seedVerdict = { verdict: 'unknown', observed: 'it did not answer' };
    const first = await harness.form(model, { ...whole, ...quiet });
    await blocked(first);
    await first.update('abort');
    const aborted = await first.result();
    expect(aborted.run.outcome).toBe('aborted');
    // What goes on from here is told after the end as well.
    expect(aborted.resumeHint).toContain('rollgate form init');
    expect(model.modes.get('a')?.mode).toBe('preparing');
    model.member.seedVerdict = { verdict: 'pass', observed: 'hash 7' };
    const second = await (await harness.form(model, { ...whole, ...quiet })).result();
    expect(second.run.outcome).toBe('completed');
    expect(effects(model).filter((e) => !e.startsWith('mode a preparing'))).toEqual(
      everything.filter((e) => !e.startsWith('mode a preparing')),
    );
  });

  it('R-FORM-4: an abort before a member has its vote leaves no ghost of it', async () => {
    const model = standalone();
    model.member.learnerLag = 500;
    const run = await harness.form(model, {
      ...whole,
      timeouts: { gate: '10m', start: '10m', rejoin: '10m' },
    });
    await run.until('held', (s) =>
      s.gates.some((g) => g.name === 'learner-caught-up' && g.verdict === 'hold'),
    );
    expect([...model.member.list.keys()]).toEqual(['a', 'b']);
    await run.update('abort', { by: 'ann' });
    const state = await run.result();
    expect(state.run.outcome).toBe('aborted');
    expect([...model.member.list.keys()]).toEqual(['a']);
    expect(model.node('b').running).toBe(false);
    expect(model.effects).not.toContain('vote b');
    expect(state).toMatchObject({ leftUndone: [], compensations: [], ledger: [] });
    // The way on is known, and taken by the next run.
    model.member.learnerLag = 0;
    expect((await (await harness.form(model, whole)).result()).run.outcome).toBe('completed');
    expect(voters(model)).toEqual(['b', 'c']);
  });

  it('R-FORM-4: a learner whose start has failed is gone on with by a retry, and is entered once', async () => {
    const model = standalone();
    let broken = true;
    model.onEffect = (e) => {
      if (e === `start b ${version}` && broken) throw new Error('no such file');
    };
    const run = await harness.form(model, { ...whole, ...quiet });
    const state = await blocked(run);
    expect(state.failure).toMatchObject({ step: 'expand/b', node: 'b' });
    expect(state.nodes.find((n) => n.id === 'b')?.status).toBe('failed');
    broken = false;
    await run.update('retry');
    expect((await run.result()).run.outcome).toBe('completed');
    expect(effects(model)).toEqual(everything);
  });
});

describe.concurrent('R-FORM-2, R-SAGA-5: the way back to the standalone', () => {
  const broken = (): Model => {
    const model = standalone();
    model.member.seedVerdict = { verdict: 'hold', observed: 'hash 8' };
    return model;
  };
  const undone = ['discard a', 'mode a standalone', `start a ${version}`];

  it('onFailure rollback: it serves again, and nothing of ours is left', async () => {
    const model = broken();
    const state = await (await harness.form(model, { ...quiet, onFailure: 'rollback' })).result();
    expect(state.run.outcome).toBe('rolled-back');
    expect(effects(model).slice(-3)).toEqual(undone);
    expect(model.modes.size).toBe(0);
    expect(model.member.made.size).toBe(0);
    expect(state.formation).toMatchObject({ mode: 'standalone', checkpoint: '' });
    expect(state.resumeHint).toBe('');
  });

  it('one that did not run before does not run afterwards', async () => {
    const model = broken();
    model.node('a').running = false;
    const state = await (await harness.form(model, { ...quiet, onFailure: 'rollback' })).result();
    expect(state.run.outcome).toBe('rolled-back');
    expect(effects(model).slice(-2)).toEqual(undone.slice(0, 2));
    expect(model.node('a').running).toBe(false);
  });

  it('in a run of its own, after one that was aborted', async () => {
    const model = broken();
    const first = await harness.form(model, quiet);
    await blocked(first);
    await first.update('abort');
    expect((await first.result()).run.outcome).toBe('aborted');
    expect(model.node('a').running).toBe(false);
    const second = await (await harness.form(model, quiet, { rollback: true })).result();
    expect(second.failure).toBeUndefined();
    expect(second.run.outcome).toBe('rolled-back');
    expect(effects(model).slice(-3)).toEqual(undone);
  });

  it('by the operator, in a run that goes on from another', async () => {
    const model = broken();
    const first = await harness.form(model, quiet);
    await blocked(first);
    await first.update('abort');
    await first.result();
    const second = await harness.form(model, quiet);
    await blocked(second);
    await second.update('rollback', { by: 'ann' });
    expect((await second.result()).run.outcome).toBe('rolled-back');
    expect(effects(model).slice(-3)).toEqual(undone);
  });

  it('its outcome being lost, it is observed and ends the same', async () => {
    const model = broken();
    const lost = new Set(undone);
    model.afterEffect = (effect) => {
      if (lost.delete(effect)) throw new Error('the answer is lost');
    };
    const state = await (await harness.form(model, { ...quiet, onFailure: 'rollback' })).result();
    expect(lost.size).toBe(0);
    expect(state.run.outcome).toBe('rolled-back');
    expect(effects(model).slice(-3)).toEqual(undone);
  });

  it('of an ordinary standalone nothing is changed', async () => {
    const model = standalone();
    const state = await (await harness.form(model, quiet, { rollback: true })).result();
    expect(state.run.outcome).toBe('rolled-back');
    expect(model.effects).toEqual([]);
  });

  it.each([
    ['seeded', ['serve/a'], seeding],
    ['cluster', ['expand/b'], [...seeding, ...serving, backup]],
  ] as const)('refused once it is %s: nothing of it is undone', async (mode, before, done) => {
    const model = standalone();
    const run = await harness.form(model, { ...whole, ...quiet, approvals: { before } });
    await asked(run, before[0]);
    await run.update('rollback', { by: 'ann' });
    const state = await blocked(run);
    expect(state.failure).toMatchObject({
      code: 'STUCK',
      message: expect.stringContaining(`a is ${mode}`) as string,
      remedy: expect.stringContaining('Abort') as string,
    });
    await run.update('abort');
    expect((await run.result()).run.outcome).toBe('aborted');
    expect(effects(model)).toEqual(done);
    expect(model.modes.get('a')?.mode).toBe(mode);
    const again = await (await harness.form(model, { ...whole, ...quiet })).result();
    expect(again.run.outcome).toBe('completed');
    expect(voters(model)).toEqual(['b', 'c']);
  });
});
