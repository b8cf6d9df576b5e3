/** Every workflow type that a worker serves. */
export { inspectCluster, planRollingUpgrade } from './plan.js';
export { rollingUpgrade } from './rolling-upgrade.js';
