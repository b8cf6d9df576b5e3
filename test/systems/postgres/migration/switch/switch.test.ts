import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  opposite,
  receiverOf,
  senderOf,
  type Direction,
  type Opening,
} from '../../../../../src/contracts/index.js';
import { until } from '../../../../../src/dev/postgres/until.js';
import { synchronousWith } from '../../../../../src/systems/postgres/migration/switch/synchronous.js';
import { logIns, twoSides, validated, type TwoSides } from './two-sides.js';
import { startWriters } from './writers.js';

let two: TwoSides;
beforeAll(async () => {
  two = await twoSides();
});
afterAll(() => two.destroy());

const limits = { maxWritePauseMs: 2000, timeoutMs: 20_000 };

/** One switch as a run makes it: the way back first, then the fence, the opening, the end of the former stream. */
async function switchOver(direction: Direction): Promise<Opening> {
  const { stream, change, pair, ctx } = two;
  await stream.startStream(pair, opposite(direction), { synchronous: false }, ctx);
  const fence = await change.fence(pair, direction, limits, ctx);
  const opening = await change.cutOver(pair, direction, fence, validated(direction), ctx);
  await stream.stopStream(pair, direction, ctx);
  return opening;
}

describe('R-MIG-2: forth and back under load', () => {
  it('six switches: nothing lost, nothing twice, no value of a sequence given twice, the same log-ins', async () => {
    await two.exported();
    const before = await logIns(two, 'source');
    await two.stream.startStream(two.pair, 'forward', { synchronous: false }, two.ctx);
    const writers = startWriters(two, 4);
    const gaps: number[] = [];
    try {
      await until('writers write', () => Promise.resolve(writers.acknowledged.length > 50));
      for (const direction of ['forward', 'back', 'forward', 'back', 'forward', 'back'] as const) {
        const opening = await switchOver(direction);
        gaps.push(opening.writeGapMs);
        const open = await two.change.open(two.pair, two.ctx);
        expect(open[receiverOf(direction)]).toEqual({ kind: 'known', value: true });
        expect(open[senderOf(direction)]).toEqual({ kind: 'known', value: false });
        const from = writers.acknowledged.length;
        await until('writers write on the other side', () =>
          Promise.resolve(
            writers.acknowledged.slice(from).filter((w) => w.side === receiverOf(direction)).length > 50,
          ),
        );
      }
    } finally {
      await writers.stop();
    }
    const { acknowledged } = writers;
    const rows = await two.sql<{ writer: number; seq: number; copies: number }>(
      'source',
      'SELECT writer, seq, count(*)::int AS copies FROM orders GROUP BY writer, seq',
    );
    const there = new Map(rows.map((row) => [`${row.writer}/${row.seq}`, row.copies]));
    expect(acknowledged.filter((w) => !there.has(`${w.writer}/${w.seq}`))).toEqual([]);
    expect(rows.filter((row) => row.copies !== 1)).toEqual([]);
    expect(new Set(acknowledged.map((w) => w.id)).size).toBe(acknowledged.length);
    expect(new Set(acknowledged.map((w) => w.ticket)).size).toBe(acknowledged.length);
    // A value that had been given already would be refused by the key. 57P01: the fence ends sessions.
    expect(writers.refused.filter((code) => code.startsWith('23'))).toEqual([]);
    expect(await logIns(two, 'source')).toEqual(before);
    expect(gaps).toHaveLength(6);
  });

  it('synchronous: what B acknowledges is on A by then, and the way back is the same', async () => {
    const { stream, change, pair, ctx } = two;
    await stream.startStream(pair, 'back', { synchronous: true }, ctx);
    const there = await change.fence(pair, 'forward', limits, ctx);
    await change.cutOver(pair, 'forward', there, validated('forward'), ctx);
    await stream.stopStream(pair, 'forward', ctx);
    const rule = synchronousWith('');
    if (rule.kind === 'refused') throw new Error(rule.reason);
    await two.sql('destination', `ALTER SYSTEM SET synchronous_standby_names = '${rule.value}'`);
    await two.sql('destination', 'SELECT pg_reload_conf()');
    await until('A is a synchronous standby of B', async () => {
      const rows = await two.sql<{ state: string }>(
        'destination',
        "SELECT sync_state AS state FROM pg_stat_replication WHERE application_name = 'rollgate_back'",
      );
      return rows[0]?.state === 'sync';
    });
    const app = await two.login('destination', 'app');
    for (let id = 1; id <= 20; id++) {
      await app.query('INSERT INTO notes VALUES ($1)', [id]);
      expect(await two.sql('source', 'SELECT id FROM notes WHERE id = $1', [id])).toEqual([{ id }]);
    }
    await app.end();
    await expect(stream.stopStream(pair, 'back', ctx)).rejects.toMatchObject({ code: 'SYSTEM_REFUSED' });

    await stream.startStream(pair, 'forward', { synchronous: false }, ctx);
    const back = await change.fence(pair, 'back', limits, ctx);
    await change.cutOver(pair, 'back', back, validated('back'), ctx);
    await two.sql('destination', 'ALTER SYSTEM RESET synchronous_standby_names');
    await two.sql('destination', 'SELECT pg_reload_conf()');
    await stream.stopStream(pair, 'back', ctx);
    expect(await change.open(pair, ctx)).toEqual({
      source: { kind: 'known', value: true },
      destination: { kind: 'known', value: false },
    });
  });
});
