import { glance } from '../../activities.js';
import { migrationOf } from '../../migration-run.js';
import type { Run } from '../../run.js';
import { againAndAgain } from './again-and-again.js';

const leastPauseMs = 10_000;

/**
 * While B is observed: whether its replicas follow, and whether A is kept current. It ends nothing; who looks at the
 * status sees it. Until it is cancelled.
 */
export function watchServers(run: Run): Promise<void> {
  const { spec, target } = migrationOf(run);
  const { maxLag, poll } = spec;
  const at = { ...target, maxLag, timeoutMs: 0, pollMs: poll };
  return againAndAgain(run, leastPauseMs, ['replicas-follow', 'stream-caught-up'], async () => [
    await glance('awaitReplicas', 'see whether the replicas follow', { ...at, side: 'destination' }),
    await glance('awaitStream', 'see whether the way back is current', { ...at, direction: 'back' }),
  ]);
}
