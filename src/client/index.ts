/** The typed client: what a release train needs to plan, start, follow and steer upgrades and formations. */
export { createRollgateClient, type RollgateClient, type RollgateClientOptions } from './rollgate-client.js';
export type {
  StartFormationInput,
  StartInput,
  StartMigrationInput,
  StartPipelineInput,
} from './run-start.js';
export type { RunHandle, WaitOptions } from './run-handle.js';
export type { RunFilter, RunListing } from './run-list.js';
export type { Check } from './diagnose.js';
export type { WorkerSeen } from './task-queue.js';
export {
  checkFormation,
  checkMigration,
  checkPipeline,
  checkTarget,
  loadSpecs,
  parseSpecs,
  SpecError,
  type Specs,
  type SpecProblem,
} from '../spec/index.js';
export { connectTemporal, type TemporalConnection } from '../worker/connection.js';
export {
  ClusterFormationSpec,
  ClusterSpec,
  PipelineSpec,
  StorageMigrationSpec,
  RollingUpgradeSpec,
  RollgateError,
  errorCatalogue,
  formationStages,
  type ClusterView,
  type ControlAction,
  type ControlInput,
  type ControlReply,
  type Decision,
  type ErrorCode,
  type FormationStage,
  type FormationState,
  type FormationView,
  type GateVerdict,
  type HandoverRecord,
  type Member,
  type NodeProgress,
  type Outcome,
  type Phase,
  type PipelinePlan,
  type PipelineState,
  type Validation,
  type Plan,
  type PlanStep,
  type RunFailure,
  type RunState,
  type SwitchRecord,
  type TimelineEvent,
  type WriteLedger,
} from '../contracts/index.js';
