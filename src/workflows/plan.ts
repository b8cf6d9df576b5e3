import { workflowInfo } from '@temporalio/workflow';
import type { Plan } from '../contracts/plan.js';
import type { RunInput } from '../contracts/run.js';
import type { ClusterSpec } from '../contracts/spec.js';
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
