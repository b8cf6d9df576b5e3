import { isCancellation, sleep } from '@temporalio/workflow';
import { glance } from '../../activities.js';
import { migrationOf } from '../../migration-run.js';
import { now, recordVerdicts, tell, type Run } from '../../run.js';
import { failureOf } from '../../saga.js';

/** At first so often, ms; later after every fiftieth part of the time, so that the history does not grow with it. */
const leastPause = 10_000;

/**
 * While B is observed: whether its replicas follow, and whether A is kept current. It ends nothing; who looks at the
 * status sees it. Until it is cancelled.
 */
export async function watchServers(run: Run): Promise<void> {
  const { spec, target } = migrationOf(run);
  const { maxLag, poll } = spec;
  const at = { ...target, maxLag, timeoutMs: 0, pollMs: poll };
  const began = Date.parse(now());
  for (;;) {
    try {
      recordVerdicts(run, [
        await glance('awaitReplicas', 'see whether the replicas follow', { ...at, side: 'destination' }),
        await glance('awaitStream', 'see whether the way back is current', { ...at, direction: 'back' }),
      ]);
    } catch (error) {
      if (isCancellation(error)) return;
      tell(run, 'migration', `the servers could not be looked at: ${failureOf(error).message}`);
    }
    try {
      await sleep(Math.max(leastPause, (Date.parse(now()) - began) / 50));
    } catch (error) {
      if (!isCancellation(error)) throw error;
      return;
    }
  }
}
