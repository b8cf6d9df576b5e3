import { clusterOfRun } from '../contracts/chapter.js';
import type { Plan } from '../contracts/plan.js';
import type { RunFailure, RunState } from '../contracts/run.js';
import { attempt } from './attempt.js';
import type { Ending } from './loop.js';
import { now, tell, type Run } from './run.js';

/** Plan once. Returns how the run ends where nothing can or need be done. */
export async function planned(run: Run, plan: () => Promise<void>): Promise<Ending | undefined> {
  const { state } = run;
  if (state.plan) return undefined;
  const answer = await attempt(run, 'plan', 'Plan', undefined, plan);
  if (answer !== 'done') return answer === 'abort' ? 'aborted' : 'failed';
  const kind = kindOf(state);
  if (kind === 'possible') return undefined;
  return kind === 'done' ? 'completed' : 'failed';
}

const kindOf = ({ plan }: RunState): Plan['kind'] => plan?.kind ?? 'refused';

/**
 * Take a plan as the run's own; one that is refused, or is not the one that was read, is told as the failure.
 * @param expected the hash of the plan that was read; `undefined`: none was
 * @param command by which one reads it again, e.g. `form plan`
 */
export function acceptPlan(run: Run, made: Plan, expected: string | undefined, command: string): void {
  const { state } = run;
  const changed = expected !== undefined && expected !== made.hash;
  state.plan = changed ? { ...made, kind: 'refused' } : made;
  state.resumeHint = `rollgate watch ${clusterOfRun(state)}`;
  if (changed) state.failure = planChanged(made.hash, expected, command);
  else if (made.kind === 'refused') {
    state.failure = {
      code: 'PLAN_REFUSED',
      message: made.refusals.map((r) => `${r.code}: ${r.message}`).join('; '),
      remedy: made.refusals.map((r) => r.remedy).join(' '),
      at: now(),
    };
  }
  tell(run, 'step', `plan ${made.hash} is ${state.plan.kind}`);
}

export const planChanged = (hash: string, expected: string, command: string): RunFailure => ({
  code: 'PLAN_CHANGED',
  message: `the plan is ${hash} now; ${expected} was expected`,
  remedy: `Run ${command} again and read what has changed. Nothing was changed by this run.`,
  at: now(),
});
