import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RollgateError } from '../../src/contracts/index.js';
import { MigrationModel } from '../fakes/model-migration.js';
import { createHarness, type Harness } from './harness.js';
import {
  approve,
  asked,
  blocked,
  expectAccepted,
  expectDiscarded,
  forward,
  observing,
  phasesOf,
  refusalOf,
} from './migration-run.js';

let harness: Harness;
beforeAll(async () => {
  harness = await createHarness();
});
afterAll(() => harness.close());

describe.concurrent('R-MIG-5: a rollback leaves A as it was and B empty', () => {
  const steps = [
    'prepare',
    'export',
    'bootstrap',
    'validate/export',
    'dual-write',
    'validate/cutover',
    'cutover',
  ];

  it.each(steps)('asked for before %s', async (step) => {
    const model = new MigrationModel();
    const before = step === 'prepare' ? 'start' : step;
    const run = await harness.migrate(model, { approvals: { before: [before] } });
    await run.until('waits', (s) => s.waiting?.step === step);
    await run.update('rollback', { by: 'ann' });
    const state = await run.result();
    expect(state.run.outcome).toBe('rolled-back');
    expect(state.migration?.phase).toBe('discarded');
    expectDiscarded(model, state);
  });

  const effects = [
    ...['prepare', 'export', 'schema', 'copy orders 4096', 'finish schema', 'cut at-export'],
    ...['stream forward', 'release export', 'cut before-cutover-1', 'stream back'],
    'destination set b1/synchronous=rollgate',
  ];

  it.each(effects)('asked for during: %s', async (effect) => {
    const model = new MigrationModel();
    model.onEffect = async (e) => {
      if (e === effect) await run.handle.signal('rollback', { by: 'ann' });
    };
    const run = await harness.migrate(model);
    const state = await run.result();
    expect(model.effects).toContain(effect);
    expect(state.run.outcome).toBe('rolled-back');
    expect(state.migration?.phase).toBe('discarded');
    expectDiscarded(model, state);
    expect(model.effects).not.toContain('fence source');
  });

  it.each(effects.filter((e) => e !== 'prepare'))(
    'a spec that says so, when this fails: %s',
    async (effect) => {
      const model = new MigrationModel();
      model.onEffect = (e) => {
        if (e === effect) throw new RollgateError('SYSTEM_REFUSED', 'no', 'Say yes.');
      };
      const state = await (await harness.migrate(model, { onFailure: 'rollback' })).result();
      expect(state.run.outcome).toBe('rolled-back');
      expectDiscarded(model, state);
    },
  );

  it('a preparation that fails is undone, and may be tried again', async () => {
    const model = new MigrationModel();
    model.onEffect = (e) => {
      if (e === 'prepare') throw new RollgateError('SYSTEM_REFUSED', 'no', 'Say yes.');
    };
    const run = await harness.migrate(model);
    const state = await blocked(run);
    expectDiscarded(model, state);
    expect(state.migration?.phase).toBe('preflight');
    model.onEffect = () => undefined;
    await run.update('retry');
    expectAccepted(model, await run.result());
  });

  it('an abort before the cutover discards as well', async () => {
    const model = new MigrationModel();
    const run = await harness.migrate(model, asked);
    await run.until('waits', (s) => s.waiting?.step === 'cutover');
    await run.update('abort', { by: 'ann' });
    const state = await run.result();
    expect(state.run.outcome).toBe('aborted');
    expect(state.migration?.phase).toBe('discarded');
    expectDiscarded(model, state);
  });

  it('what cannot be discarded is told, with the command', async () => {
    const model = new MigrationModel();
    const run = await harness.migrate(model, { ...asked, onFailure: 'rollback' });
    await run.until('waits', (s) => s.waiting?.step === 'cutover');
    model.onCall = (call) => {
      if (call === 'discard') throw new RollgateError('SYSTEM_REFUSED', 'no', 'Say yes.');
    };
    await run.update('rollback', { by: 'ann' });
    const state = await run.result();
    expect(state.run.outcome).toBe('failed');
    expect(state.leftUndone.map((l) => l.what)).toEqual([
      'the migration is awaiting-approval, ' + state.run.cluster + ' takes the writes',
      'migration',
    ]);
    expect(state.leftUndone.every((l) => l.command.startsWith('rollgate migrate discard'))).toBe(true);
    expect(state.ledger.map((b) => b.id)).toContain('migration');
  });
});

describe.concurrent('R-MIG-2: until it is accepted, one command takes everything back to A', () => {
  it('cut back, asked again, cut over again, accepted', async () => {
    const model = new MigrationModel();
    const run = await harness.migrate(model, asked);
    await approve(run, 'cutover');
    await run.until('acceptance waits', (s) => s.waiting?.step === 'accept');
    await run.update('rollback', { by: 'ann', reason: 'the application has errors' });
    const back = await run.until('asked again', (s) => s.waiting?.step === 'cutover/2');
    expect(back.migration).toMatchObject({ phase: 'awaiting-approval', authority: 'source' });
    // Whoever approves has the result of the comparison before.
    expect(back.migration?.validations.at(-1)).toMatchObject({ cut: 'cut-back-1', mismatches: 0 });
    expect(back.direction).toBe('forward');
    expect([model.copies.source.open, model.copies.destination.open]).toEqual([true, false]);
    expect(model.copies.lost('source')).toEqual([]);
    expect(model.copies.residue('source')).toEqual(['bookkeeping', 'guard', 'slot forward']);
    expect(back.ledger.map((b) => b.id).sort()).toEqual([
      ...['fence/back', 'migration', 'probe', 'scratch', 'stream/forward'],
    ]);
    await approve(run, 'cutover/2');
    await approve(run, 'accept');
    const state = await run.result();
    expectAccepted(model, state);
    expect(phasesOf(state)).toEqual([
      ...forward,
      'cut-back',
      ...forward.slice(forward.indexOf('validating-cutover')),
      'accepted',
    ]);
    expect(state.migration?.switches.map((s) => [s.direction, s.result])).toEqual([
      ['forward', 'done'],
      ['back', 'done'],
      ['forward', 'done'],
    ]);
    expect(state.migration?.validations.map((v) => v.cut)).toEqual([
      ...['at-export', 'before-cutover-1', 'cutover-1', 'cut-back-1', 'cutover-2'],
    ]);
    expect(state.steps.map((s) => `${s.id} ${s.result ?? ''}`).slice(-9)).toEqual([
      ...[
        'observe done',
        'accept interrupted',
        'cut-back done',
        'cut-back/end done',
        'validate/cut-back done',
      ],
      ...['validate/cutover/2 done', 'cutover/2 done', 'observe/2 done', 'accept done'],
    ]);
    const between = model.effects.slice(model.effects.indexOf('release fence-forward') + 1);
    expect(between.slice(0, 7)).toEqual([
      ...['stream forward', 'fence destination', 'open source', 'destination set b1/synchronous='],
      ...['end back', 'release fence-back', 'stream back'],
    ]);
  });

  it('a second rollback, while A takes the writes again, discards', async () => {
    const model = new MigrationModel();
    const run = await observing(harness, model);
    await run.update('rollback', { by: 'ann' });
    await run.until('asked again', (s) => s.waiting?.step === 'cutover/2');
    await run.update('rollback', { by: 'ann' });
    const state = await run.result();
    expect(state.run.outcome).toBe('rolled-back');
    expect(phasesOf(state).slice(-5)).toEqual([
      ...['observing', 'cut-back', 'validating-cutover', 'awaiting-approval', 'discarded'],
    ]);
    expectDiscarded(model, state);
  });

  it('a spec that says rollback means all the way: cut back and discarded', async () => {
    const model = new MigrationModel();
    model.fail('hashRange destination orders 0', 'SYSTEM_REFUSED', 3);
    const state = await (await harness.migrate(model, { onFailure: 'rollback' })).result();
    expect(state.run.outcome).toBe('rolled-back');
    expect(phasesOf(state)).toEqual([...forward, 'cut-back', 'discarded']);
    expectDiscarded(model, state);
  });

  it('an acceptance that nobody gives is a rejection', async () => {
    const model = new MigrationModel();
    const state = await (
      await harness.migrate(model, {
        ...{ observe: { for: '0ms', acceptance: true }, onFailure: 'rollback' },
        approvals: { expireAfter: '300ms' },
      })
    ).result();
    expect(state.decisions).toMatchObject([{ action: 'approval-expired', step: 'accept' }]);
    expect(phasesOf(state).slice(-2)).toEqual(['cut-back', 'discarded']);
    expectDiscarded(model, state);
  });

  it('a rollback during the observation does not wait for its end', async () => {
    const model = new MigrationModel();
    const run = await harness.migrate(model, { observe: { for: '1h', acceptance: false } });
    await run.until('observing', (s) => s.migration?.observedSince !== undefined);
    await run.update('rollback', { by: 'ann' });
    const state = await run.until('asked again', (s) => s.waiting?.step === 'cutover/2');
    expect(state.migration?.authority).toBe('source');
    await run.update('abort');
    expectDiscarded(model, await run.result());
  });

  it('a rollback asked for while the writes move goes back as soon as they have', async () => {
    const model = new MigrationModel();
    model.onEffect = async (e) => {
      if (e === 'fence source') await run.handle.signal('rollback', { by: 'ann' });
    };
    const run = await harness.migrate(model);
    const state = await run.until('asked again', (s) => s.waiting?.step === 'cutover/2');
    expect(state.migration?.switches.map((s) => [s.direction, s.result])).toEqual([
      ['forward', 'done'],
      ['back', 'done'],
    ]);
    expect(model.copies.lost('source')).toEqual([]);
    model.onEffect = () => undefined;
    await approve(run, 'cutover/2');
    expectAccepted(model, await run.result());
  });

  it('a cut-back that fails directly after the cutover opens B again, whatever else was ended in it', async () => {
    const model = new MigrationModel();
    model.onEffect = async (e) => {
      if (e === 'fence source') await run.handle.signal('rollback', { by: 'ann' });
    };
    model.fail('cutOver back', 'FENCE_VOID');
    const run = await harness.migrate(model);
    const state = await blocked(run);
    expect(state.failure).toMatchObject({ code: 'FENCE_VOID', step: 'cut-back' });
    expect(model.effects.slice(-2)).toEqual(['unfence destination', 'end forward']);
    expect([model.copies.source.open, model.copies.destination.open]).toEqual([false, true]);
    expect(state.ledger.map((b) => b.id)).not.toContain('fence/back');
    await run.update('retry');
    await run.until('asked again', (s) => s.waiting?.step === 'cutover/2');
    await run.update('rollback');
    expectDiscarded(model, await run.result());
  });

  it('a cut-back that fails waits for an operator even where the spec says rollback, and keeps the way back', async () => {
    const model = new MigrationModel();
    const run = await observing(harness, model, { onFailure: 'rollback' });
    model.lateFences = 1;
    await run.update('rollback', { by: 'ann' });
    const state = await blocked(run);
    expect(state.failure?.code).toBe('FENCE_LATE');
    expect(state.migration?.authority).toBe('destination');
    expect(model.effects).not.toContain('end back');
    expect(model.copies.destination.open).toBe(true);
    expect(await refusalOf(run.update('abort'))).toContain('the destination takes the writes');
    await run.update('retry');
    await run.until('asked again', (s) => s.waiting?.step === 'cutover/2');
    await run.update('rollback');
    expectDiscarded(model, await run.result());
  });

  it('a destination that is lost for good is given up by the operator: the source is opened alone, with every write', async () => {
    const model = new MigrationModel();
    const run = await observing(harness, model, { onFailure: 'rollback' });
    expect(await refusalOf(run.update('skip'))).toContain('nothing has failed');
    model.loseDestination();
    await run.update('rollback', { by: 'ann' });
    const state = await blocked(run);
    expect(state.failure).toMatchObject({
      ...{ code: 'SYSTEM_UNREACHABLE', step: 'cut-back' },
      remedy: expect.stringContaining('rollgate skip') as string,
    });
    expect(model.copies.source.open).toBe(false);
    await run.update('retry', { by: 'ann' });
    await blocked(run);
    await run.update('skip', { by: 'ann', reason: 'its disks are gone' });
    const end = await run.result();
    expect(end.run.outcome).toBe('rolled-back');
    expect(end.migration).toMatchObject({ phase: 'discarded', authority: 'source' });
    expect([end.ledger, end.leftUndone, end.compensations]).toEqual([[], [], []]);
    expect(model.copies.source.open).toBe(true);
    expect(model.copies.lost('source')).toEqual([]);
    expect(model.copies.violations).toEqual([]);
    expect(model.copies.residue('source')).toEqual([]);
    expect(model.effects.filter((e) => e === 'open source alone')).toHaveLength(1);
  });

  it('two primaries on the side that is to take the writes hold the move', async () => {
    const model = new MigrationModel();
    const run = await harness.migrate(model, { ...asked });
    await run.until('the cutover waits', (state) => state.waiting?.step === 'cutover');
    model.clusters.destination.node('b2').role = 'primary';
    await approve(run, 'cutover');
    const state = await blocked(run);
    expect(state.failure).toMatchObject({ code: 'GATE_HELD', step: 'cutover' });
    expect(state.failure?.message).toContain('b1, b2');
    expect(model.effects).not.toContain('fence source');
    model.clusters.destination.node('b2').role = 'replica';
    await run.update('retry');
    await approve(run, 'accept');
    expectAccepted(model, await run.result());
  });

  it('a side that comes back as it is given up is not: the cut-back is done', async () => {
    const model = new MigrationModel();
    const run = await observing(harness, model);
    model.lost = true;
    await run.update('rollback', { by: 'ann' });
    await blocked(run);
    model.lost = false;
    await run.update('skip', { by: 'ann' });
    const state = await run.until('refused', (s) => s.failure?.step === 'alone');
    expect(state.failure?.code).toBe('SYSTEM_REFUSED');
    await run.update('retry', { by: 'ann' });
    await run.until('asked again', (s) => s.waiting?.step === 'cutover/2');
    await run.update('rollback');
    expectDiscarded(model, await run.result());
  });

  it('a sequence that the lost destination alone knew is told, with the command', async () => {
    const model = new MigrationModel();
    model.uncertain = ['public.receipt'];
    const run = await observing(harness, model);
    model.loseDestination();
    await run.update('rollback', { by: 'ann' });
    await blocked(run);
    await run.update('skip', { by: 'ann' });
    const end = await run.result();
    expect(end.leftUndone).toMatchObject([
      {
        what: expect.stringContaining('public.receipt') as string,
        command: expect.stringContaining('setval') as string,
      },
    ]);
  });

  it('a source that is lost for good is given up by the operator: the destination waits for it no more', async () => {
    const model = new MigrationModel();
    const run = await harness.migrate(model, { observe: { for: '1h', acceptance: true } });
    await run.until('observing', (s) => s.migration?.phase === 'observing');
    await run.until('compared', (s) => s.migration?.validations.at(-1)?.cut === 'cutover-1');
    model.sourceLost = true;
    await run.update('rollback', { by: 'ann' });
    const state = await blocked(run);
    expect(state.failure).toMatchObject({ code: 'SYSTEM_UNREACHABLE', step: 'cut-back' });
    await run.update('skip', { by: 'ann', reason: 'its disks are gone' });
    const end = await run.result();
    expect(end.failure).toBeUndefined();
    expect(end.run.outcome).toBe('completed');
    expect(end.migration).toMatchObject({ phase: 'accepted', authority: 'destination' });
    expect([end.ledger, end.leftUndone, end.compensations]).toEqual([[], [], []]);
    expect(model.copies.destination.open).toBe(true);
    expect(model.copies.violations).toEqual([]);
    expect(model.copies.lost('destination')).toEqual([]);
    expect(model.synchronous).toBe(false);
  });

  it('a destination that answers is not given up', async () => {
    const model = new MigrationModel();
    const run = await observing(harness, model);
    model.lateFences = 1;
    await run.update('rollback', { by: 'ann' });
    await blocked(run);
    expect(await refusalOf(run.update('skip'))).toContain('cannot reach');
    await run.update('retry');
    await run.until('asked again', (s) => s.waiting?.step === 'cutover/2');
    await run.update('rollback');
    expectDiscarded(model, await run.result());
  });

  it('an abort after the cutover is refused with a reason, as update and as signal', async () => {
    const model = new MigrationModel();
    const run = await observing(harness, model);
    expect(await refusalOf(run.update('abort', { by: 'ann' }))).toContain('roll back to the source');
    await run.handle.signal('abort', { by: 'ann' });
    const state = await run.until('recorded', (s) => s.decisions.length > 0);
    expect(state.decisions).toMatchObject([{ action: 'abort', accepted: false }]);
    await approve(run, 'accept');
    expectAccepted(model, await run.result());
  });

  it('an abort while the writes move is refused: it would leave nobody to go back', async () => {
    const model = new MigrationModel();
    let refusal = '';
    model.onEffect = async (e) => {
      if (e === 'fence source') refusal = await refusalOf(run.update('abort', { by: 'ann' }));
    };
    const run = await harness.migrate(model);
    expectAccepted(model, await run.result());
    expect(refusal).toContain('the writes are being moved');
  });

  it('once the acceptance has begun there is no way back: a failure of it is waited out', async () => {
    const model = new MigrationModel();
    model.fail('accept', 'SYSTEM_REFUSED');
    const run = await harness.migrate(model, { onFailure: 'rollback' });
    const state = await blocked(run);
    expect(state.failure).toMatchObject({ code: 'SYSTEM_REFUSED', step: 'accept' });
    expect(await refusalOf(run.update('rollback'))).toContain('no way back');
    expect(await refusalOf(run.update('abort'))).toContain('no way back');
    await run.update('retry');
    expectAccepted(model, await run.result());
  });
});
