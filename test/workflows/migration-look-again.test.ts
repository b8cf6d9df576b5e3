import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Obstacle, RunState } from '../../src/contracts/index.js';
import { MigrationModel } from '../fakes/model-migration.js';
import { createHarness, type Harness, type TestRun } from './harness.js';
import { approve, asked, blocked, expectAccepted, expectDiscarded, observing } from './migration-run.js';

let harness: Harness;
beforeAll(async () => {
  harness = await createHarness();
});
afterAll(() => harness.close());

const photos: Obstacle = {
  code: 'LARGE_OBJECTS',
  message: '3 large objects on the source',
  remedy: 'Remove them.',
};

const cutsOf = (state: RunState): [string, number][] =>
  state.migration?.validations.map((v) => [v.cut, v.mismatches]) ?? [];

describe.concurrent('R-MIG-4: what forbids a migration is looked for again at the cutover', () => {
  it('what has come up since the plan blocks before the copies are compared, and a retry looks again', async () => {
    const model = new MigrationModel();
    model.inTheWay.forward.push(photos);
    const run = await harness.migrate(model);
    const state = await blocked(run);
    expect(state.failure).toMatchObject({
      ...{ code: 'GATE_HELD', step: 'validate/cutover' },
      message: expect.stringContaining('LARGE_OBJECTS: 3 large objects') as string,
      remedy: expect.stringMatching(/^Remove them\. Then retry/) as string,
    });
    expect(state.gates.find((g) => g.name === 'no-obstacles')?.verdict).toBe('hold');
    expect(model.effects).not.toContain('cut before-cutover-1');
    model.inTheWay.forward.length = 0;
    await run.update('retry');
    const end = await run.result();
    expectAccepted(model, end);
    expect(end.gates.find((g) => g.name === 'no-obstacles')?.verdict).toBe('pass');
  });

  it.each([
    [
      'GATE_HELD',
      (m: MigrationModel, is: boolean) =>
        (m.inTheWay.forward.length = is ? m.inTheWay.forward.push(photos) : 0),
    ],
    ['COPIES_DIFFER', (m: MigrationModel, is: boolean) => (m.definitions = is ? ['the role app'] : [])],
  ] as const)(
    'what comes up while the approval is waited for: %s before the fence; mended, the copies are compared again and nobody is asked twice',
    async (code, come) => {
      const model = new MigrationModel();
      const run = await harness.migrate(model, { cutover: { approval: true } });
      await run.until('waits', (s) => s.waiting?.step === 'cutover');
      come(model, true);
      await approve(run, 'cutover');
      const state = await blocked(run);
      expect(state.failure).toMatchObject({ code, step: 'cutover' });
      expect(state.migration).toMatchObject({ phase: 'validating-cutover', authority: 'source' });
      expect(model.effects).not.toContain('stream back');
      come(model, false);
      await run.update('retry');
      const end = await run.result();
      expectAccepted(model, end);
      expect(cutsOf(end).map(([cut]) => cut)).toEqual([
        ...['at-export', 'before-cutover-1', 'before-cutover-1', 'cutover-1'],
      ]);
      expect(end.decisions.map((d) => d.action)).toEqual(['approve', 'retry']);
    },
  );

  it('what the spec accepts by name does not stand', async () => {
    const model = new MigrationModel();
    model.inTheWay.forward.push({ ...photos, acceptAs: 'slot-limit' });
    expectAccepted(model, await (await harness.migrate(model, { accept: ['slot-limit'] })).result());
  });

  it('a look that fails is no look: nothing moves', async () => {
    const model = new MigrationModel();
    model.fail('obstacles forward', 'SYSTEM_REFUSED', 2);
    const run = await harness.migrate(model);
    const state = await blocked(run);
    expect(state.failure).toMatchObject({ code: 'SYSTEM_REFUSED', step: 'cutover' });
    expect(model.effects).not.toContain('stream back');
    await run.update('retry');
    expectAccepted(model, await run.result());
  });

  it('what a cut-back could not carry is told while B is observed, and keeps nobody from going back; B is kept until it is gone', async () => {
    const model = new MigrationModel();
    const run = await harness.migrate(model, { observe: { for: '1h', acceptance: true } });
    model.inTheWay.back.push(photos);
    const told = await run.until('told', (s) => s.gates.some((g) => g.observed.includes('LARGE_OBJECTS')));
    expect(told).toMatchObject({ phase: 'migrating', migration: { phase: 'observing' } });
    await run.update('rollback', { by: 'ann' });
    const state = await blocked(run);
    expect(state.failure).toMatchObject({ code: 'GATE_HELD', step: 'validate/cut-back' });
    expect(state.migration).toMatchObject({ phase: 'cut-back', authority: 'source' });
    expect(cutsOf(state).at(-1)).toEqual(['cut-back-1', 0]);
    model.inTheWay.back.length = 0;
    await run.update('retry');
    await run.until('asked again', (s) => s.waiting?.step === 'cutover/2');
    await run.update('rollback');
    expectDiscarded(model, await run.result());
  });

  it('while the acceptance is waited for it is told too; a side that does not answer then makes it unknown', async () => {
    const model = new MigrationModel();
    model.fail('obstacles back', 'SYSTEM_REFUSED');
    const run = await observing(harness, model);
    const state = await run.until('told', (s) =>
      s.gates.some((g) => g.name === 'no-obstacles' && g.verdict === 'unknown'),
    );
    expect(state.gates.find((g) => g.name === 'no-obstacles')?.observed).toContain('obstacles back fails');
    // It passed before the cutover: that says nothing of now.
    expect(state.gates.find((g) => g.name === 'definitions-equal')?.verdict).toBe('unknown');
    await approve(run, 'accept');
    expectAccepted(model, await run.result());
  });
});

describe.concurrent('R-MIG-2: what came back with the writes is compared', () => {
  /** Somebody else's hand in A, at the moment when the writes come back. */
  const tamper = (model: MigrationModel): void => {
    model.onEffect = (e) => {
      if (e === 'fence destination') model.copies.corrupt('source', 'customers', 2, 'another');
    };
  };

  it('a difference at the fence of a cut-back is told with its place while A takes the writes; mended, another cut shows it', async () => {
    const model = new MigrationModel();
    const run = await observing(harness, model);
    tamper(model);
    await run.update('rollback', { by: 'ann' });
    const state = await blocked(run);
    expect(state.failure).toMatchObject({
      ...{ code: 'COPIES_DIFFER', step: 'validate/cut-back' },
      message: expect.stringContaining('takes the writes again') as string,
      remedy: expect.stringContaining('is kept as it is') as string,
    });
    expect(cutsOf(state).at(-1)).toEqual(['cut-back-1', 1]);
    const tables = state.migration?.validations.at(-1)?.tables;
    expect(tables?.find((t) => !t.equal)?.mismatches).toMatchObject([
      { table: 'customers', key: { id: '2' } },
    ]);
    expect([model.copies.source.open, model.copies.destination.open]).toEqual([true, false]);
    expect(model.copies.destination.held.size).toBe(0);
    model.copies.corrupt('source', 'customers', 2, 'first 2');
    await run.update('retry');
    const again = await run.until('asked again', (s) => s.waiting?.step === 'cutover/2');
    expect(cutsOf(again).at(-1)).toEqual(['cut-back-1', 0]);
    expect(model.effects).toContain('cut cut-back-1');
    await approve(run, 'cutover/2');
    await approve(run, 'accept');
    expectAccepted(model, await run.result());
  });

  it('B is not removed by a spec that says rollback while it has what A has not: an operator says so', async () => {
    const model = new MigrationModel();
    model.fail('hashRange destination orders 0', 'SYSTEM_REFUSED', 3);
    tamper(model);
    const run = await harness.migrate(model, { onFailure: 'rollback' });
    const state = await blocked(run);
    expect(state.failure).toMatchObject({ code: 'COPIES_DIFFER', step: 'validate/cut-back' });
    expect(model.effects).not.toContain('discard');
    model.copies.corrupt('source', 'customers', 2, 'first 2');
    await run.update('rollback', { by: 'ann' });
    const end = await run.result();
    expect(end.run.outcome).toBe('rolled-back');
    expectDiscarded(model, end);
  });

  it('mended, the same spec goes on to the end by itself', async () => {
    const model = new MigrationModel();
    model.fail('hashRange destination orders 0', 'SYSTEM_REFUSED', 3);
    tamper(model);
    const run = await harness.migrate(model, { onFailure: 'rollback' });
    await blocked(run);
    model.copies.corrupt('source', 'customers', 2, 'first 2');
    await run.update('retry');
    const end = await run.result();
    expect(end.run.outcome).toBe('rolled-back');
    expect(cutsOf(end).at(-1)).toEqual(['cut-back-1', 0]);
    expectDiscarded(model, end);
  });

  it('a rollback does not wait for it', async () => {
    const model = new MigrationModel();
    const run = await observing(harness, model);
    model.onCall = (call) => {
      if (call.startsWith('hashRange')) throw new Error('not yet');
    };
    await run.update('rollback', { by: 'ann' });
    await run.until('compares', (s) => s.step === 'validate/cut-back');
    await run.update('rollback', { by: 'ann' });
    expectDiscarded(model, await run.result());
  });

  it('what cannot be read at that fence any more is compared at a cut', async () => {
    const model = new MigrationModel();
    const run = await observing(harness, model);
    model.afterEffect = (e) => {
      if (e !== 'open source') return;
      model.afterEffect = () => undefined;
      model.copies.truncate('orders');
      model.fail('hashRange destination customers', 'CUT_LOST');
    };
    await run.update('rollback', { by: 'ann' });
    const state = await blocked(run);
    expect(state.failure).toMatchObject({ code: 'CUT_LOST', step: 'validate/cut-back' });
    await run.update('retry');
    await run.until('asked again', (s) => s.waiting?.step === 'cutover/2');
    expect(model.effects).toContain('cut cut-back-1');
    await run.update('rollback');
    expectDiscarded(model, await run.result());
  });
});

const hour = 3600_000;

/** The same run, two hours later: as a run goes on from its own state. */
async function later(
  model: MigrationModel,
  run: TestRun,
  spec: Record<string, unknown>,
  state: RunState,
): Promise<TestRun> {
  await run.handle.terminate();
  const before = (at: string): string => new Date(Date.parse(at) - 2 * hour).toISOString();
  const validations = state.migration?.validations.map((v) => ({
    ...v,
    startedAt: before(v.startedAt),
    endedAt: before(v.endedAt),
  }));
  if (!state.migration || !validations) throw new Error('no migration');
  const aged = { ...state, waiting: undefined, migration: { ...state.migration, validations } };
  return harness.migrate(model, spec, { state: aged });
}

describe.concurrent('R-MIG-1: a comparison that has gone old does not allow a cutover', () => {
  it('an approval that took long: compared again before the fence, and not asked again', async () => {
    const model = new MigrationModel();
    const first = await harness.migrate(model, asked);
    const waiting = await first.until('waits', (s) => s.waiting?.step === 'cutover');
    const run = await later(model, first, asked, waiting);
    await approve(run, 'cutover');
    await approve(run, 'accept');
    const state = await run.result();
    expectAccepted(model, state);
    expect(cutsOf(state).map(([cut]) => cut)).toEqual([
      ...['at-export', 'before-cutover-1', 'before-cutover-1', 'cutover-1'],
    ]);
    expect(state.steps.map((s) => [s.id, s.result]).slice(-5)).toEqual([
      ['cutover', 'skipped'],
      ['validate/cutover', 'done'],
      ['cutover', 'done'],
      ['observe', 'done'],
      ['accept', 'done'],
    ]);
  });

  it('found different then, it blocks though the approval was given', async () => {
    const model = new MigrationModel();
    const first = await harness.migrate(model, asked);
    const waiting = await first.until('waits', (s) => s.waiting?.step === 'cutover');
    const run = await later(model, first, asked, waiting);
    model.copies.corrupt('destination', 'customers', 1, 'another');
    await approve(run, 'cutover');
    const state = await blocked(run);
    expect(state.failure).toMatchObject({ code: 'COPIES_DIFFER', step: 'validate/cutover' });
    expect(model.effects).not.toContain('fence source');
    await run.update('rollback');
    expectDiscarded(model, await run.result());
  });

  it('that of a cut-back is compared again too', async () => {
    const model = new MigrationModel();
    const first = await observing(harness, model);
    await first.update('rollback');
    const waiting = await first.until('asked again', (s) => s.waiting?.step === 'cutover/2');
    const spec = { observe: { for: '0ms', acceptance: true } };
    const run = await later(model, first, spec, waiting);
    await approve(run, 'cutover/2');
    await approve(run, 'accept');
    const state = await run.result();
    expectAccepted(model, state);
    expect(cutsOf(state).map(([cut]) => cut)).toEqual([
      ...['at-export', 'before-cutover-1', 'cutover-1', 'cut-back-1', 'before-cutover-2', 'cutover-2'],
    ]);
  });

  it('with the source closed still clients wait: what is closed is gone on with, whatever its age', async () => {
    const model = new MigrationModel();
    model.fail('cutOver', 'SYSTEM_REFUSED');
    model.fail('unfence', 'SYSTEM_REFUSED');
    const spec = { cutover: { approval: false, window: { from: clock(-60), to: clock(60) } } };
    const first = await harness.migrate(model, spec);
    const state = await blocked(first);
    expect(state.leftUndone.map((l) => l.what)).toEqual(['fence/forward']);
    if (!state.spec.migration) throw new Error('no migration');
    const { migration } = state.spec;
    const cutover = { ...migration.cutover, window: { from: clock(120), to: clock(180) } };
    const aged = { ...state, spec: { ...state.spec, migration: { ...migration, cutover } } };
    const run = await later(model, first, spec, aged);
    const end = await run.result();
    expectAccepted(model, end);
    expect(model.effects.filter((e) => e === 'cut before-cutover-1')).toHaveLength(1);
  });
});

const clock = (inMinutes: number): string =>
  new Date(Date.now() + inMinutes * 60_000).toISOString().slice(11, 16);
