import { RollgateError } from '../../contracts/index.js';
import type { Layout } from './layout.js';

/** The error for a host that could not be understood, or is not in the state that a change needs. */
export function unknownState(layout: Layout, reason: string, cause?: unknown): RollgateError {
  return new RollgateError(
    'HOST_UNKNOWN',
    `node ${layout.node}: ${reason}`,
    `look at ${layout.directory} on the node's host: does it exist, and may rollgate's user read and write it? Nothing was changed on an assumption`,
    { cause },
  );
}
