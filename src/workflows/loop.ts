import type { Phase } from '../contracts/run.js';
import { turn, type Answer } from './attempt.js';
import { Interrupted, type Run } from './run.js';
import { safePoint } from './safe-point.js';

export type Ending = 'completed' | 'rolled-back' | 'aborted' | 'failed';

/** Turn after turn, with a safe point before each, until nothing is left to do or nothing more can be done. */
export async function loop(
  run: Run,
  forward: Phase,
  turnOnce: (run: Run) => Promise<Answer | 'complete'>,
): Promise<Ending> {
  const { state } = run;
  for (;;) {
    try {
      await safePoint(run, state.direction === 'forward' ? forward : 'rolling-back');
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      if (!turn(run)) return 'aborted';
      continue;
    }
    const answer = await turnOnce(run);
    switch (answer) {
      case 'done':
        break;
      case 'complete':
        if (state.direction === 'back') return 'rolled-back';
        // A wish that came in the last step is obeyed as in any other.
        if (run.interrupt !== undefined) break;
        return 'completed';
      case 'abort':
        return 'aborted';
      case 'give-up':
        return 'failed';
    }
  }
}
