import { describe, expect, test } from 'vitest';
import type { ProbeKey } from '../../src/contracts/index.js';
import { createFakeStore, type Fault } from './fake-store.js';
import { cluster, ledgerOf, runId, seeded, write } from './simulated-probe.js';

const faults: readonly Fault[] = ['none', 'drop', 'late', 'vanish', 'refuse', 'keep-refused', 'twice'];

async function run(fault: (key: ProbeKey) => Fault, size = { writers: 4, writes: 50 }) {
  const store = createFakeStore(fault);
  const journals = await write(store.facet, size);
  const readBack = () => store.facet.readBack(cluster, runId);
  return { store, journals, readBack, ledger: await ledgerOf(journals, { readBack }) };
}

describe('R-PROOF-2: acknowledged, lost, unknown, resurrected', () => {
  test('without faults every acknowledged write is found', async () => {
    const { ledger } = await run(() => 'none');
    expect(ledger).toMatchObject({
      acknowledged: 200,
      lost: 0,
      unknown: 0,
      resurrected: 0,
      lostKeys: [],
      writers: 4,
    });
  });

  test('control: one acknowledged write that is dropped is found in 10 of 10 runs, by its key', async () => {
    let found = 0;
    for (let seed = 1; seed <= 10; seed++) {
      const random = seeded(seed);
      const [writer, seq] = [Math.floor(random() * 4), 1 + Math.floor(random() * 50)];
      const { ledger, journals } = await run((key) =>
        key.writer === writer && key.seq === seq ? 'drop' : 'none',
      );
      expect(ledger).toMatchObject({ acknowledged: 200, lost: 1, lostKeys: [`${runId}/${writer}/${seq}`] });
      const at = journals[writer]?.find((s) => s.kind === 'acknowledged' && s.seq === seq)?.at ?? 0;
      const time = new Date(at).toISOString();
      expect(ledger.lostBetween).toEqual({ from: time, to: time });
      found += ledger.lost;
    }
    expect(found).toBe(10);
  });

  test.each([
    ['an answer that comes too late is unknown though the write is there', 'late', { unknown: 1 }],
    ['an answer that never comes is unknown though the write is not there', 'vanish', { unknown: 1 }],
    ['a refused write that is not there counts nowhere', 'refuse', {}],
    ['a refused write that is there is resurrected', 'keep-refused', { resurrected: 1 }],
    ['a write that is there twice counts once', 'twice', { acknowledged: 200 }],
  ] as const)('%s', async (_, fault, expected) => {
    const { ledger } = await run((key) => (key.writer === 1 && key.seq === 20 ? fault : 'none'));
    expect(ledger).toMatchObject({ acknowledged: 199, lost: 0, unknown: 0, resurrected: 0, ...expected });
  });

  test('an intent without an outcome is unknown, whether it is there or not', async () => {
    const { journals, readBack } = await run(() => 'none');
    const cut = journals.map((steps, i) => (i < 2 ? steps.slice(0, -1) : steps));
    expect(await ledgerOf(cut, { readBack })).toMatchObject({ acknowledged: 198, unknown: 2, lost: 0 });
  });

  test('of many lost keys a hundred are named', async () => {
    const { ledger } = await run(() => 'drop');
    expect(ledger.lost).toBe(200);
    expect(ledger.lostKeys).toHaveLength(100);
  });

  test('for any mixture of faults the counts are those of the store', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = seeded(seed);
      const pick = (): Fault => faults[Math.floor(random() * faults.length)] ?? 'none';
      const size = { writers: 1 + Math.floor(random() * 8), writes: 1 + Math.floor(random() * 80) };
      const { ledger, store } = await run(pick, size);
      expect(ledger, `seed ${seed}`).toMatchObject({
        acknowledged: store.count('none', 'drop', 'twice'),
        lost: store.count('drop'),
        unknown: store.count('late', 'vanish'),
        resurrected: store.count('keep-refused'),
      });
      const dropped = store.done.filter((d) => d.fault === 'drop');
      expect([...ledger.lostKeys].sort()).toEqual(
        dropped
          .map(({ key }) => `${key.runId}/${key.writer}/${key.seq}`)
          .sort()
          .slice(0, 100),
      );
      const bucketed = ledger.buckets.reduce((sum, b) => sum + b.acknowledged, 0);
      expect(bucketed).toBe(ledger.acknowledged);
    }
  });
});

describe('R-PROOF-2: what the ledger does not claim', () => {
  test('keys in the cluster that no journal knows: the journal is not complete', async () => {
    const { journals, readBack } = await run(() => 'none');
    const shorter = journals.map((steps, i) => (i === 0 ? steps.slice(0, -2) : steps));
    await expect(ledgerOf(shorter, { readBack })).rejects.toMatchObject({
      code: 'PROBE_FAILED',
      message: expect.stringContaining('holds 1 writes') as string,
    });
  });

  test('of a probe that still runs the later keys are no sign of that', async () => {
    const { journals, readBack } = await run(() => 'none');
    const prefix = journals.map((steps) => steps.slice(0, 40));
    expect(await ledgerOf(prefix, { readBack, running: true })).toMatchObject({ acknowledged: 80, lost: 0 });
  });

  test('keys of another run are not counted', async () => {
    const { journals, readBack } = await run(() => 'none');
    async function* withOthers() {
      for await (const key of readBack()) yield { ...key, runId: key.seq === 1 ? 'run-2' : runId };
    }
    expect((await ledgerOf(journals, { readBack: withOthers })).lost).toBe(4);
  });

  test('a read back that fails in the middle gives no ledger', async () => {
    const { journals, readBack } = await run(() => 'none');
    async function* broken() {
      for await (const key of readBack()) {
        if (key.seq === 25) throw new Error('connection lost');
        yield key;
      }
    }
    await expect(ledgerOf(journals, { readBack: broken })).rejects.toThrow('connection lost');
  });

  test('the cluster is asked only after the journals have been read to their end', async () => {
    const { journals, readBack } = await run(() => 'none');
    const order: string[] = [];
    async function* told() {
      order.push('read back');
      yield* readBack();
    }
    const watched = journals.map((steps) =>
      steps.map((step) => ({
        ...step,
        get at() {
          order.push('journal');
          return step.at;
        },
      })),
    );
    await ledgerOf(watched, { readBack: told, until: 0 });
    expect(order.lastIndexOf('journal')).toBeLessThan(order.indexOf('read back') + 1);
    expect(order.filter((o) => o === 'read back')).toHaveLength(1);
  });
});
