import { condition } from '@temporalio/workflow';
import { passedFrom, type Direction } from '../../../contracts/migration.js';
import { momentOfCutover } from '../../../planning/migration/moment.js';
import { cutBackCut, cutoverValidation, validationOf } from '../../../planning/migration/phases.js';
import { actLong } from '../../activities.js';
import { enter, migrationOf } from '../../migration-run.js';
import {
  checkInterrupt,
  failStep,
  interruptible,
  now,
  Overtaken,
  shielded,
  tell,
  type Run,
} from '../../run.js';
import { failureOf, giveBackSettings, settle } from '../../saga.js';
import { fenceId, migrationId, streamId } from './borrowed.js';
import { awaitStream, compareAtCut, compareCut } from './compare.js';
import { requireNothingLeftBehind, whileLooking } from './look.js';
import { releaseFenceCut, requireReplicas } from './switch.js';

/**
 * Until the moment of an approved cutover: within the hours of the window, and with a comparison that is not too old.
 * Old ones are made again, for which the loop goes back to the phase of comparing. A rollback asks for none of this.
 */
export async function awaitMoment(run: Run): Promise<void> {
  const { spec, state } = migrationOf(run);
  for (;;) {
    const moment = momentOfCutover(cutoverValidation(state), spec.cutover.window, now());
    if (moment.kind === 'now') return;
    if (moment.kind === 'compare') {
      enter(run, 'validating-cutover');
      throw new Overtaken(
        'the comparison before the cutover would be too old at the fence: it is made again',
      );
    }
    tell(run, 'migration', `waits ${Math.ceil(moment.ms / 60_000)} minutes for the window of the cutover`);
    await condition(() => run.interrupt !== undefined, moment.ms);
    checkInterrupt(run);
  }
}

/**
 * Both copies as they were at the fence, compared while the side that has opened takes writes. Where they cannot be
 * read so any more, another cut is made: it has to show the same.
 * @param name under which it is recorded
 * @param direction in which the changes flow now
 */
export async function compareAtFence(run: Run, name: string, direction: Direction): Promise<void> {
  const { state } = migrationOf(run);
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
  if (!found || !passedFrom(found)) await compareAtCut(run, name, direction);
}

/**
 * Both copies as they were at the fence of the cut-back, while the source takes the writes already: did everything
 * come back? What B had of its own and is not carried is told too. Until that has been seen, or an operator says so,
 * B is not removed.
 */
export async function compareAtCutBack(run: Run): Promise<void> {
  const { state, pair } = migrationOf(run);
  try {
    await interruptible(run, () => compareAtFence(run, cutBackCut(state), 'forward'));
  } catch (error) {
    const { code, message } = failureOf(error);
    if (code !== 'COPIES_DIFFER') throw error;
    // As it was it will always be: once it is mended, another cut shows that.
    await releaseFenceCut(run);
    const { source, destination } = pair;
    failStep(
      code,
      `${source.name} takes the writes again and is not what ${destination.name} was when it was closed: ${message}`,
      `The rows are in the report; ${destination.name} is kept as it is. Mend them, then retry: another cut is compared. Or roll back: ${destination.name} is emptied.`,
    );
  }
  await requireNothingLeftBehind(run, 'back');
}

/** For the time of observation, or until somebody wants to go back. */
export async function observeFor(run: Run): Promise<void> {
  const { spec, state } = migrationOf(run);
  state.observedSince ??= now();
  const left = Date.parse(state.observedSince) + spec.observe.for - Date.parse(now());
  if (left > 0) await whileLooking(run, () => condition(() => run.interrupt !== undefined, left));
  checkInterrupt(run);
  await awaitStream(run, 'back');
  state.observedUntil = now();
}

/** The source is retired: there is no way back from here. */
export async function accept(run: Run): Promise<void> {
  const { state, target } = migrationOf(run);
  checkInterrupt(run);
  // From here on there is nobody else who has what it has.
  await requireReplicas(run, 'forward');
  state.retiring = true;
  await shielded(run, async () => {
    await giveBackSettings(run);
    await actLong('acceptMigration', 'end the way back, remove everything of the migration', target);
  });
  for (const id of [streamId('back'), streamId('forward'), fenceId('forward'), migrationId]) settle(run, id);
  enter(run, 'accepted');
}
