import { RollgateError } from '../../contracts/index.js';

/** The error for a place that rollgate will not touch, or not in this way. */
export function pathRefused(node: string, seen: string, remedy: string): RollgateError {
  return new RollgateError('HOST_PATH_REFUSED', `node ${node}: ${seen}`, remedy);
}
