import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Cut, Mismatch } from '../../../../../src/contracts/index.js';
import { flowingPair, type FlowingPair } from './flowing-pair.js';
import { tables } from './load.js';

const orders = '"public"."orders"';
const journal = '"public"."journal"';
const weird = '"Odd one"."we""ird"';

describe('R-MIG-3: a difference is found, and located to row and column', () => {
  let real: FlowingPair;
  let number = 0;

  beforeAll(async () => {
    real = await flowingPair();
    await real.both(tables);
    await real.both(`CREATE TABLE priced (price numeric PRIMARY KEY, what text);
      CREATE TABLE stated (state state, "when" timestamptz, PRIMARY KEY (state, "when"));
      CREATE TABLE bare (); ALTER TABLE bare REPLICA IDENTITY FULL`);
    await real.flow('forward');
    await real.sql(
      'source',
      `INSERT INTO orders SELECT i, 'row ' || i, 1.10, 0, '2024-01-01', 'new' FROM generate_series(1, 20000) AS i;
       UPDATE orders SET ratio = '-0' WHERE id = 500;
       UPDATE orders SET note = repeat('x', 5000) WHERE id = 600;
       INSERT INTO journal SELECT 'line ' || i % 100, i % 5 FROM generate_series(1, 2000) AS i;
       INSERT INTO "Odd one"."we""ird" SELECT 'k' || i, 'new', '{"a": 1.10}' FROM generate_series(1, 50) AS i;
       INSERT INTO priced VALUES (1.10, 'a'), (2, 'b');
       INSERT INTO stated VALUES ('new', '2024-01-01'), ('paid', '2024-01-01');
       INSERT INTO bare DEFAULT VALUES; INSERT INTO bare DEFAULT VALUES`,
    );
    await real.caughtUp('forward');
  });
  afterAll(() => real.destroy());

  const atCut = async <T>(body: (cut: Cut) => Promise<T>): Promise<T> => {
    const options = { name: `cut-${(number += 1)}`, direction: 'forward' as const };
    const made = await real.facet.cut(
      real.pair,
      { ...options, maxWritePauseMs: 1000, timeoutMs: 60_000 },
      real.ctx,
    );
    try {
      return await body(made);
    } finally {
      await real.facet.releaseCut(real.pair, made, real.ctx);
    }
  };

  /** What is found after the destination was changed behind the stream's back; undone afterwards. */
  async function found(
    change: string,
    undo: string,
    table = orders,
    limit = 20,
  ): Promise<readonly Mismatch[]> {
    // Replicated changes fire no trigger of the user's, and neither does this.
    await real.sql('destination', `SET session_replication_role = replica; ${change}`);
    try {
      return await atCut(async (cut) => {
        // The comparison of all rows finds it in that table and in no other.
        expect((await real.compare(cut, 50)).unequal).toEqual([table]);
        return real.facet.locate(real.pair, cut, table, { limit }, real.ctx);
      });
    } finally {
      await real.sql('destination', undo);
      expect(await atCut((cut) => real.compare(cut))).toMatchObject({ unequal: [] });
    }
  }

  const differs = (id: number, name: string, source: unknown, destination: unknown) => ({
    table: orders,
    kind: 'differs',
    key: { id: String(id) },
    columns: [{ name, source, destination }],
  });

  test('nothing, when nothing was changed', async () => {
    await atCut(async (cut) => {
      for (const { table } of cut.snapshots.source.tables) {
        expect(await real.facet.locate(real.pair, cut, table, { limit: 5 }, real.ctx)).toEqual([]);
      }
      expect(await real.compare(cut)).toMatchObject({
        unequal: [],
        compared: cut.snapshots.source.tables.length,
      });
    });
  });

  test.each([
    ['a changed value', 'note', "'other'", "'row 77'", 77, 'row 77', 'other'],
    ['a value that is not there any more', 'note', 'NULL', "'row 77'", 77, 'row 77', null],
    ['a value that is empty', 'note', "''", "'row 77'", 77, 'row 77', ''],
    [
      'a timestamp 1 µs later',
      'at',
      "at + '1 us'",
      "'2024-01-01'",
      77,
      '2024-01-01 00:00:00+00',
      '2024-01-01 00:00:00.000001+00',
    ],
    ['1.10 that became 1.100', 'amount', '1.100', '1.10', 77, '1.10', '1.100'],
    ['-0 that became 0', 'ratio', '0', "'-0'", 500, '-0', '0'],
    ['the last digit of a float', 'ratio', '5e-324', '0', 77, '0', '5e-324'],
    ['a value of a type of the user', 'state', "'paid'", "'new'", 77, 'new', 'paid'],
  ])('%s', async (_, column, changed, back, id, source, destination) => {
    const seen = await found(
      `UPDATE orders SET ${column} = ${changed} WHERE id = ${id}`,
      `UPDATE orders SET ${column} = ${back} WHERE id = ${id}`,
    );
    expect(seen).toEqual([differs(id, column, source, destination)]);
  });

  test('a long value that differs behind what is shown of it', async () => {
    const [row] = await found(
      "UPDATE orders SET note = overlay(note placing 'y' from 3000) WHERE id = 600",
      "UPDATE orders SET note = repeat('x', 5000) WHERE id = 600",
    );
    const [column] = row?.columns ?? [];
    expect(column?.name).toBe('note');
    expect(column?.source).toMatch(/^x{100,} … \(5000 characters, hash -?\d+\)$/);
    expect(column?.destination).toMatch(/^x{100,} … \(5000 characters, hash -?\d+\)$/);
    expect(column?.source).not.toBe(column?.destination);
    expect(column?.source?.length).toBe(200);
  });

  test('a missing row, and one too many', async () => {
    const missing = await found(
      'DELETE FROM orders WHERE id = 88',
      "INSERT INTO orders VALUES (88, 'row 88', 1.10, 0, '2024-01-01', 'new')",
    );
    expect(missing).toMatchObject([{ kind: 'missing', key: { id: '88' } }]);
    expect(missing[0]?.columns).toContainEqual({ name: 'note', source: 'row 88', destination: null });
    const extra = await found(
      "INSERT INTO orders (id, note) VALUES (0, 'more')",
      'DELETE FROM orders WHERE id = 0',
    );
    expect(extra).toMatchObject([{ kind: 'extra', key: { id: '0' } }]);
    expect(extra[0]?.columns).toContainEqual({ name: 'note', source: null, destination: 'more' });
  });

  test('values swapped between two rows', async () => {
    const swap = `UPDATE orders SET note = CASE id WHEN 1 THEN (SELECT note FROM orders WHERE id = 2)
      ELSE (SELECT note FROM orders WHERE id = 1) END WHERE id IN (1, 2)`;
    const seen = await found(swap, swap);
    expect(seen).toHaveLength(2);
    expect(seen).toEqual(
      expect.arrayContaining([differs(1, 'note', 'row 1', 'row 2'), differs(2, 'note', 'row 2', 'row 1')]),
    );
  });

  test('one duplicate more, or less, in a table without key', async () => {
    const more = await found(
      "INSERT INTO journal VALUES ('line 7', 2)",
      "DELETE FROM journal WHERE ctid = (SELECT max(ctid) FROM journal WHERE line = 'line 7' AND n = 2)",
      journal,
    );
    expect(more).toEqual([{ table: journal, kind: 'extra', key: { line: 'line 7', n: '2' }, columns: [] }]);
    const less = await found(
      "DELETE FROM journal WHERE ctid = (SELECT max(ctid) FROM journal WHERE line = 'line 7' AND n = 2)",
      "INSERT INTO journal VALUES ('line 7', 2)",
      journal,
    );
    expect(less).toEqual([{ table: journal, kind: 'missing', key: { line: 'line 7', n: '2' }, columns: [] }]);
  });

  test('two equal rows more, which an exclusive or would not see', async () => {
    const seen = await found(
      "INSERT INTO journal VALUES ('twice', 1), ('twice', 1)",
      "DELETE FROM journal WHERE line = 'twice'",
      journal,
    );
    expect(seen.map((m) => [m.kind, m.key['line']])).toEqual([
      ['extra', 'twice'],
      ['extra', 'twice'],
    ]);
    const rows = await found(
      'INSERT INTO bare DEFAULT VALUES',
      'DELETE FROM bare WHERE ctid = (SELECT max(ctid) FROM bare)',
      '"public"."bare"',
    );
    expect(rows).toEqual([{ table: '"public"."bare"', kind: 'extra', key: {}, columns: [] }]);
  });

  test('a key of several columns, of types of the user, in a table whose names need quotes', async () => {
    const seen = await found(
      `UPDATE "Odd one"."we""ird" SET v = '{"a": 1.100}' WHERE "Key" = 'k9'`,
      `UPDATE "Odd one"."we""ird" SET v = '{"a": 1.10}' WHERE "Key" = 'k9'`,
      weird,
    );
    expect(seen).toEqual([
      {
        table: weird,
        kind: 'differs',
        key: { Key: 'k9', select: 'new' },
        columns: [{ name: 'v', source: '{"a": 1.10}', destination: '{"a": 1.100}' }],
      },
    ]);
    const stated = await found(
      `UPDATE stated SET "when" = "when" + '1 us' WHERE state = 'paid'`,
      `UPDATE stated SET "when" = '2024-01-01' WHERE state = 'paid'`,
      '"public"."stated"',
    );
    expect(stated.map((m) => [m.kind, m.key['state']])).toEqual([
      ['missing', 'paid'],
      ['extra', 'paid'],
    ]);
  });

  test('a key that is equal and not the same', async () => {
    const seen = await found(
      'UPDATE priced SET price = 1.100 WHERE price = 1.1',
      'UPDATE priced SET price = 1.10 WHERE price = 1.1',
      '"public"."priced"',
    );
    expect(seen).toEqual([
      {
        table: '"public"."priced"',
        kind: 'differs',
        key: { price: '1.10' },
        columns: [{ name: 'price', source: '1.10', destination: '1.100' }],
      },
    ]);
  });

  test('no more than were asked for, each of them once, and all of them when there is room', async () => {
    const change =
      "UPDATE orders SET note = note || '!' WHERE id <= 3000; DELETE FROM orders WHERE id > 19990";
    const undo = `UPDATE orders SET note = 'row ' || id WHERE id <= 3000 AND id <> 600;
      UPDATE orders SET note = repeat('x', 5000) WHERE id = 600;
      INSERT INTO orders SELECT i, 'row ' || i, 1.10, 0, '2024-01-01', 'new' FROM generate_series(19991, 20000) AS i`;
    expect(await found(change, undo, orders, 7)).toHaveLength(7);
    const all = await found(change, undo, orders, 5000);
    expect(all).toHaveLength(3010);
    expect(new Set(all.map((m) => m.key['id'])).size).toBe(3010);
    expect(all.filter((m) => m.kind === 'missing')).toHaveLength(10);
    expect(all.filter((m) => m.kind === 'differs')).toHaveLength(3000);
  });

  test('a value that was changed between two cuts is found by the later one', async () => {
    await atCut(async (before) => {
      expect((await real.compare(before)).unequal).toEqual([]);
      const seen = await found(
        "UPDATE orders SET note = 'between' WHERE id = 5",
        "UPDATE orders SET note = 'row 5' WHERE id = 5",
      );
      expect(seen).toEqual([differs(5, 'note', 'row 5', 'between')]);
      // The earlier one is what it was.
      expect(await real.facet.locate(real.pair, before, orders, { limit: 5 }, real.ctx)).toEqual([]);
    });
  });
});
