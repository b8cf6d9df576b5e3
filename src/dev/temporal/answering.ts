import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { messageOf } from '../../contracts/index.js';

/**
 * Wait until a Temporal server serves the namespace.
 * @param gone what to say once waiting is useless, because the server has ended
 * @throws Error after `timeoutMs`
 */
export async function untilAnswering(
  server: { address: string; namespace: string },
  timeoutMs: number,
  gone: () => string | undefined,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      const connection = await Connection.connect({ address: server.address, connectTimeout: 2000 });
      try {
        await connection.withDeadline(Date.now() + 5000, () =>
          connection.workflowService.describeNamespace({ namespace: server.namespace }),
        );
        return;
      } finally {
        await connection.close();
      }
    } catch (error) {
      const end = gone();
      if (end !== undefined) throw new Error(end, { cause: error });
      if (performance.now() >= deadline) {
        throw new Error(
          `Temporal at ${server.address} does not serve namespace ${server.namespace} after ${timeoutMs} ms: ${messageOf(error)}`,
          { cause: error },
        );
      }
    }
    await sleep(100);
  }
}
