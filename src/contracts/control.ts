import type { ControlAction } from './run.js';

/** Names of updates and signals (each control exists as both), and of the queries. */
export const controlActions = [
  'pause',
  'resume',
  'approve',
  'reject',
  'retry',
  'skip',
  'rollback',
  'abort',
] as const satisfies readonly ControlAction[];

/** What every control carries. As a bare signal without a payload all fields are absent. */
export interface ControlInput {
  readonly by?: string;
  readonly reason?: string;
  /** approve, reject, skip: the step that is meant; default the one that waits. */
  readonly step?: string;
  /** approve: the hash of the plan that was read; a different one is refused. Required for the update. */
  readonly planHash?: string;
}

/** The reply of an update. `effect` says when it takes hold: "at once", or which safe point. */
export interface ControlReply {
  readonly accepted: boolean;
  readonly effect: string;
}

export const statusQuery = 'status';

export const workflowIdOf = (cluster: string): string => `rollgate/${cluster}`;

/** Workflow types. */
export const workflowTypes = {
  rollingUpgrade: 'rollingUpgrade',
  clusterFormation: 'clusterFormation',
  storageMigration: 'storageMigration',
  planMigration: 'planMigration',
  validateMigration: 'validateMigration',
  discardMigration: 'discardMigration',
  pipeline: 'pipeline',
  planPipeline: 'planPipeline',
  plan: 'planRollingUpgrade',
  planFormation: 'planFormation',
  inspectFormation: 'inspectFormation',
  inspect: 'inspectCluster',
} as const;

export const defaultTaskQueue = 'rollgate';

/** Search attributes of every run; the worker registers them at its start. All of type Keyword. */
export const searchAttributes = {
  cluster: 'RollgateCluster',
  system: 'RollgateSystem',
  phase: 'RollgatePhase',
  target: 'RollgateTarget',
} as const;
