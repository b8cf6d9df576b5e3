import { migrationOf } from './migration-run.js';
import { setPhase } from './publish.js';
import { tell, type Way } from './run.js';

/** How a storage migration turns back, and where it cannot. */
export const migrationWay: Way = {
  goBack(run, cause) {
    const { state } = migrationOf(run);
    run.state.direction = 'back';
    // One rung at a time for an operator; a spec that says rollback means all the way.
    state.discarding = cause === 'failure' || state.authority === 'source';
    setPhase(run.state, 'rolling-back');
    tell(
      run,
      'step',
      state.authority === 'destination' ? 'cutting back to the source' : 'discarding the migration',
    );
  },

  giveUp(run) {
    const { state, pair } = migrationOf(run);
    run.state.leftUndone.push({
      what: `the migration is ${state.phase}, ${pair[state.authority].name} takes the writes`,
      command: 'rollgate migrate discard, once the cause is gone',
      error: run.state.failure?.message ?? '',
    });
    return 'give-up';
  },

  // An end would take the way back with it. An acceptance that has begun can only be ended. And B has what may be
  // missing on A, as long as nobody has seen that everything came back with the writes.
  mustWait(run) {
    const { state } = migrationOf(run);
    const back = run.state.direction === 'back';
    return (
      state.retiring === true ||
      (back && state.authority === 'destination') ||
      (!back && state.phase === 'cut-back')
    );
  },

  leave: {
    objection(run) {
      const { silent } = migrationOf(run).state;
      return silent === undefined ? 'only a side that a cut-back cannot reach can be given up' : undefined;
    },
    take(run) {
      const { state } = migrationOf(run);
      state.lost = state.silent;
    },
  },

  objectionTo(run, wish) {
    const { migration: state } = run.state;
    if (state?.retiring === true) return 'the source is being retired: there is no way back from there';
    if (wish === 'rollback') return undefined;
    if (state?.authority === 'destination') {
      return 'the destination takes the writes: roll back to the source, or approve the acceptance';
    }
    return run.shielded ? 'the writes are being moved: wait for that, then roll back' : undefined;
  },
};
