import { describe, expect, test } from 'vitest';
import type { Step } from '../../src/probe/journal/read.js';
import { createBuckets } from '../../src/probe/ledger/buckets.js';
import { createLongest } from '../../src/probe/ledger/pauses.js';
import { ledgerOf, seeded, start } from './simulated-probe.js';

/** Steps of one client from short lines: `i 100`, `a 103` (ms after the start), `| 2` begins session 2. */
function client(...lines: string[]): Step[] {
  const kinds = { i: 'intent', a: 'acknowledged', r: 'refused', u: 'unknown', e: 'end' } as const;
  let [session, seq] = [1, 0];
  return lines.flatMap((line): Step[] => {
    const [letter, number] = line.split(' ');
    if (letter === '|') {
      session = Number(number);
      return [];
    }
    const kind = kinds[letter as keyof typeof kinds];
    if (kind === 'intent') seq += 1;
    return [{ kind, session, seq: kind === 'end' ? 0 : seq, at: start + Number(number) }];
  });
}

const present = (writers: readonly Step[][]) =>
  async function* () {
    for (const [writer, steps] of writers.entries()) {
      for (const { kind, seq } of steps) {
        if (kind === 'acknowledged') yield await Promise.resolve({ runId: 'run-1', writer, seq });
      }
    }
  };

const ledger = (writers: Step[][], rest: Parameters<typeof ledgerOf>[1] = {}) =>
  ledgerOf(writers, { readBack: present(writers), ...rest });

const at = (ms: number): string => new Date(start + ms).toISOString();

describe('R-PROOF-2: the longest gap over all clients, the longest wait of any one', () => {
  test('a gap is the pause between two acknowledgements of any clients; a wait is that of one', async () => {
    const result = await ledger([
      client('i 0', 'a 5', 'i 10', 'r 20', 'i 30', 'u 300', 'i 310', 'a 320'),
      client('i 0', 'a 8', 'i 100', 'a 110', 'i 200', 'a 210'),
    ]);
    expect(result.writeGaps[0]).toEqual({ ms: 110, from: at(210), to: at(320) });
    expect(result.writeGaps.map((g) => g.ms)).toEqual([110, 102, 100, 5, 3]);
    expect(result.longestWait).toEqual({ ms: 310, from: at(10), to: at(320), client: 'writer-0' });
  });

  test('one client may hang while the others go on: a wait, and no gap', async () => {
    const busy = Array.from({ length: 100 }, (_, n) => [`i ${n * 10}`, `a ${n * 10 + 2}`]).flat();
    const result = await ledger([client(...busy), client('i 0', 'a 900')]);
    expect(result.longestWait).toMatchObject({ ms: 900, client: 'writer-1' });
    expect(result.writeGaps[0]?.ms).toBe(10);
  });

  test('an outage that was there from the start counts from the first attempt', async () => {
    const result = await ledger([client('i 0', 'r 5', 'i 500', 'a 510')]);
    expect(result.writeGaps[0]).toEqual({ ms: 510, from: at(0), to: at(510) });
  });

  test('an outage that outlasts the probe counts up to the last sign of life', async () => {
    const writers = [client('i 0', 'a 5', 'i 10', 'u 3000')];
    const result = await ledger(writers, { seenAlive: new Map([[1, start + 4000]]) });
    expect(result.writeGaps[0]).toEqual({ ms: 3995, from: at(5), to: at(4000) });
    expect(result.longestWait?.ms).toBe(3990);
  });

  test('clients that end one after the other when told to stop make no gap', async () => {
    const result = await ledger([
      client('i 0', 'a 5', 'i 10', 'a 4900', 'e 4901'),
      client('i 0', 'a 6', 'i 12', 'a 15', 'e 16'),
    ]);
    expect(result.writeGaps[0]?.ms).toBe(9);
    expect(result.longestWait?.ms).toBe(4890);
  });

  test('reads have gaps of their own', async () => {
    const reading = client('i 0', 'a 1', 'i 10', 'r 11', 'i 700', 'a 701');
    const result = await ledger([client('i 0', 'a 5')], { reading });
    expect(result.reads).toBe(2);
    expect(result.readGaps[0]).toEqual({ ms: 700, from: at(1), to: at(701) });
    expect(result.writeGaps[0]?.ms).toBe(696);
  });

  test('the twenty longest are kept, the longest first', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seeded(seed);
      const longest = createLongest();
      const spans = Array.from({ length: 200 }, () => ({ from: 0, to: Math.floor(random() * 50) }));
      for (const span of spans) longest.offer(span);
      const expected = spans
        .map((s) => s.to)
        .sort((a, b) => b - a)
        .slice(0, 20);
      expect(longest.spans.map((s) => s.to)).toEqual(expected);
    }
  });

  test('for any interleaving the gaps are those of all acknowledgements in order', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = seeded(seed);
      const writers = Array.from({ length: 1 + Math.floor(random() * 6) }, () => {
        let now = 0;
        const step = (): number => (now += 1 + Math.floor(random() * 90));
        const lines = Array.from({ length: 30 }, () => [
          `i ${step()}`,
          `${random() < 0.7 ? 'a' : 'r'} ${step()}`,
        ]);
        return client(...lines.flat());
      });
      const first = Math.min(...writers.flat().map((s) => s.at));
      const last = Math.max(...writers.flat().map((s) => s.at));
      const acks = writers
        .flat()
        .filter((s) => s.kind === 'acknowledged')
        .map((s) => s.at);
      const times = [first, ...acks.sort((a, b) => a - b), last];
      const gaps = times
        .slice(1)
        .map((t, i) => t - (times[i] ?? t))
        .filter((ms) => ms > 0);
      const result = await ledger(writers, { batch: 1 + Math.floor(random() * 20) });
      expect(result.writeGaps.map((g) => g.ms)).toEqual(gaps.sort((a, b) => b - a).slice(0, 20));
    }
  });
});

describe('R-SAGA-1: a probe that died and was started again', () => {
  const writers = [client('i 0', 'a 5', 'i 10', '| 2', 'i 9000', 'a 9005', 'e 9010')];

  test('the time without it is told as not observed, and is no gap', async () => {
    const result = await ledger(writers, {
      seenAlive: new Map([
        [1, start + 200],
        [2, start + 9010],
      ]),
    });
    expect(result.unobserved).toEqual([{ ms: 8800, from: at(200), to: at(9000) }]);
    expect(result.writeGaps[0]).toEqual({ ms: 195, from: at(5), to: at(200) });
    expect(result.longestWait?.ms).toBe(190);
    expect(result).toMatchObject({
      acknowledged: 2,
      unknown: 1,
      lost: 0,
      startedAt: at(0),
      endedAt: at(9010),
    });
    const seconds = result.buckets.map((b) => b.at);
    expect(seconds).toEqual([at(0), at(9000)]);
  });

  test('a wait does not reach over it', async () => {
    const hung = [client('i 0', 'r 5', '| 2', 'i 9000', 'a 9005')];
    expect((await ledger(hung)).longestWait?.ms).toBe(5);
  });

  test('when it died for good, the rest up to its stop is not observed', async () => {
    const died = [client('i 0', 'a 5', 'i 10')];
    const result = await ledger(died, { seenAlive: new Map([[1, start + 250]]), until: start + 60_000 });
    expect(result.unobserved).toEqual([{ ms: 59_750, from: at(250), to: at(60_000) }]);
    expect(result.endedAt).toBe(at(250));
    expect((await ledger(died, { until: start + 60_000, running: true })).unobserved).toEqual([]);
  });

  test('a wall clock that went back in between changes no gap', async () => {
    const result = await ledger([client('i 5000', 'a 5005', '| 2', 'i 100', 'a 104', 'i 110', 'a 112')], {
      until: start + 112,
    });
    expect(result.writeGaps.map((g) => g.ms)).toEqual([8, 5, 4]);
    expect(result.unobserved).toEqual([]);
  });
});

describe('R-PROOF-2: the record by seconds', () => {
  test('seconds in which nothing was answered are there, with zeros', async () => {
    const result = await ledger([client('i 100', 'a 110', 'i 120', 'u 2500', 'i 3200', 'a 3300')]);
    expect(result.buckets).toEqual([
      { at: at(0), acknowledged: 1, failed: 0, longestGapMs: 10 },
      { at: at(1000), acknowledged: 0, failed: 0, longestGapMs: 0 },
      { at: at(2000), acknowledged: 0, failed: 1, longestGapMs: 0 },
      { at: at(3000), acknowledged: 1, failed: 0, longestGapMs: 3190 },
    ]);
  });

  test('a day is at most a thousand buckets, and none of its events is missing', () => {
    const buckets = createBuckets();
    for (let second = 0; second < 86_400; second++) {
      buckets.acknowledged(start + second * 1000);
      if (second % 3 === 0) buckets.failed(start + second * 1000);
    }
    buckets.paused(start + 40_000_000, 777);
    const list = buckets.list();
    expect(list.length).toBeLessThanOrEqual(1000);
    expect(list.length).toBeGreaterThan(500);
    expect(list.reduce((sum, b) => sum + b.acknowledged, 0)).toBe(86_400);
    expect(list.reduce((sum, b) => sum + b.failed, 0)).toBe(28_800);
    expect(list.filter((b) => b.longestGapMs === 777)).toHaveLength(1);
    expect(list.map((b) => b.at)).toEqual(list.map((b) => b.at).sort());
  });
});
