import { reverseAsynchronous } from '../../contracts/loss-window.js';
import type { StorageMigrationSpec } from '../../contracts/spec.js';
import type { Obstacle } from '../../contracts/view.js';

/**
 * The obstacles that stand. An asynchronous way back is accepted by its name only where it is asynchronous: where the
 * spec wants a synchronous one, what forbids that stands.
 */
export const withoutAccepted = (
  obstacles: readonly Obstacle[],
  { accept, observe }: Pick<StorageMigrationSpec, 'accept' | 'observe'>,
): Obstacle[] =>
  obstacles.filter(({ acceptAs }) => {
    if (acceptAs === undefined || !accept.includes(acceptAs)) return true;
    return acceptAs === reverseAsynchronous && observe.synchronousReverse;
  });
