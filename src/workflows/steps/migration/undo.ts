import type { Compensation } from '../../../contracts/run.js';
import { actLong, actPatiently } from '../../activities.js';
import { enter, migrationOf } from '../../migration-run.js';
import type { Run } from '../../run.js';

const kinds = ['discard-migration', 'stop-stream', 'unfence-side', 'release-cut'] as const;
type OfMigration = Extract<Compensation, { readonly kind: (typeof kinds)[number] }>;

const isOfMigration = (compensation: Compensation): compensation is OfMigration =>
  kinds.some((kind) => kind === compensation.kind);

/** Undo one entry of the stack that only a migration has. */
export async function undoInMigration(run: Run, compensation: OfMigration): Promise<void> {
  const { state, target } = migrationOf(run);
  switch (compensation.kind) {
    case 'discard-migration':
      await discard(run);
      // A preparation that failed is all that was undone: it may be tried again.
      if (state.phase !== 'preflight') enter(run, 'discarded');
      return;
    case 'stop-stream': {
      const { direction } = compensation;
      await actLong('stopStream', `end the stream ${direction}`, { ...target, direction });
      return;
    }
    case 'unfence-side': {
      const { direction } = compensation;
      await actPatiently('unfenceSide', `open the sender of ${direction} again`, { ...target, direction });
      return;
    }
    case 'release-cut': {
      const { name } = compensation;
      await actLong('releaseCut', `let go of the cut ${name}`, { ...target, name });
      return;
    }
  }
}

/** The step of a rollback that asks for nothing but this. */
export const discardStep = 'discard';

/** Nothing of the migration is left on either side; the ledger and the stack say so too. */
export async function discard(run: Run): Promise<void> {
  const { spec, state, target } = migrationOf(run);
  const { failure } = run.state;
  const known = failure?.step === discardStep && failure.code === 'SYSTEM_UNREACHABLE';
  await actLong('discardMigration', 'remove everything of the migration from both sides', {
    ...target,
    // Who aborts after that, or tries it again, has had the answer already.
    patienceMs: known ? 0 : spec.timeouts.gate,
  });
  // With all other snapshots that were held.
  state.fenceCut = undefined;
  forget(run);
}

/** Nothing of the migration is borrowed or to be undone any more. */
export function forget({ state }: Run): void {
  state.ledger = state.ledger.filter((b) => b.kind !== 'migration' && b.kind !== 'fence');
  state.compensations = state.compensations.filter((c) => !isOfMigration(c));
}
