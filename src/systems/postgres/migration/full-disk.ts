import { messageOf, RollgateError, type Pair } from '../../../contracts/index.js';

/** `disk_full`: https://www.postgresql.org/docs/17/errcodes-appendix.html */
const diskFull = '53100';

/**
 * Do what writes to the destination alone. Tried again a full disk is as full as before, so it is told at once. Where
 * the log of changes has no room the server ends all by itself, and says the same with its last words.
 * https://www.postgresql.org/docs/17/disk-full.html
 * @throws SYSTEM_REFUSED
 */
export async function onItsDisk<T>({ source, destination }: Pair, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if ((error as { code?: string }).code !== diskFull) throw error;
    throw new RollgateError(
      'SYSTEM_REFUSED',
      `there is no space left on a disk of ${destination.name}: ${messageOf(error)}`,
      `Make space there: rows, indexes and the log of changes of the copy need more than the data of ${source.name}. Start the server if it has ended by it, then retry: what was copied stays, and the copy goes on at the range where it stopped. Or roll back; ${source.name} takes the writes all the time.`,
      { cause: error },
    );
  }
}
