import type { WorkflowClient } from '@temporalio/client';

type Time = { readonly seconds?: { toNumber(): number } | number | null; readonly nanos?: number | null };

/**
 * From the first of these activities of a run was scheduled until the last one was done, ms, by Temporal's own record:
 * everything that a run adds to the work itself is in it.
 */
export async function activitySpan(
  workflows: WorkflowClient,
  workflowId: string,
  activity: string,
): Promise<number> {
  const { events } = await workflows.getHandle(workflowId).fetchHistory();
  const ids = new Set<string>();
  const times: number[] = [];
  for (const event of events ?? []) {
    const scheduled = event.activityTaskScheduledEventAttributes;
    if (scheduled?.activityType?.name === activity) {
      ids.add(String(event.eventId));
      times.push(msOf(event.eventTime));
    }
    const done = event.activityTaskCompletedEventAttributes;
    if (done && ids.has(String(done.scheduledEventId))) times.push(msOf(event.eventTime));
  }
  if (times.length < 2) throw new Error(`the run ${workflowId} has no ${activity}`);
  return Math.max(...times) - Math.min(...times);
}

function msOf(time: Time | null | undefined): number {
  const seconds = time?.seconds ?? 0;
  return (typeof seconds === 'number' ? seconds : seconds.toNumber()) * 1000 + (time?.nanos ?? 0) / 1e6;
}
