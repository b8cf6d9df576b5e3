import { condition } from '@temporalio/workflow';
import { passedFrom } from '../../../contracts/migration.js';
import { fenceCut, validationOf } from '../../../planning/migration/phases.js';
import { untilOpen } from '../../../planning/migration/window.js';
import { actLong } from '../../activities.js';
import { enter, migrationOf } from '../../migration-run.js';
import { checkInterrupt, now, shielded, tell, type Run } from '../../run.js';
import { failureOf, giveBackSettings, settle } from '../../saga.js';
import { fenceId, migrationId, streamId } from './borrowed.js';
import { awaitStream, compareAtCut, compareCut } from './compare.js';
import { releaseFenceCut } from './switch.js';

/** Hours in which the writes may move; a rollback asks for none. */
export async function awaitWindow(run: Run): Promise<void> {
  const { spec } = migrationOf(run);
  const left = untilOpen(spec.cutover.window, now());
  if (left <= 0) return;
  tell(run, 'migration', `waits ${Math.ceil(left / 60_000)} minutes for the window of the cutover`);
  await condition(() => run.interrupt !== undefined, left);
  checkInterrupt(run);
}

/**
 * Both copies as they were at the fence, compared while the new side takes writes. Where they cannot be read so any
 * more, another cut is made: it has to show the same.
 */
export async function compareAtFence(run: Run): Promise<void> {
  const { state } = migrationOf(run);
  const name = fenceCut(state);
  if (state.fenceCut) {
    let unread: readonly string[];
    try {
      unread = await compareCut(run, state.fenceCut, name);
    } catch (error) {
      if (failureOf(error).code === 'CUT_LOST') await releaseFenceCut(run);
      throw error;
    }
    await releaseFenceCut(run);
    if (unread.length === 0) return;
    tell(run, 'migration', `${unread.join(', ')} cannot be read at the fence any more: a cut is made`);
  }
  const found = validationOf(state, name);
  if (!found || !passedFrom(found)) await compareAtCut(run, name, 'back');
}

/** For the time of observation, or until somebody wants to go back. */
export async function observeFor(run: Run): Promise<void> {
  const { spec, state } = migrationOf(run);
  state.observedSince ??= now();
  const left = Date.parse(state.observedSince) + spec.observe.for - Date.parse(now());
  if (left > 0) await condition(() => run.interrupt !== undefined, left);
  checkInterrupt(run);
  await awaitStream(run, 'back');
  state.observedUntil = now();
}

/** The source is retired: there is no way back from here. */
export async function accept(run: Run): Promise<void> {
  const { state, target } = migrationOf(run);
  checkInterrupt(run);
  state.retiring = true;
  await shielded(run, async () => {
    await giveBackSettings(run);
    await actLong('acceptMigration', 'end the way back, remove everything of the migration', target);
  });
  for (const id of [streamId('back'), streamId('forward'), fenceId('forward'), migrationId]) settle(run, id);
  enter(run, 'accepted');
}
