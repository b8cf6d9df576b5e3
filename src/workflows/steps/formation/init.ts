import { act } from '../../activities.js';
import { requirePass } from '../../gates.js';
import { formationOf, setStatus, type Run } from '../../run.js';
import { reach } from './checkpoint.js';
import { focus } from '../../focus.js';

const preparing = { mode: 'preparing', from: ['standalone', 'preparing'], next: 'init' } as const;

/**
 * A seed from the standalone's data. Every part is idempotent, so that a rerun from any checkpoint ends in the same
 * seed; the standalone's own data is untouched until the last part.
 */
export async function initSeed(run: Run): Promise<void> {
  const { spec, state } = formationOf(run);
  const { seed, version } = spec;
  const { timeouts, poll } = run.settings;
  focus(run, [seed]);
  setStatus(run, seed, 'draining');
  await reach(run, { ...preparing, name: 'mode-preparing-written' });
  await act('stopStandalone', `stop the standalone ${seed}`, {
    ...run.target,
    ...{ seed, timeoutMs: timeouts.stop, pollMs: poll },
  });
  setStatus(run, seed, 'drained');

  const snapshot = await act('snapshotStandalone', `save a snapshot of ${seed}`, {
    ...run.target,
    ...{ seed, version },
  });
  state.snapshot = snapshot;
  await reach(run, { ...preparing, name: 'snapshot-saved' });

  setStatus(run, seed, 'upgrading');
  await act('restoreSeed', 'restore the snapshot as the first member of a new cluster', {
    ...run.target,
    ...{ seed, version, snapshot, token: state.token },
  });
  await reach(run, { ...preparing, name: 'seed-restored' });

  const verdict = await act('verifySeed', 'compare the seed with the snapshot', {
    ...run.target,
    ...{ seed, version, snapshot },
  });
  requirePass(
    run,
    verdict,
    'BACKUP_UNVERIFIED',
    'The standalone is untouched: retry, or roll back to make it an ordinary standalone again.',
  );
  await reach(run, { ...preparing, name: 'seed-verified' });

  const { kept } = await act('finalizeSeed', `put the seed in the place of ${seed}`, {
    ...run.target,
    ...{ seed, version },
  });
  state.kept = kept;
  await reach(run, {
    mode: 'seeded',
    from: ['preparing', 'seeded'],
    next: 'serve',
    name: 'seeded-finalized',
  });
  setStatus(run, seed, 'complete');
}
