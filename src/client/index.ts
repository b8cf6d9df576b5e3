/** The typed client: what a release train needs to plan, start, follow and steer upgrades. */
export {
  createRollgateClient,
  type RollgateClient,
  type RollgateClientOptions,
  type StartInput,
} from './rollgate-client.js';
export type { RunHandle, WaitOptions } from './run-handle.js';
export type { RunFilter, RunListing } from './run-list.js';
export type { Check } from './diagnose.js';
export type { WorkerSeen } from './task-queue.js';
export {
  checkTarget,
  loadSpecs,
  parseSpecs,
  SpecError,
  type Specs,
  type SpecProblem,
} from '../spec/index.js';
export { connectTemporal, type TemporalConnection } from '../worker/connection.js';
export {
  ClusterSpec,
  RollingUpgradeSpec,
  RollgateError,
  errorCatalogue,
  type ClusterView,
  type ControlAction,
  type ControlInput,
  type ControlReply,
  type Decision,
  type ErrorCode,
  type GateVerdict,
  type HandoverRecord,
  type NodeProgress,
  type Outcome,
  type Phase,
  type Plan,
  type PlanStep,
  type RunFailure,
  type RunState,
  type TimelineEvent,
  type WriteLedger,
} from '../contracts/index.js';
