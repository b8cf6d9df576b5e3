/** Every workflow type that a worker serves. */
export { clusterFormation } from './cluster-formation.js';
export {
  inspectCluster,
  inspectFormation,
  planFormation,
  planMigration,
  planPipeline,
  planRollingUpgrade,
} from './plan.js';
export { pipeline } from './pipeline.js';
export { discardMigration, validateMigration } from './migration-tools.js';
export { rollingUpgrade } from './rolling-upgrade.js';
export { storageMigration } from './storage-migration.js';
