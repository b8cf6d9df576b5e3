import { act } from '../activities.js';
import { attempt, type Answer } from '../attempt.js';
import { now, tell, type Run } from '../run.js';
import { borrow } from '../saga.js';
import { saveAndCompare } from './backup.js';

/** On the way back nothing new is made: what the way forward has made is used, or there is none. */
export const needsPrepare = ({ state }: Run): boolean =>
  state.direction === 'forward' && !state.steps.some((s) => s.id === 'prepare' && s.result === 'done');

export const prepareOnce = (run: Run): Promise<Answer> =>
  attempt(run, 'prepare', 'Prepare', undefined, () => prepare(run));

/** Make our own objects in the cluster and start the probe. Nothing of the user's changes. */
async function prepare(run: Run): Promise<void> {
  await saveAndCompare(run, 'before-start');
  await makeScratch(run);
  await startProbe(run);
}

export async function makeScratch(run: Run): Promise<void> {
  borrow(
    run,
    {
      id: 'scratch',
      kind: 'scratch',
      name: 'scratch objects for canaries and the write ledger',
      value: 'present',
      borrowedAt: now(),
      giveBack: 'drop the scratch schema on the primary',
    },
    { id: 'scratch', kind: 'drop-scratch' },
  );
  await act('createScratch', 'make the scratch objects', run.target);
}

export async function startProbe(run: Run): Promise<void> {
  const { probe } = run.settings;
  if (!probe.enabled) return;
  borrow(
    run,
    {
      id: 'probe',
      kind: 'probe',
      name: 'the probe process',
      value: 'running',
      borrowedAt: now(),
      giveBack: 'end the probe process named in the artifacts directory of this run',
    },
    { id: 'probe', kind: 'stop-probe' },
  );
  await act('startProbe', `start the probe with ${probe.writers} writers`, {
    ...run.target,
    probe,
    ...(run.state.spec.migration ? { also: run.state.spec.destination } : {}),
  });
  tell(run, 'probe', `the probe writes with ${probe.writers} writers`);
}
