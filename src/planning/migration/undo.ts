import type { MigrationState, RunState } from '../../contracts/run.js';
import { duration } from '../plan/duration.js';
import { comparisonStands } from './moment.js';

/** What a rollback of a migration would do from here, and what it costs (R-SAGA 6). */
export function undoOfMigration({ phase, authority, switches, retiring }: MigrationState): string {
  if (phase === 'accepted') return 'none: the source has been retired';
  if (retiring === true) return 'none: the source is being retired';
  if (phase === 'discarded') return 'nothing to undo, nothing of the migration is left';
  if (authority === 'destination') {
    return `cut-back: the source takes the writes again, with all that the destination has confirmed; writers wait once${lastTime(switches)}; point of no return: accept`;
  }
  return 'free: everything of the migration is removed from both sides, the source goes on as it does; point of no return: accept';
}

/**
 * What an approval that is waited for means, and what it would cost to go back after it, in one sentence; `undefined`
 * where the step's title says enough.
 */
export function meaningOfApproval({ waiting, migration, spec }: RunState): string | undefined {
  if (!waiting || !migration || !spec.migration) return undefined;
  const { source, destination, cutover, observe } = spec.migration;
  if (waiting.step === 'accept') {
    return `approve: ${source} is retired and no longer kept current, and ${destination} stays on its own; there is no way back from there but another migration`;
  }
  if (!/^cutover(\/\d+)?$/.test(waiting.step)) return undefined;
  const lossless = observe.synchronousReverse
    ? `loses no write that ${destination} has confirmed`
    : `loses no write as long as ${destination} lives`;
  return `approve: ${source} is closed, ${destination} takes the writes and clients must connect there; writers wait at most ${duration(cutover.maxWritePause)}; until it is accepted, to go back costs such a pause again${lastTime(migration.switches)} and ${lossless}; a comparison that is older than ${duration(comparisonStands)} by then is made again first`;
}

/** How long writers waited the last time that they moved, if they have. */
function lastTime(switches: MigrationState['switches']): string {
  const last = switches.findLast((s) => s.result === 'done')?.writeGapMs;
  return last === undefined ? '' : ` (${Math.round(last)} ms the last time)`;
}
