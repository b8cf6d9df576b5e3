import type { EffectContext, Linearizability } from '../../contracts/index.js';
import type { Step } from '../journal/read.js';
import type { StepBatches } from '../ledger/merge.js';

/** One write or read of one register. Times are µs by one clock. */
export interface Operation {
  readonly client: number;
  readonly register: number;
  readonly kind: 'write' | 'read';
  /** `writer:seq` of what was written or seen; empty: the register had never been written. */
  readonly value: string;
  readonly call: number;
  /** Absent: a write of which nobody knows whether and when it took effect. */
  readonly return?: number;
}

export interface History {
  readonly registers: number;
  /** In no particular order; can be gone through more than once. */
  readonly operations: AsyncIterable<Operation>;
}

/** Says whether a history is linearizable; `unchecked` with a reason when it cannot say. */
export type HistoryChecker = (history: History, ctx: EffectContext) => Promise<Linearizability>;

/** What the clients of the probe have written down. Can be gone through more than once. */
export interface Journals {
  readonly writers: readonly StepBatches[];
  readonly reader: StepBatches;
}

/**
 * The history that the journals tell of, read anew each time that it is gone through: one attempt of each client is
 * held in memory.
 *
 * - a write is called when its intent is in the journal, and returns when its acknowledgement is
 * - no answer, or no outcome at all: open-ended
 * - refused: it is not there, so it is left out; a read that sees it all the same has no explanation
 * - a read that failed has seen nothing and is left out
 *
 * @param timeOf ms of a step on a clock that all sessions share
 */
export function historyOf(journals: Journals, registers: number, timeOf: (step: Step) => number): History {
  const reader = journals.writers.length;
  const micros = (step: Step): number => Math.round(timeOf(step) * 1000);
  return {
    registers,
    operations: {
      async *[Symbol.asyncIterator]() {
        for (const [writer, batches] of journals.writers.entries()) {
          const base = { client: writer, register: writer % registers, kind: 'write' } as const;
          for await (const { intent, outcome } of attemptsOf(batches)) {
            if (outcome?.kind === 'refused') continue;
            const write = { ...base, value: `${writer}:${intent.seq}`, call: micros(intent) };
            yield outcome?.kind === 'acknowledged' ? { ...write, return: micros(outcome) } : write;
          }
        }
        for await (const { intent, outcome } of attemptsOf(journals.reader)) {
          if (outcome?.kind !== 'acknowledged' || outcome.saw === undefined) continue;
          yield {
            client: reader,
            register: intent.seq % registers,
            kind: 'read',
            value: outcome.saw === '-' ? '' : outcome.saw,
            call: micros(intent),
            return: micros(outcome),
          };
        }
      },
    },
  };
}

interface Attempt {
  readonly intent: Step;
  /** `undefined`: the probe died before it. */
  readonly outcome: Step | undefined;
}

async function* attemptsOf(batches: StepBatches): AsyncGenerator<Attempt> {
  let intent: Step | undefined;
  for await (const batch of batches) {
    for (const step of batch) {
      if (step.kind === 'end') continue;
      if (step.kind === 'intent') {
        if (intent) yield { intent, outcome: undefined };
        intent = step;
      } else if (intent) {
        yield { intent, outcome: step };
        intent = undefined;
      }
    }
  }
  if (intent) yield { intent, outcome: undefined };
}
