import { isOver, RollgateError, type ClusterSpec, type RunState } from '../../contracts/index.js';
import type { RollgateClient } from '../rollgate-client.js';
import type { RunHandle } from '../run-handle.js';

/**
 * The run of the cluster that is in progress, if there is one.
 * @throws RollgateError when it cannot be learned, e.g. `NO_WORKER`
 */
export async function livingRun(
  client: RollgateClient,
  cluster: ClusterSpec,
): Promise<{ readonly handle: RunHandle; readonly state: RunState } | undefined> {
  try {
    const handle = await client.get(cluster.name);
    const state = await handle.status();
    return isOver(state) ? undefined : { handle, state };
  } catch (error) {
    if (error instanceof RollgateError && error.code === 'RUN_NOT_FOUND') return undefined;
    throw error;
  }
}
