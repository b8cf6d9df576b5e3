import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectNodes } from '../../src/dev/scenario/leftovers.js';
import { createBench, type Bench } from './support/bench.js';

const window = 'asynchronous-replication';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench({ synchronous: null });
});
afterAll(() => bench.close());

describe('R-PLAN-2: a cluster whose commits wait for no replica', () => {
  it('is refused by name, and nothing is changed', { timeout: 60_000 }, async () => {
    const before = await inspectNodes(bench.sample);
    expect(before.map((n) => n.synchronousStandbyNames)).toEqual(['', '', '']);

    const state = await bench.run({});

    expect(state.run.outcome).toBe('failed');
    expect(state.plan?.kind).toBe('refused');
    expect(state.plan?.refusals).toMatchObject([
      {
        code: 'PG_ASYNCHRONOUS',
        node: 'pg-1',
        acceptAs: window,
        remedy: expect.stringContaining(window) as string,
      },
    ]);
    expect(state.failure?.code).toBe('PLAN_REFUSED');
    expect(state.failure?.message).toContain('PG_ASYNCHRONOUS');
    expect(state).toMatchObject({ steps: [], handovers: [], ledger: [], leftUndone: [] });
    expect(await bench.changes(state.run.id)).toEqual({ 'pg-1': [], 'pg-2': [], 'pg-3': [] });
    expect(await inspectNodes(bench.sample)).toEqual(before);
  });

  it(
    'is rolled when the name is accepted: no write is lost, and the report names it',
    { timeout: 90_000 },
    async () => {
      const state = await bench.run({ accept: [window] });

      expect(state.run.outcome).toBe('completed');
      expect(state.failure).toBeUndefined();
      expect(state.plan?.windows.map((w) => w.name)).toEqual([window]);
      expect(state.writes?.acknowledged).toBeGreaterThan(0);
      expect(state.writes).toMatchObject({ lost: 0, lostKeys: [] });
      expect(state).toMatchObject({
        ledger: [],
        leftUndone: [],
        handovers: [{ from: 'pg-1', result: 'done' }],
      });
      const facts = await inspectNodes(bench.sample);
      expect(facts.map((n) => n.version)).toEqual(['17.10', '17.10', '17.10']);
      expect(facts.filter((n) => n.primary)).toHaveLength(1);
      expect(facts.flatMap((n) => [...n.ours, ...n.idleSlots])).toEqual([]);
      // The cluster stays as its owner has made it.
      expect(facts.map((n) => n.synchronousStandbyNames)).toEqual(['', '', '']);
      for (const report of ['summary.json', 'summary.txt', 'report.html']) {
        expect(await readFile(join(bench.artifacts, state.run.id, report), 'utf8')).toContain(window);
      }
    },
  );
});
