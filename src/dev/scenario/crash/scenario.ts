import type { ChangingActivities, MigrationChangingActivities } from '../../../contracts/index.js';
import type { PlannedFault } from '../../faults.js';
import type { ScenarioResult } from '../run.js';

/** A run during which the worker is killed around each of `activities`, and how it must end whatever happens. */
export interface CrashScenario {
  readonly title: string;
  readonly activities: readonly (keyof ChangingActivities | keyof MigrationChangingActivities)[];
  /** `objections`: what is not as it must be after the run; none when all is well. */
  run(faults: readonly PlannedFault[]): Promise<{ result: ScenarioResult; objections: readonly string[] }>;
}

/** One kill directly before and one directly after the first call of each activity. */
export const everyBoundary = (activities: CrashScenario['activities']): PlannedFault[] =>
  activities.flatMap((activity) => [
    { activity, at: 'before' as const, nth: 1 },
    { activity, at: 'after' as const, nth: 1 },
  ]);
