import { type LaunchSpec, RollgateError } from '../../contracts/index.js';
import { fileErrorCode } from './file-error.js';
import type { Layout } from './layout.js';
import type { ProcessFacts } from './process-facts.js';

/**
 * Send the node's process its stop signal; nothing when it has gone by itself.
 * @throws HOST_UNKNOWN when we may not
 */
export function signalProcess(layout: Layout, target: ProcessFacts, launch: LaunchSpec): void {
  try {
    process.kill(target.pid, launch.stopSignal);
  } catch (error) {
    if (fileErrorCode(error) === 'ESRCH') return;
    throw new RollgateError(
      'HOST_UNKNOWN',
      `node ${layout.node}: process ${target.pid} may not be signalled by rollgate's user (${String(fileErrorCode(error))})`,
      "run the worker as root or as the node's own user",
      { cause: error },
    );
  }
}
