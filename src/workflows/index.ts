/** Every workflow type that a worker serves. */
export { clusterFormation } from './cluster-formation.js';
export { inspectCluster, inspectFormation, planFormation, planPipeline, planRollingUpgrade } from './plan.js';
export { pipeline } from './pipeline.js';
export { rollingUpgrade } from './rolling-upgrade.js';
