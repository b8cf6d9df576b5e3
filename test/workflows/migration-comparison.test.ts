import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RollgateError } from '../../src/contracts/index.js';
import { MigrationModel } from '../fakes/model-migration.js';
import { createHarness, type Harness } from './harness.js';
import { blocked, expectAccepted, expectDiscarded } from './migration-run.js';

let harness: Harness;
beforeAll(async () => {
  harness = await createHarness();
});
afterAll(() => harness.close());

describe.concurrent('R-MIG-3: only copies that were seen to be equal pass', () => {
  const corruptions: readonly (readonly [string, number, string | undefined])[] = [
    ['a changed value', 1, 'other'],
    ['a missing row', 2, undefined],
    ['a row too many', 77, 'extra'],
  ];

  it.each(corruptions)(
    '%s blocks before the cutover, is located, and a retry compares again',
    async (_, key, value) => {
      const model = new MigrationModel();
      model.onEffect = (e) => {
        if (e === 'cut before-cutover-1') model.copies.corrupt('destination', 'customers', key, value);
      };
      const run = await harness.migrate(model);
      const before = await blocked(run);
      expect(before.failure?.code).toBe('COPIES_DIFFER');
      expect(before.gates.find((g) => g.name === 'copies-equal')?.verdict).toBe('hold');
      const found = before.migration?.validations.at(-1);
      expect(found?.mismatches).toBe(1);
      expect(found?.tables.find((t) => !t.equal)?.mismatches).toMatchObject([
        { table: 'customers', key: { id: String(key) } },
      ]);
      expect(model.copies.destination.held.size).toBe(0);
      await run.update('retry');
      const again = await run.until(
        'blocked again',
        (s) => (s.migration?.validations.length ?? 0) === 3 && s.phase === 'blocked',
      );
      expect(again.failure?.code).toBe('COPIES_DIFFER');
      model.onEffect = () => undefined;
      const right = model.copies.table('source', 'customers').rows.get(key);
      model.copies.corrupt('destination', 'customers', key, right);
      await run.update('retry');
      expectAccepted(model, await run.result());
      expect(model.effects.filter((e) => e === 'cut before-cutover-1')).toHaveLength(3);
    },
  );

  it('values that are swapped between two rows are found at the export', async () => {
    const model = new MigrationModel();
    model.onEffect = (e) => {
      if (e !== 'finish schema') return;
      model.copies.corrupt('destination', 'customers', 0, 'first 1');
      model.copies.corrupt('destination', 'customers', 1, 'first 0');
    };
    const run = await harness.migrate(model);
    const state = await blocked(run);
    expect(state.migration).toMatchObject({ phase: 'validating-export' });
    expect(state.migration?.validations[0]?.mismatches).toBe(2);
    await run.update('rollback');
    expectDiscarded(model, await run.result());
  });

  it('a difference at the fence forbids the acceptance', async () => {
    const model = new MigrationModel();
    model.onEffect = (e) => {
      if (e === 'fence source') model.copies.corrupt('destination', 'customers', 2, 'other');
    };
    const run = await harness.migrate(model);
    const state = await blocked(run);
    expect(state.failure).toMatchObject({ code: 'COPIES_DIFFER', step: 'observe' });
    expect(state.migration).toMatchObject({ phase: 'observing', authority: 'destination' });
    await run.update('retry');
    await run.until('blocked again', (s) => s.migration?.validations.length === 4 && s.phase === 'blocked');
    expect(model.effects).not.toContain('accept');
    await run.update('rollback');
    // A takes the writes again, and B is kept for whoever wants to know what has happened to it.
    const back = await run.until('told', (s) => s.failure?.step === 'validate/cut-back');
    expect(back).toMatchObject({ phase: 'blocked', failure: { code: 'COPIES_DIFFER' } });
    expect(back.migration).toMatchObject({ phase: 'cut-back', authority: 'source' });
    await run.update('rollback');
    expectDiscarded(model, await run.result());
  });

  it('definitions that differ block, and a retry looks again', async () => {
    const model = new MigrationModel();
    model.definitions = ['the index orders_at is only on the source'];
    const run = await harness.migrate(model);
    const state = await blocked(run);
    expect(state.failure?.message).toContain('orders_at');
    expect(model.effects).not.toContain('stream back');
    model.definitions = [];
    await run.update('retry');
    expectAccepted(model, await run.result());
  });

  const inconclusive = ['hashRange source orders', 'hashRange destination orders', 'hashRange source empty'];

  it.each(inconclusive.flatMap((call) => [1, 2, 3].map((nth) => [call, nth] as const)))(
    '%s, failing at cut %i, blocks and never passes',
    async (call, nth) => {
      const model = new MigrationModel();
      let ranges = 0;
      const first = `${call} 0`;
      model.fail(first, 'SYSTEM_REFUSED', nth);
      const run = await harness.migrate(model);
      const state = await blocked(run);
      expect(state.failure?.message).toContain(`${first} fails`);
      expect(state.migration?.validations).toHaveLength(nth - 1);
      expect(model.copies.destination.open).toBe(nth === 3);
      model.onCall = (c) => {
        if (c.startsWith('hashRange')) ranges++;
      };
      await run.update('retry');
      expectAccepted(model, await run.result());
      expect(ranges).toBeGreaterThan(0);
    },
  );

  it('a comparison that breaks off goes on at the range where it stopped', async () => {
    const model = new MigrationModel();
    const hashed: string[] = [];
    model.onCall = (call) => {
      if (call.startsWith('hashRange')) hashed.push(call);
    };
    model.fail('hashRange destination orders 12288', 'SYSTEM_UNREACHABLE');
    const state = await (await harness.migrate(model)).result();
    expectAccepted(model, state);
    const times = (range: number): number =>
      hashed.filter((call) => call === `hashRange destination orders ${range}`).length;
    // Three comparisons; one range of the first was begun twice.
    expect([0, 4096, 8192, 12288, 16384].map(times)).toEqual([3, 3, 3, 4, 3]);
  });

  it('a snapshot lost at the export begins with the export again, which is the same as long as it is held', async () => {
    const model = new MigrationModel();
    model.fail('hashRange destination', 'CUT_LOST');
    const run = await harness.migrate(model);
    const state = await blocked(run);
    expect(state.failure?.code).toBe('CUT_LOST');
    expect(state.migration?.validations).toEqual([]);
    await run.update('retry');
    expectAccepted(model, await run.result());
    expect(model.effects.filter((e) => e === 'export')).toHaveLength(1);
    expect(model.effects.filter((e) => e === 'copy orders 0')).toHaveLength(1);
  });

  it('the export itself lost while it is compared: exported, copied and compared anew', async () => {
    const model = new MigrationModel();
    model.onCall = (call) => {
      if (!call.startsWith('hashRange source')) return;
      model.onCall = () => undefined;
      model.loseSnapshot('source', 'export');
    };
    const run = await harness.migrate(model);
    expect((await blocked(run)).failure?.code).toBe('CUT_LOST');
    await run.update('retry');
    expectAccepted(model, await run.result());
    expect(model.effects.filter((e) => e === 'export')).toHaveLength(2);
    expect(model.effects.filter((e) => e === 'copy orders 0')).toHaveLength(2);
  });

  it('a snapshot lost at the fence: a retry compares at another cut', async () => {
    const model = new MigrationModel();
    model.onEffect = (e) => {
      if (e === 'end forward') model.fail('hashRange source', 'CUT_LOST');
    };
    const run = await harness.migrate(model);
    const state = await blocked(run);
    expect(state.failure).toMatchObject({ code: 'CUT_LOST', step: 'observe' });
    expect(model.effects).not.toContain('accept');
    await run.update('retry');
    expectAccepted(model, await run.result());
    expect(model.effects).toContain('cut cutover-1');
  });

  it('a TRUNCATE during a comparison makes another cut', async () => {
    const model = new MigrationModel();
    truncateAt(model, ['before-cutover-1']);
    const state = await (await harness.migrate(model)).result();
    expectAccepted(model, state);
    expect(model.effects).toContain('cut before-cutover-1.2');
    expect(state.migration?.validations.map((v) => v.cut)).toContain('before-cutover-1');
  });

  it('three times: CUT_REFUSED, and a retry begins with new cuts', async () => {
    const model = new MigrationModel();
    truncateAt(model, ['before-cutover-1', 'before-cutover-1.2', 'before-cutover-1.3']);
    const run = await harness.migrate(model);
    const state = await blocked(run);
    expect(state.failure?.code).toBe('CUT_REFUSED');
    expect(state.failure?.message).toContain('orders');
    expect(state.migration?.validations.map((v) => v.cut)).toEqual(['at-export']);
    expect(model.copies.source.held.size).toBe(0);
    model.afterEffect = () => undefined;
    await run.update('retry');
    expectAccepted(model, await run.result());
  });

  it('a TRUNCATE on B before it was compared at the fence: compared at a cut', async () => {
    const model = new MigrationModel();
    model.afterEffect = (e) => {
      if (e === 'end forward') model.copies.truncate('orders');
    };
    const state = await (await harness.migrate(model)).result();
    expectAccepted(model, state);
    expect(model.effects).toContain('cut cutover-1');
  });

  it('a cut is tried again for as long as a gate may hold; one that cannot be made then blocks', async () => {
    const model = new MigrationModel();
    let refused = 0;
    model.onCall = (call) => {
      if (call !== 'cut before-cutover-1') return;
      refused++;
      throw new RollgateError('CUT_REFUSED', 'a writer goes on and on', 'Wait.');
    };
    const run = await harness.migrate(model);
    const state = await blocked(run);
    expect(state.failure).toMatchObject({ code: 'CUT_REFUSED', remedy: 'Wait.' });
    expect(refused).toBeGreaterThan(1);
    expect(refused).toBeLessThan(10);
    model.onCall = () => undefined;
    await run.update('retry');
    expectAccepted(model, await run.result());
  });
});

/** Somebody empties the orders as soon as the comparison at one of these cuts has begun. */
function truncateAt(model: MigrationModel, cuts: string[]): void {
  let current: string | undefined;
  model.afterEffect = (e) => {
    const name = e.replace(/^cut /, '');
    if (e.startsWith('cut ') && cuts.includes(name)) {
      current = name;
    }
  };
  model.onCall = (call) => {
    if (current === undefined || !call.startsWith('hashRange source orders')) return;
    current = undefined;
    model.copies.truncate('orders');
    model.copies.flow('forward');
  };
}
