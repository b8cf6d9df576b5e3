import { checkInterrupt, type Run } from './run.js';

/**
 * Work through lists, all at once, each in `width` lanes of its own. After the first failure, or an operator's wish to
 * turn, no lane takes another item, and all are waited for: nothing is still running when this throws.
 */
export async function inLanes<T>(
  run: Run,
  lists: readonly (readonly T[])[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let failed = false;
  const lane = async (items: Iterator<T, undefined>): Promise<void> => {
    while (!failed) {
      const { done, value: item } = items.next();
      if (done === true) return;
      try {
        checkInterrupt(run);
        await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const ended = await Promise.allSettled(
    lists.flatMap((list) => {
      const items = list[Symbol.iterator]();
      return Array.from({ length: Math.min(width, list.length) }, () => lane(items));
    }),
  );
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
}
