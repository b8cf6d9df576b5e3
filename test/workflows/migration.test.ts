import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RollgateError, type RunState } from '../../src/contracts/index.js';
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

describe.concurrent('R-MIG-1: one phase after the other', () => {
  it('with approvals, from a live source to an accepted destination', async () => {
    const model = new MigrationModel();
    const run = await harness.migrate(model, { ...asked, approvals: { before: ['start'] } });
    await approve(run, 'prepare');
    const before = await approve(run, 'cutover');
    expect(before.migration?.phase).toBe('awaiting-approval');
    expect(model.effects).not.toContain('stream back');
    const last = await approve(run, 'accept');
    expect(last.migration).toMatchObject({ phase: 'observing', authority: 'destination' });
    expect(last.ledger.map((b) => b.id).sort()).toEqual([
      ...['fence/forward', 'migration', 'probe', 'scratch', 'setting/b1/synchronous', 'stream/back'],
    ]);
    const state = await run.result();
    expectAccepted(model, state);
    expect(phasesOf(state)).toEqual([...forward, 'accepted']);
    expect(state.migration?.validations.map((v) => [v.cut, v.mismatches])).toEqual([
      ['at-export', 0],
      ['before-cutover-1', 0],
      ['cutover-1', 0],
    ]);
    expect(state.migration?.switches).toMatchObject([
      {
        direction: 'forward',
        result: 'done',
        writeGapMs: 40,
        validation: state.migration?.validations[1]?.id,
      },
    ]);
    expect(state.steps.map((s) => [s.id, s.result])).toEqual(
      [
        ...['prepare', 'export', 'bootstrap', 'validate/export', 'dual-write'],
        ...['validate/cutover', 'cutover', 'observe', 'accept'],
      ].map((id) => [id, 'done']),
    );
  });

  it('what is made is made in this order, and the synchronous setting is given back before the way back ends', async () => {
    const model = new MigrationModel();
    expectAccepted(model, await (await harness.migrate(model)).result());
    const copied = model.effects.filter((e) => e.startsWith('copy '));
    expect(new Set(copied).size).toBe(copied.length);
    expect(copied.length).toBeGreaterThan(20);
    expect(model.effects.filter((e) => !e.startsWith('copy '))).toEqual([
      ...['source scratch', 'prepare', 'source probe', 'export', 'schema', 'finish schema'],
      ...['cut at-export', 'release at-export', 'stream forward', 'release export'],
      ...['cut before-cutover-1', 'release before-cutover-1'],
      ...['stream back', 'destination set b1/synchronous=rollgate', 'fence source', 'open destination'],
      ...['end forward', 'release fence-forward'],
      ...['destination set b1/synchronous=', 'accept', 'source drop scratch', 'destination drop scratch'],
    ]);
  });

  it('every setting and stream is in the ledger before it is there', async () => {
    const model = new MigrationModel();
    const missing: string[] = [];
    const entries: readonly [string, string][] = [
      ['prepare', 'migration'],
      ['export', 'stream/forward'],
      ['export', 'snapshot/export'],
      ['cut at-export', 'cut/at-export'],
      ['stream back', 'stream/back'],
      ['destination set b1/synchronous=rollgate', 'setting/b1/synchronous'],
      ['fence source', 'fence/forward'],
    ];
    model.onEffect = async (effect) => {
      for (const [, id] of entries.filter(([e]) => e === effect)) {
        if (!(await run.status()).ledger.some((b) => b.id === id)) missing.push(id);
      }
    };
    const run = await harness.migrate(model);
    expectAccepted(model, await run.result());
    expect(missing).toEqual([]);
  });

  it('an asynchronous way back is a window that the spec accepts by name, and nothing is borrowed for it', async () => {
    const model = new MigrationModel();
    const observe = { for: '0ms', acceptance: false, synchronousReverse: false };
    const refused = await (await harness.migrate(model, { observe })).result();
    expect(refused.failure).toMatchObject({ code: 'PLAN_REFUSED' });
    expect(refused.failure?.message).toContain('WINDOW_NOT_ACCEPTED');
    expect(model.effects).toEqual([]);
    const accept = ['reverse-asynchronous'];
    expectAccepted(model, await (await harness.migrate(model, { observe, accept })).result());
    expect(model.effects.filter((e) => e.startsWith('destination set'))).toEqual([]);
  });

  it('a plan that is refused, or is not the one that was read, changes nothing', async () => {
    const model = new MigrationModel();
    model.obstacles = [{ code: 'NO_KEY', message: 'orders has no key', remedy: 'Give it one.' }];
    const refused = await (await harness.migrate(model)).result();
    expect(refused.failure).toMatchObject({ code: 'PLAN_REFUSED', message: 'NO_KEY: orders has no key' });
    model.obstacles = [];
    const changed = await (await harness.migrate(model, {}, { expectPlan: 'another' })).result();
    expect(changed.failure?.code).toBe('PLAN_CHANGED');
    expect(model.effects).toEqual([]);
  });

  it('observes for as long as the spec says', async () => {
    const model = new MigrationModel();
    const state = await (
      await harness.migrate(model, { observe: { for: '700ms', acceptance: false } })
    ).result();
    expectAccepted(model, state);
    const { observedSince = '', observedUntil = '' } = state.migration ?? {};
    expect(Date.parse(observedUntil) - Date.parse(observedSince)).toBeGreaterThanOrEqual(700);
  });
});

describe.concurrent('R-MIG-1: the copy and the streams', () => {
  it('a source that has lost its snapshot is exported and copied anew by itself', async () => {
    const model = new MigrationModel();
    model.onEffect = (e) => {
      if (e !== 'copy orders 8192') return;
      model.onEffect = () => undefined;
      model.loseSnapshot('source', 'export');
    };
    const state = await (await harness.migrate(model, { copy: { streams: 1 } })).result();
    expectAccepted(model, state);
    expect(phasesOf(state).slice(0, 5)).toEqual([
      ...['preflight', 'exporting', 'bootstrapping', 'exporting', 'bootstrapping'],
    ]);
    expect(model.effects.filter((e) => e === 'export')).toHaveLength(2);
  });

  it('a source that loses it again and again is asked about', async () => {
    const model = new MigrationModel();
    model.onCall = (call) => {
      if (call === 'copyRange orders 0') model.copies.source.held.delete('export');
    };
    const run = await harness.migrate(model);
    const state = await blocked(run);
    expect(state.failure?.code).toBe('MIGRATION_RESTART');
    expect(model.effects.filter((e) => e === 'export')).toHaveLength(3);
    model.onCall = () => undefined;
    await run.update('retry');
    expectAccepted(model, await run.result());
  });

  it('a stream that cannot go on from the export begins with the export again', async () => {
    const model = new MigrationModel();
    model.onCall = (call) => {
      if (call !== 'startStream forward') return;
      model.onCall = () => undefined;
      model.copies.streams.forward.slot = undefined;
    };
    const state = await (await harness.migrate(model)).result();
    expectAccepted(model, state);
    expect(phasesOf(state).slice(0, 8)).toEqual([
      ...['preflight', 'exporting', 'bootstrapping', 'validating-export', 'dual-writing'],
      ...['exporting', 'bootstrapping', 'validating-export'],
    ]);
  });

  it('a stream that does not catch up holds; it is not ended for that, or nothing could be gone on with', async () => {
    const model = new MigrationModel();
    model.onEffect = (e) => {
      if (e === 'stream forward') model.copies.streams.forward.stalled = true;
    };
    const run = await harness.migrate(model);
    const state = await blocked(run);
    expect(state.failure).toMatchObject({ code: 'GATE_HELD', step: 'dual-write' });
    expect(model.effects).not.toContain('end forward');
    model.copies.streams.forward.stalled = false;
    await run.update('retry');
    expectAccepted(model, await run.result());
  });

  it('a rollback does not wait until a gate has held for its time', async () => {
    const model = new MigrationModel();
    model.copies.streams.forward.stalled = true;
    const run = await harness.migrate(model, { timeouts: { gate: '10m' } });
    await run.until(
      'dual-writing',
      (s) => s.migration?.phase === 'dual-writing' && model.effects.includes('stream forward'),
    );
    await run.update('rollback');
    expectDiscarded(model, await run.result());
  });

  it('a replica of B that does not follow holds the cutover', async () => {
    const model = new MigrationModel();
    const run = await harness.migrate(model, asked);
    await run.until('waits', (s) => s.waiting?.step === 'cutover');
    model.clusters.destination.node('b2').running = false;
    await approve(run, 'cutover');
    const state = await blocked(run);
    expect(state.failure?.message).toContain('b2');
    expect(model.effects).not.toContain('fence source');
    expect(model.copies.residue('destination')).not.toContain('slot back');
    model.clusters.destination.node('b2').running = true;
    await run.update('retry');
    await approve(run, 'accept');
    expectAccepted(model, await run.result());
  });
});

describe.concurrent('R-MIG-1: the writes move once, or not at all', () => {
  it('a fence that is late leaves the source open and nothing borrowed; a retry moves the writes', async () => {
    const model = new MigrationModel();
    model.lateFences = 1;
    const run = await harness.migrate(model);
    const state = await blocked(run);
    expect(state.failure?.code).toBe('FENCE_LATE');
    expect([model.copies.source.open, model.copies.destination.open]).toEqual([true, false]);
    expect(state.ledger.map((b) => b.id).sort()).toEqual(['migration', 'probe', 'scratch', 'stream/forward']);
    expect(model.synchronous).toBe(false);
    expect(model.copies.residue('source')).toEqual(['bookkeeping', 'guard', 'slot forward']);
    await run.update('retry');
    const end = await run.result();
    expectAccepted(model, end);
    expect(end.migration?.switches.map((s) => s.result)).toEqual(['undone', 'done']);
  });

  it('an opening that fails for good opens the source again', async () => {
    const model = new MigrationModel();
    model.fail('cutOver', 'FENCE_VOID');
    const run = await harness.migrate(model);
    const state = await blocked(run);
    expect(state.failure?.code).toBe('FENCE_VOID');
    expect(model.copies.source.open).toBe(true);
    expect(model.effects.slice(-3)).toEqual([
      'unfence source',
      'destination set b1/synchronous=',
      'end back',
    ]);
    await run.update('retry');
    expectAccepted(model, await run.result());
  });

  it('an opening of which nobody ever learns has happened: the source is not opened beside it', async () => {
    const model = new MigrationModel();
    model.afterEffect = (e) => {
      if (e !== 'open destination') return;
      model.fail('cutOver', 'SYSTEM_REFUSED');
      throw new Error('the reply is lost');
    };
    const state = await (await harness.migrate(model)).result();
    expectAccepted(model, state);
    expect(model.effects).not.toContain('unfence source');
    expect(state.migration?.switches).toMatchObject([
      { result: 'done', openedAt: expect.any(String) as string },
    ]);
  });

  it('a source that cannot be opened again keeps the way back; a retry goes on with what is closed', async () => {
    const model = new MigrationModel();
    model.fail('cutOver', 'SYSTEM_REFUSED');
    model.fail('unfence', 'SYSTEM_REFUSED');
    const run = await harness.migrate(model);
    const state = await blocked(run);
    expect(state.leftUndone.map((l) => l.what)).toEqual(['fence/forward']);
    expect(state.ledger.map((b) => b.id)).toEqual(
      expect.arrayContaining(['fence/forward', 'stream/back', 'setting/b1/synchronous']),
    );
    expect(model.effects).not.toContain('end back');
    await run.update('retry');
    expectAccepted(model, await run.result());
  });

  it('a forward stream that cannot be ended does not end the way back', async () => {
    const model = new MigrationModel();
    model.onEffect = (e) => {
      if (e === 'end forward') throw new RollgateError('SYSTEM_REFUSED', 'no', 'Say yes.');
    };
    const run = await harness.migrate(model);
    const state = await blocked(run);
    expect(state.migration).toMatchObject({ phase: 'observing', authority: 'destination' });
    expect(model.effects).not.toContain('end back');
    expect(model.synchronous).toBe(true);
    model.onEffect = () => undefined;
    await run.update('retry');
    expectAccepted(model, await run.result());
  });

  it('every reply is lost once: each effect happens once all the same', async () => {
    const undisturbed = new MigrationModel();
    const spec = {
      observe: { for: '0ms', acceptance: true },
      copy: { streams: 1 },
      probe: { enabled: false },
    };
    const whole = async (model: MigrationModel): Promise<RunState> => {
      const run = await observing(harness, model, spec);
      await run.update('rollback', { by: 'ann' });
      await approve(run, 'cutover/2');
      await approve(run, 'accept');
      return run.result();
    };
    const model = new MigrationModel();
    const lost: string[] = [];
    model.afterEffect = (e) => {
      // Of a batch of ranges the first one stands for all.
      if (/^(source|destination) /.test(e) || /^copy (?!orders 0$)/.test(e)) return;
      lost.push(e);
      throw new Error('the reply is lost');
    };
    const [state, calm] = await Promise.all([whole(model), whole(undisturbed)]);
    expectAccepted(undisturbed, calm);
    expectAccepted(model, state);
    expect(model.effects).toEqual(undisturbed.effects);
    expect(new Set(lost)).toEqual(
      new Set(model.effects.filter((e) => !/^(source|destination|copy (?!orders 0$)) ?/.test(e))),
    );
  }, 120_000);

  it('a lost reply of unfence and of discard changes nothing either', async () => {
    const model = new MigrationModel();
    model.fail('cutOver', 'FENCE_VOID');
    model.afterEffect = (e) => {
      if (e === 'unfence source' || e === 'discard') throw new Error('the reply is lost');
    };
    const state = await (await harness.migrate(model, { onFailure: 'rollback' })).result();
    expect(state.run.outcome).toBe('rolled-back');
    expectDiscarded(model, state);
    for (const effect of ['unfence source', 'discard'])
      expect(model.effects.filter((e) => e === effect)).toEqual([effect]);
  });
});

const clock = (inMinutes: number): string =>
  new Date(Date.now() + inMinutes * 60_000).toISOString().slice(11, 16);

describe.concurrent('R-SAGA-3: controls of a migration', () => {
  it('a window of the cutover that is closed is waited for; one that is open is not', async () => {
    const model = new MigrationModel();
    const run = await harness.migrate(model, {
      cutover: { approval: false, window: { from: clock(120), to: clock(180) } },
    });
    const state = await run.until('waits for the window', (s) =>
      s.timeline.some((t) => t.text.includes('waits for') || t.text.includes('for the window')),
    );
    expect(state.migration?.phase).toBe('awaiting-approval');
    await run.update('rollback');
    expectDiscarded(model, await run.result());
    const open = { cutover: { approval: false, window: { from: clock(-60), to: clock(60) } } };
    expectAccepted(model, await (await harness.migrate(model, open)).result());
  });

  it('an approval that nobody gives blocks the cutover; a retry asks again', async () => {
    const model = new MigrationModel();
    const run = await harness.migrate(model, {
      cutover: { approval: true },
      approvals: { expireAfter: '400ms' },
    });
    const state = await blocked(run);
    expect(state.failure?.code).toBe('APPROVAL_EXPIRED');
    expect(model.effects).not.toContain('stream back');
    expect(model.copies.lost('source')).toEqual([]);
    await run.handle.signal('retry');
    await run.until('asked again', (s) => s.waiting?.step === 'cutover');
    await run.handle.signal('approve', { by: 'ann' });
    expectAccepted(model, await run.result());
  });

  it('pause holds before the next phase, resume goes on', async () => {
    const model = new MigrationModel();
    model.onEffect = async (e) => {
      if (e === 'finish schema') await run.update('pause', { by: 'ann' });
    };
    const run = await harness.migrate(model);
    const state = await run.until('paused', (s) => s.phase === 'paused');
    expect(state.migration?.phase).toBe('validating-export');
    expect(model.effects).not.toContain('cut at-export');
    await run.update('resume', { by: 'ann' });
    expectAccepted(model, await run.result());
  });

  it('the approval of a second cutover is its own', async () => {
    const model = new MigrationModel();
    const run = await harness.migrate(model, { ...asked, onFailure: 'wait' });
    await approve(run, 'cutover');
    await run.until('acceptance waits', (s) => s.waiting?.step === 'accept');
    await run.update('rollback');
    const state = await run.until('asked again', (s) => s.waiting?.step === 'cutover/2');
    const wrong = { step: 'cutover', planHash: state.plan?.hash };
    expect(await refusalOf(run.update('approve', wrong))).toContain('cutover/2 does');
    await run.update('reject', { by: 'ann' });
    expect((await blocked(run)).failure?.code).toBe('APPROVAL_REJECTED');
    await run.update('rollback');
    expectDiscarded(model, await run.result());
  });
});
