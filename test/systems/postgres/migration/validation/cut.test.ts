import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  RollgateError,
  type Cut,
  type Direction,
  type ExportCut,
} from '../../../../../src/contracts/index.js';
import { createDdlGuard } from '../../../../../src/systems/postgres/migration/ddl-guard.js';
import {
  findHeld,
  holdSnapshot,
  releaseHeld,
} from '../../../../../src/systems/postgres/migration/held-snapshot.js';
import { parseLsn } from '../../../../../src/systems/postgres/lsn.js';
import { until } from '../../../../../src/dev/postgres/until.js';
import { firstNode, flowingPair, type FlowingPair } from './flowing-pair.js';
import { startLoad, tables } from './load.js';

const limits = { maxWritePauseMs: 1000, timeoutMs: 60_000 };

describe('R-MIG-3: both copies at exactly the same cut', () => {
  let real: FlowingPair;
  beforeAll(async () => {
    real = await flowingPair();
    await real.both(tables);
    await real.sql('source', "ALTER SYSTEM SET logical_decoding_work_mem = '64kB'");
    await real.sql('source', 'SELECT pg_reload_conf()');
  });
  afterAll(() => real.destroy());

  const cut = (name: string, direction: Direction = 'forward', options = limits): Promise<Cut> =>
    real.facet.cut(real.pair, { name, direction, ...options }, real.ctx);
  const failure = async (attempt: Promise<unknown>): Promise<RollgateError> => {
    const error = await attempt.then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(RollgateError);
    return error as RollgateError;
  };
  /** Sessions of ours on both sides that hold or wait for a lock, or keep a transaction open. */
  const ours = async (): Promise<string[]> => {
    const of = async (side: 'source' | 'destination') =>
      (
        await real.sql<{ name: string }>(
          side,
          "SELECT application_name AS name FROM pg_stat_activity WHERE application_name LIKE 'rollgate cut%' OR application_name LIKE 'rollgate hold%'",
        )
      ).map((r) => r.name);
    return [...(await of('source')), ...(await of('destination'))];
  };

  describe('before the stream flows', () => {
    test('the source as it was exported, whatever is written since', async () => {
      const rows = `INSERT INTO orders SELECT i, 'row', 1.1, 0, '2024-01-01', 'new' FROM generate_series(1, 5000) AS i`;
      await real.both(rows);
      const id = await holdSnapshot(real.sessions, real.pair.source, 'pg-1', 'export', real.ctx);
      const exported: ExportCut = {
        position: parseLsn('0/1'),
        snapshot: { id, tables: [{ table: '"public"."orders"', pages: 50, bytes: 400_000 }] },
        at: new Date().toISOString(),
      };
      await real.sql('source', "INSERT INTO orders (id, note) VALUES (99999, 'later')");
      const made = await real.facet.cut(real.pair, { name: 'first', export: exported, ...limits }, real.ctx);
      expect(made).toMatchObject({ name: 'first', position: exported.position, writePauseMs: 0 });
      expect(await real.compare(made, 7)).toEqual({ unequal: [], compared: 1, rows: 5000 });
      // A control: the same comparison finds a row that is there on one side alone.
      await real.sql('destination', "UPDATE orders SET note = 'other' WHERE id = 4711");
      await real.facet.releaseCut(real.pair, made, real.ctx);
      expect(await findHeld(real.sessions, real.pair.source, 'pg-1', 'export')).toBe(id);
      const next = await real.facet.cut(real.pair, { name: 'second', export: exported, ...limits }, real.ctx);
      expect((await real.compare(next, 7)).unequal).toEqual(['"public"."orders"']);
      await real.facet.releaseCut(real.pair, next, real.ctx);

      await releaseHeld(real.sessions, real.pair.source, 'pg-1', 'export');
      const lost = real.facet.cut(real.pair, { name: 'third', export: exported, ...limits }, real.ctx);
      expect((await failure(lost)).code).toBe('CUT_LOST');
      await real.both('TRUNCATE orders');
      expect(await ours()).toEqual([]);
    });

    test('CUT_REFUSED with a direction: nothing is applied', async () => {
      const error = await failure(cut('early', 'forward', { ...limits, timeoutMs: 200 }));
      expect(error.code).toBe('CUT_REFUSED');
      expect(error.message).toContain('rollgate_forward');
      expect(await ours()).toEqual([]);
    });
  });

  describe('while it flows', () => {
    beforeAll(() => real.flow('forward'));

    test('40 cuts under load: no table differs at its own cut, and does between two cuts', async () => {
      const load = await startLoad(real, 'source');
      const pauses: number[] = [];
      let [compared, previous]: [number, Cut | undefined] = [0, undefined];
      let different = 0;
      try {
        for (let i = 0; i < 40; i++) {
          const before = load.done();
          const made = await cut(`cut-${i}`);
          pauses.push(made.writePauseMs);
          const result = await real.compare(made, 40);
          expect(result.unequal).toEqual([]);
          compared += result.compared;
          expect(result.rows).toBeGreaterThan(0);
          if (previous && i % 8 === 0) {
            const mixed: Cut = {
              ...made,
              snapshots: { source: previous.snapshots.source, destination: made.snapshots.destination },
            };
            different += (await real.compare(mixed)).unequal.length > 0 ? 1 : 0;
          }
          if (previous) await real.facet.releaseCut(real.pair, previous, real.ctx);
          previous = made;
          expect(load.done()).toBeGreaterThan(before);
        }
      } finally {
        await load.stop();
      }
      if (previous) await real.facet.releaseCut(real.pair, previous, real.ctx);
      expect(different).toBe(4);
      // Five tables that are never emptied, and the emptied one when it was lucky.
      expect(compared).toBeGreaterThanOrEqual(40 * 5);
      expect(Math.max(...pauses)).toBeLessThanOrEqual(limits.maxWritePauseMs);
      expect(await ours()).toEqual([]);
    }, 400_000);

    test('a cut that was made is returned as it is; released twice, it is made anew', async () => {
      const made = await cut('same');
      await real.sql('source', "INSERT INTO orders (id, note) VALUES (-1, 'between')");
      expect(await cut('same')).toEqual(made);
      await real.facet.releaseCut(real.pair, made, real.ctx);
      await real.facet.releaseCut(real.pair, made, real.ctx);
      const again = await cut('same');
      expect(again.position.offset).toBeGreaterThan(made.position.offset);
      expect(again.snapshots.source.id).not.toBe(made.snapshots.source.id);
      await real.facet.releaseCut(real.pair, again, real.ctx);
      expect(await ours()).toEqual([]);
    });

    test('attempts at the same time make one cut', async () => {
      const load = await startLoad(real, 'source', 2);
      try {
        for (let i = 0; i < 5; i++) {
          const [made, ...others] = await Promise.all([cut('twin'), cut('twin'), cut('twin')]);
          expect(others).toEqual([made, made]);
          expect((await real.compare(made)).unequal).toEqual([]);
          await real.facet.releaseCut(real.pair, made, real.ctx);
        }
      } finally {
        await load.stop();
      }
      expect(await ours()).toEqual([]);
    });

    test('CUT_REFUSED: what another attempt of that name holds is not taken for the cut', async () => {
      const long = await real.connect('source');
      try {
        await long.query("BEGIN; INSERT INTO orders (id, note) VALUES (-5, 'long')");
        let waits = false;
        const heartbeat = (details?: unknown): void => {
          waits ||= typeof details === 'object' && details !== null && 'waitsFor' in details;
        };
        const options = { name: 'taken', direction: 'forward' as const, ...limits };
        const outcome = failureOf(real.facet.cut(real.pair, options, { ...real.ctx, heartbeat }));
        await until('it waits for the writer', () => Promise.resolve(waits));
        await holdSnapshot(real.sessions, real.pair.source, 'pg-1', 'taken', real.ctx);
        await long.query('COMMIT');
        const error = (await outcome) as RollgateError;
        expect(error.code).toBe('CUT_REFUSED');
        expect(error.message).toContain('another attempt');
      } finally {
        await long.end();
      }
      const made = await cut('taken');
      expect((await real.compare(made)).unequal).toEqual([]);
      await real.facet.releaseCut(real.pair, made, real.ctx);
      expect(await ours()).toEqual([]);
    });

    test('snapshots of a name that nobody has a record of are not taken for a cut', async () => {
      for (const side of ['source', 'destination'] as const) {
        await holdSnapshot(real.sessions, real.pair[side], firstNode[side], 'broken-off', real.ctx);
      }
      await real.sql('source', "INSERT INTO orders (id, note) VALUES (-2, 'since')");
      const made = await cut('broken-off');
      expect((await real.compare(made)).unequal).toEqual([]);
      const reader = await real.connect('source');
      try {
        await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
        await reader.query(`SET TRANSACTION SNAPSHOT '${made.snapshots.source.id}'`);
        expect((await reader.query('SELECT FROM orders WHERE id = -2')).rowCount).toBe(1);
      } finally {
        await reader.end();
      }
      await real.facet.releaseCut(real.pair, made, real.ctx);
    });

    test('CUT_REFUSED: a writer that does not end is named, and no other writer is kept waiting for it', async () => {
      const long = await real.connect('source');
      const load = await startLoad(real, 'source', 2);
      try {
        await long.query("SET application_name = 'nightly report'");
        const [{ pid } = { pid: 0 }] = (await long.query<{ pid: number }>('SELECT pg_backend_pid() AS pid'))
          .rows;
        await long.query("BEGIN; INSERT INTO orders (id, note) VALUES (-3, 'long')");
        await delay(50);
        const before = load.done();
        const error = await failure(cut('blocked', 'forward', { maxWritePauseMs: 400, timeoutMs: 3000 }));
        expect(error.code).toBe('CUT_REFUSED');
        expect(error.message).toContain(`pid ${pid} (nightly report)`);
        expect(error.message).toMatch(/for \d+\.\d s/);
        // It was looked for during 3 s; one lock in that time would have been one write in that time.
        expect(load.done() - before).toBeGreaterThan(20);
        expect(load.longestMs()).toBeLessThan(3000);
        expect(await ours()).toEqual([]);
        await long.query('COMMIT');
        const made = await cut('unblocked');
        expect((await real.compare(made)).unequal).toEqual([]);
        await real.facet.releaseCut(real.pair, made, real.ctx);
      } finally {
        await long.end();
        await load.stop();
      }
    });

    test('CUT_REFUSED: a receiver that does not come to the marker; afterwards it goes on, and so do cuts', async () => {
      const blocker = await real.connect('destination');
      try {
        await blocker.query('BEGIN; LOCK TABLE orders IN EXCLUSIVE MODE');
        await real.sql('source', "INSERT INTO orders (id, note) VALUES (-4, 'stuck')");
        const error = await failure(cut('stuck', 'forward', { maxWritePauseMs: 400, timeoutMs: 700 }));
        expect(error.code).toBe('CUT_REFUSED');
        expect(error.message).toContain('new-1');
        expect(await ours()).toEqual([]);
      } finally {
        await blocker.end();
      }
      await real.caughtUp('forward');
      const made = await cut('unstuck');
      expect((await real.compare(made)).unequal).toEqual([]);
      await real.facet.releaseCut(real.pair, made, real.ctx);
    });

    test('CUT_LOST: the session that held the snapshot is gone', async () => {
      const made = await cut('lost');
      await real.sql(
        'destination',
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name LIKE 'rollgate hold lost %'",
      );
      const range = { table: '"public"."orders"', from: 0 };
      expect(
        (await failure(real.facet.hashRange(real.pair, made, 'destination', range, real.ctx))).code,
      ).toBe('CUT_LOST');
      expect((await real.facet.hashRange(real.pair, made, 'source', range, real.ctx)).rows).toBeGreaterThan(
        0,
      );
      const located = real.facet.locate(real.pair, made, range.table, { limit: 5 }, real.ctx);
      expect((await failure(located)).code).toBe('CUT_LOST');
      // A cut of that name is not there any more: it is made anew.
      const again = await cut('lost');
      expect((await real.compare(again)).unequal).toEqual([]);
      await real.facet.releaseCut(real.pair, again, real.ctx);
    });

    test('CUT_LOST: an exported snapshot of somebody else is not read in its place', async () => {
      const made = await cut('foreign');
      const foreign = await real.connect('source');
      try {
        await foreign.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
        const { rows } = await foreign.query<{ id: string }>('SELECT pg_export_snapshot() AS id');
        const other: Cut = {
          ...made,
          snapshots: { ...made.snapshots, source: { id: rows[0]?.id ?? '', tables: [] } },
        };
        const range = { table: '"public"."orders"', from: 0 };
        expect((await failure(real.facet.hashRange(real.pair, other, 'source', range, real.ctx))).code).toBe(
          'CUT_LOST',
        );
      } finally {
        await foreign.end();
        await real.facet.releaseCut(real.pair, made, real.ctx);
      }
    });

    test('nothing is known of a table that was emptied, rewritten or made anew since the cut', async () => {
      await real.both('CREATE TABLE dropped (id int)');
      await real.sql('source', "INSERT INTO cleared VALUES (-1, 'x'); INSERT INTO journal VALUES ('x', 1)");
      const made = await cut('void');
      const hash = (table: string) =>
        real.facet.hashRange(real.pair, made, 'source', { table, from: 0 }, real.ctx);
      expect((await hash('"public"."cleared"')).void).toBeUndefined();
      await real.sql('source', 'TRUNCATE cleared');
      await real.sql('source', 'VACUUM FULL journal');
      await real.sql('source', 'DROP TABLE dropped; CREATE TABLE dropped (id int)');
      for (const name of ['cleared', 'journal', 'dropped', 'absent']) {
        expect(await hash(`"public"."${name}"`)).toEqual({ rows: 0, sum: '0', void: true });
      }
      expect((await hash('"public"."orders"')).void).toBeUndefined();
      const located = real.facet.locate(real.pair, made, '"public"."cleared"', { limit: 5 }, real.ctx);
      expect((await failure(located)).code).toBe('CUT_LOST');
      await real.facet.releaseCut(real.pair, made, real.ctx);
    });

    test('a cut does not keep the application from emptying a table', async () => {
      const made = await cut('truncate');
      await real.facet.hashRange(
        real.pair,
        made,
        'source',
        { table: '"public"."cleared"', from: 0 },
        real.ctx,
      );
      await real.sql('source', "SET lock_timeout = '1s'; TRUNCATE cleared");
      await real.facet.releaseCut(real.pair, made, real.ctx);
    });

    test('a reader that nobody waits for any more ends by itself', async () => {
      const made = await cut('aborted');
      await real.sql(
        'source',
        "CREATE TABLE slow AS SELECT i, repeat('x', 1000) AS t FROM generate_series(1, 400000) AS i",
      );
      const again = await cut('aborted-2');
      const abort = new AbortController();
      const reading = real.facet.hashRange(
        real.pair,
        again,
        'source',
        { table: '"public"."slow"', from: 0 },
        { ...real.ctx, signal: abort.signal },
      );
      const readers = async () =>
        (
          await real.sql(
            'source',
            "SELECT FROM pg_stat_activity WHERE query LIKE '%hash_record_extended%' AND pid <> pg_backend_pid() AND state = 'active'",
          )
        ).length;
      const outcome = failureOf(reading);
      await until('it reads', async () => (await readers()) > 0);
      abort.abort();
      expect(await outcome).toMatchObject({ name: 'AbortError' });
      await until('it has ended', async () => (await readers()) === 0);
      for (const c of [made, again]) await real.facet.releaseCut(real.pair, c, real.ctx);
    });
  });

  describe('back, once the destination takes writes', () => {
    test('cuts under load on the destination, while the source is guarded against DDL', async () => {
      await real.flow('back');
      await createDdlGuard(real.sessions).set(real.pair.source, real.ctx);
      await real.sql('destination', "SELECT setval('number', 100000000)");
      const load = await startLoad(real, 'destination');
      try {
        for (let i = 0; i < 5; i++) {
          const made = await cut(`back-${i}`, 'back');
          const result = await real.compare(made, 40);
          expect(result.unequal).toEqual([]);
          expect(result.compared).toBeGreaterThanOrEqual(5);
          await real.facet.releaseCut(real.pair, made, real.ctx);
        }
      } finally {
        await load.stop();
      }
      expect(await ours()).toEqual([]);
    });
  });
});

const failureOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => undefined,
    (error: unknown) => error,
  );
