import { workflowInfo } from '@temporalio/workflow';
import type { PipelinePlan, Plan } from '../contracts/plan.js';
import type { FormationView } from '../contracts/activities.js';
import type { FormationInput, MigrationInput, PipelineInput, RunInput } from '../contracts/run.js';
import type { ClusterFormationSpec, ClusterSpec } from '../contracts/spec.js';
import type { ClusterView } from '../contracts/view.js';
import { act } from './activities.js';

/** Plan only: read-only, on a worker that reaches the nodes. */
export async function planRollingUpgrade(input: RunInput): Promise<Plan> {
  const { cluster, upgrade } = input;
  return act('makePlan', `plan ${cluster.name} to ${upgrade.to}`, {
    cluster,
    upgrade,
    runId: workflowInfo().runId,
  });
}

/** One look at a cluster, for `doctor`. */
export async function inspectCluster(input: { cluster: ClusterSpec }): Promise<ClusterView> {
  const { cluster } = input;
  return act('observeCluster', `observe ${cluster.name}`, { cluster, runId: workflowInfo().runId });
}

/** The plan of a formation, or of some of its stages: read-only. */
export async function planFormation(input: FormationInput): Promise<Plan> {
  const { cluster, formation, stages } = input;
  const runId = workflowInfo().runId;
  return act('makeFormationPlan', `plan ${cluster.name}`, { cluster, formation, stages, runId });
}

/** Where a formation stands, by the mode file and the member list. */
export async function inspectFormation(input: {
  cluster: ClusterSpec;
  formation: ClusterFormationSpec;
}): Promise<FormationView> {
  const { cluster, formation } = input;
  const runId = workflowInfo().runId;
  return act('inspectFormation', `look at ${cluster.name}`, { cluster, formation, runId });
}

/** The plans of all stages of a pipeline: read-only. */
export async function planPipeline(input: PipelineInput): Promise<PipelinePlan> {
  const { cluster, stages } = input;
  return act('makePipelinePlan', `plan ${cluster.name}`, { cluster, stages, runId: workflowInfo().runId });
}

/** The plan of a storage migration: read-only. */
export async function planMigration(input: MigrationInput): Promise<Plan> {
  const { cluster, destination, migration } = input;
  return act('makeMigrationPlan', `plan ${cluster.name} → ${destination.name}`, {
    pair: { source: cluster, destination },
    migration,
    runId: workflowInfo().runId,
  });
}
