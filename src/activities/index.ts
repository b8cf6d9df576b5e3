import type { Activities } from '../contracts/index.js';
import { createChangingActivities } from './changing.js';
import type { ActivityDependencies } from './dependencies.js';
import { createFormationChanging, createFormationReading } from './formation.js';
import { createMigrationChanging, createMigrationReading } from './migration.js';
import { createReadingActivities } from './reading.js';

export type { ActivityDependencies } from './dependencies.js';

export const createActivities = (deps: ActivityDependencies): Activities => ({
  ...createReadingActivities(deps),
  ...createChangingActivities(deps),
  ...createFormationReading(deps),
  ...createFormationChanging(deps),
  ...createMigrationReading(deps),
  ...createMigrationChanging(deps),
});
