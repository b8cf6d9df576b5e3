import { etcdCrashes } from './etcd.js';
import { migrationCrashes } from './migration.js';
import { postgresCrashes } from './postgres.js';
import type { CrashScenario } from './scenario.js';

export { everyBoundary, type CrashScenario } from './scenario.js';

export const crashScenarios: Readonly<Record<string, CrashScenario>> = {
  ...postgresCrashes(),
  ...etcdCrashes(),
  ...migrationCrashes(),
};
