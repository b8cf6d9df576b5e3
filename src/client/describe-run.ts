import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { clusterFormation } from '../workflows/cluster-formation.js';
import type { rollingUpgrade } from '../workflows/rolling-upgrade.js';
import type { Session } from './session.js';

/** The workflow of a run, of either kind. */
export type RunWorkflow = typeof rollingUpgrade | typeof clusterFormation;

/** Which run: that of the chain of executions whose first has the id `runId`. */
export interface RunKey {
  readonly cluster: string;
  readonly workflowId: string;
  readonly runId: string;
}

/** A worker answers within milliseconds; one that was killed is replaced within seconds. */
export const answerMs = 10_000;

/** The id of the first execution of a chain that continues as new: what the run calls its id. */
export const firstRunIdOf = (description: WorkflowExecutionDescription): string => {
  const first = description.raw.workflowExecutionInfo?.firstRunId;
  return first === undefined || first === null || first === '' ? description.runId : first;
};

/** Temporal itself can pause a workflow; that one is not over. */
export const isOpen = ({ status }: WorkflowExecutionDescription): boolean =>
  status.name === 'RUNNING' || status.name === 'PAUSED';

/** The newest execution of the run's own chain, also when a later run of the cluster has taken the workflow id. */
export async function describeLatest(
  session: Session,
  { workflowId, runId }: RunKey,
): Promise<WorkflowExecutionDescription> {
  return session.connection.withDeadline(Date.now() + answerMs, async () => {
    const current = await session.client.workflow.getHandle(workflowId).describe();
    if (firstRunIdOf(current) === runId) return current;
    return session.client.workflow.getHandle(workflowId, runId).describe();
  });
}
