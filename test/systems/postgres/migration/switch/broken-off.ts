import { until } from '../../../../../src/dev/postgres/until.js';
import type { Side } from '../../../../../src/contracts/index.js';
import type { TwoSides } from './two-sides.js';

/**
 * A process that dies at one step, as the servers see it: the call never goes on from there, and all its sessions
 * are gone but those that hold a snapshot already.
 */
export async function brokenOff<Step>(
  two: TwoSides,
  at: Step,
  call: (onStep: (step: Step) => Promise<void>) => Promise<unknown>,
): Promise<void> {
  const reached = await new Promise<boolean>((resolve, reject) => {
    call((step) => {
      if (step !== at) return Promise.resolve();
      resolve(true);
      return new Promise(() => undefined);
    }).then(() => {
      resolve(false);
    }, reject);
  });
  if (!reached) throw new Error(`it ended without having come to ${String(at)}`);
  for (const side of ['source', 'destination'] satisfies Side[]) {
    const ours = `FROM pg_stat_activity WHERE application_name = 'rollgate fence'
      OR (application_name LIKE 'rollgate hold fence%' AND wait_event IS DISTINCT FROM 'PgSleep')`;
    await two.sql(side, `SELECT pg_terminate_backend(pid) ${ours}`);
    await until(
      'its sessions are gone',
      async () => (await two.sql(side, `SELECT pid ${ours}`)).length === 0,
    );
  }
}
