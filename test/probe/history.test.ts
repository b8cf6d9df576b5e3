import { describe, expect, test } from 'vitest';
import type { Step } from '../../src/probe/journal/read.js';
import { historyOf, type Operation } from '../../src/probe/linearizability/history.js';
import { createSessionClock } from '../../src/probe/linearizability/session-clock.js';
import { batchesOf } from './simulated-probe.js';

const step = (kind: Step['kind'], seq: number, at: number, rest: Partial<Step> = {}): Step => ({
  kind,
  session: 1,
  seq,
  at,
  ...rest,
});

async function operations(writers: Step[][], reading: Step[] = [], registers = 3): Promise<Operation[]> {
  const journals = { writers: writers.map((w) => batchesOf(w, 2)), reader: batchesOf(reading, 3) };
  const history = historyOf(journals, registers, (s) => s.at);
  const found: Operation[] = [];
  for await (const operation of history.operations) found.push(operation);
  let again = 0;
  for await (const operation of history.operations) expect(operation).toEqual(found[again++]);
  expect(again).toBe(found.length);
  return found;
}

describe('R-PROOF-2: the history of the writes and reads of the probe', () => {
  test('a write lasts from its intent to its acknowledgement, on the register of its writer, in µs', async () => {
    const write = [step('intent', 1, 10.125), step('acknowledged', 1, 12.5), step('end', 0, 13)];
    expect(await operations([[], [], [], [], write])).toEqual([
      { client: 4, register: 1, kind: 'write', value: '4:1', call: 10_125, return: 12_500 },
    ]);
  });

  test('without an answer or an outcome it is open-ended, refused it is not in it', async () => {
    const writes = [
      ...[step('intent', 1, 1), step('unknown', 1, 2)],
      ...[step('intent', 2, 3), step('refused', 2, 4)],
      step('intent', 3, 5),
      ...[step('intent', 4, 6, { session: 2 }), step('acknowledged', 4, 7, { session: 2 })],
      step('intent', 5, 8, { session: 2 }),
    ];
    const base = { client: 0, register: 0, kind: 'write' };
    expect(await operations([writes])).toEqual([
      { ...base, value: '0:1', call: 1000 },
      { ...base, value: '0:3', call: 5000 },
      { ...base, value: '0:4', call: 6000, return: 7000 },
      { ...base, value: '0:5', call: 8000 },
    ]);
  });

  test('reads go round the registers; one that failed, or was not written down, is not in it', async () => {
    const reading = [
      ...[step('intent', 1, 1), step('acknowledged', 1, 2, { saw: '4:9' })],
      ...[step('intent', 2, 3), step('unknown', 2, 4)],
      ...[step('intent', 3, 5), step('acknowledged', 3, 6, { saw: '-' })],
      ...[step('intent', 4, 7), step('acknowledged', 4, 8)],
      step('intent', 5, 9),
    ];
    const base = { client: 1, kind: 'read' };
    expect(await operations([[]], reading)).toEqual([
      { ...base, register: 1, value: '4:9', call: 1000, return: 2000 },
      { ...base, register: 0, value: '', call: 5000, return: 6000 },
    ]);
  });
});

describe('R-SAGA-1: one clock for all sessions of the probe', () => {
  const times = (steps: Step[]): number[] => {
    const clock = createSessionClock();
    for (const s of steps) clock.see(s);
    return steps.map(clock.timeOf);
  };

  test('as they are when the wall clock went on', () => {
    const steps = [step('intent', 1, 10), step('intent', 2, 900, { session: 2 })];
    expect(times(steps)).toEqual([10, 900]);
  });

  test('a wall clock that was put back makes no session earlier than the one before, nor shorter', () => {
    const steps = [
      step('intent', 1, 5000),
      step('acknowledged', 1, 5010),
      step('intent', 2, 100, { session: 2 }),
      step('acknowledged', 2, 130, { session: 2 }),
      step('intent', 3, 120, { session: 3 }),
    ];
    expect(times(steps)).toEqual([5000, 5010, 5011, 5041, 5042]);
  });
});
