import { checkInterrupt, type Run } from './run.js';

/**
 * Work through a list in `width` lanes at once. After the first failure, or an operator's wish to turn, no lane takes
 * another item, and all are waited for: nothing is still running when this throws.
 */
export async function inLanes<T>(
  run: Run,
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failed = false;
  const lane = async (): Promise<void> => {
    while (!failed) {
      const item = items[next++];
      if (item === undefined) return;
      try {
        checkInterrupt(run);
        await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(width, items.length) }, lane));
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
}
