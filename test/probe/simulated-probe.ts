import type { ClusterSpec, ProbeFacet, WriteLedger } from '../../src/contracts/index.js';
import { ClusterSpec as ClusterSchema } from '../../src/contracts/spec.js';
import type { Step } from '../../src/probe/journal/read.js';
import { computeLedger, type ProbeRecord } from '../../src/probe/ledger/compute.js';
import type { StepBatches } from '../../src/probe/ledger/merge.js';

export const cluster: ClusterSpec = ClusterSchema.parse({
  name: 'fake',
  system: 'fake',
  nodes: [{ id: 'n1', address: 'localhost:1', host: { kind: 'fake' } }],
});

export const start = Date.UTC(2026, 0, 1);
export const runId = 'run-1';

/** Numbers that look random and are the same at every run of the test. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What the journals of the writers would hold after `writes` writes each, one every 10 ms. */
export async function write(
  facet: ProbeFacet,
  options: { writers: number; writes: number },
): Promise<Step[][]> {
  const client = facet.connect(cluster, { name: 'test' });
  const journals: Step[][] = Array.from({ length: options.writers }, () => []);
  for (let seq = 1; seq <= options.writes; seq++) {
    for (const [writer, steps] of journals.entries()) {
      const at = start + seq * 10 + writer;
      steps.push({ kind: 'intent', session: 1, seq, at });
      const { kind } = await client.write({ runId, writer, seq }, 100);
      steps.push({ kind, session: 1, seq, at: at + 2 });
    }
  }
  return journals;
}

export interface Conversation {
  readonly seed: number;
  readonly writers: number;
  /** Writes of each writer. */
  readonly writes: number;
  /** Pause of a writer between two writes, ms: at least this, at most half as much again. */
  readonly pause: number;
}

/**
 * What the journals hold after clients talked to a store at the same time: each operation takes effect at one moment
 * between its call and its answer. The one reader hardly pauses and goes on until the writers are done.
 */
export async function converse(
  facet: ProbeFacet,
  { seed, writers, writes, pause }: Conversation,
): Promise<{ journals: Step[][]; reading: Step[] }> {
  const random = seeded(seed);
  const client = facet.connect(cluster, { name: 'test' });
  const begin = (now: number) => {
    const call = now + 0.1;
    const effect = call + 0.1 + random() * 3;
    return { call, effect, answer: effect + 0.1 + random() * 3 };
  };
  const clients = Array.from({ length: writers + 1 }, (_, number) => ({
    number,
    seq: 1,
    steps: [] as Step[],
    next: begin(start + random() * pause),
  }));
  for (;;) {
    const busy = clients.filter((c) => c.number < writers && c.seq <= writes);
    if (busy.length === 0) break;
    const at = [...busy, ...clients.slice(writers)].reduce((a, b) => (b.next.effect < a.next.effect ? b : a));
    const { seq, steps, next } = at;
    steps.push({ kind: 'intent', session: 1, seq, at: next.call });
    if (at.number < writers) {
      const { kind } = await client.write({ runId, writer: at.number, seq }, 100);
      steps.push({ kind, session: 1, seq, at: next.answer });
      at.next = begin(next.answer + pause * (1 + random() / 2));
    } else {
      const seen = await client.read(100, seq % (facet.registers ?? 1));
      const saw = seen ? (`${seen.writer}:${seen.seq}` as const) : '-';
      steps.push({ kind: 'acknowledged', session: 1, seq, at: next.answer, saw });
      at.next = begin(next.answer);
    }
    at.seq += 1;
  }
  const [reading] = clients.slice(writers).map((c) => c.steps);
  return { journals: clients.slice(0, writers).map((c) => c.steps), reading: reading ?? [] };
}

export function batchesOf(steps: readonly Step[], size: number): StepBatches {
  return {
    async *[Symbol.asyncIterator]() {
      for (let i = 0; i < steps.length; i += size) yield await Promise.resolve(steps.slice(i, i + size));
    },
  };
}

/** The ledger of journals, as the runner computes it. */
export function ledgerOf(
  writers: readonly (readonly Step[])[],
  rest: Partial<ProbeRecord> & { reader?: never; reading?: readonly Step[]; batch?: number } = {},
): Promise<WriteLedger> {
  const { reading = [], batch = 7, ...record } = rest;
  const all = [...writers.flat(), ...reading];
  const last = all.reduce((latest, step) => Math.max(latest, step.at), start);
  return computeLedger({
    runId,
    seenAlive: new Map(),
    until: last,
    running: false,
    readBack: () => ({
      [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
    }),
    ...record,
    writers: writers.map((steps) => batchesOf(steps, batch)),
    reader: batchesOf(reading, batch),
  });
}
