import type { Step } from '../journal/read.js';

export type StepBatches = AsyncIterable<readonly Step[]>;

/**
 * Hand over the steps of all clients in the order in which they happened: by session, then by time. Holds one batch of
 * each client in memory.
 */
export async function inOrder(
  clients: readonly StepBatches[],
  visit: (client: number, step: Step) => void,
): Promise<void> {
  const cursors = clients.map((batches) => cursorOf(batches));
  for (const cursor of cursors) await cursor.fill();
  for (;;) {
    let first: Cursor | undefined;
    let client = -1;
    for (let i = 0; i < cursors.length; i++) {
      const cursor = cursors[i];
      if (cursor?.step && (!first?.step || isBefore(cursor.step, first.step))) {
        first = cursor;
        client = i;
      }
    }
    if (!first?.step) return;
    visit(client, first.step);
    if (first.advance()) await first.fill();
  }
}

const isBefore = (a: Step, b: Step): boolean =>
  a.session === b.session ? a.at < b.at : a.session < b.session;

interface Cursor {
  /** `undefined`: there are no more. */
  readonly step: Step | undefined;
  /** @returns whether the batch is used up */
  advance(): boolean;
  fill(): Promise<void>;
}

function cursorOf(batches: StepBatches): Cursor {
  const iterator = batches[Symbol.asyncIterator]();
  let batch: readonly Step[] = [];
  let index = 0;
  return {
    get step() {
      return batch[index];
    },
    advance: () => ++index >= batch.length,
    async fill() {
      index = 0;
      do {
        const result = await iterator.next();
        batch = result.done === true ? [] : result.value;
        if (result.done === true) return;
      } while (batch.length === 0);
    },
  };
}
