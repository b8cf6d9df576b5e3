import { ActivityCancellationType, proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import type { Activities } from '../contracts/activities.js';

/**
 * Every activity waits for its own end when it is cancelled: a compensation must never start while the step it
 * undoes is still running.
 */
const base: ActivityOptions = {
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: { initialInterval: 200, backoffCoefficient: 2, maximumInterval: 3000, maximumAttempts: 8 },
};

const ordinary = proxyActivities<Activities>({ ...base, startToCloseTimeout: '15m', heartbeatTimeout: '3s' });

/** While no node can take writes, a dead worker is noticed as soon as is safe. */
const urgent = proxyActivities<Activities>({
  ...base,
  startToCloseTimeout: '5m',
  heartbeatTimeout: '1500ms',
  retry: { ...base.retry, initialInterval: 50, maximumInterval: 500, maximumAttempts: 12 },
});

/** For what must not be given up soon either: the old primary is down, and no other node takes its place. */
const patient = proxyActivities<Activities>({
  ...base,
  startToCloseTimeout: '5m',
  heartbeatTimeout: '1500ms',
  retry: { ...base.retry, initialInterval: 50, maximumAttempts: 100 },
});

/** For what takes as long as there is data, and survives a network that is away for minutes. */
const long = proxyActivities<Activities>({
  ...base,
  startToCloseTimeout: '7d',
  heartbeatTimeout: '5s',
  retry: { ...base.retry, maximumAttempts: 60 },
});

/** For what only looks and is not waited for when nobody wants to know it any more. */
const glancing = proxyActivities<Activities>({
  ...base,
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  startToCloseTimeout: '2m',
  heartbeatTimeout: '30s',
  retry: { ...base.retry, maximumAttempts: 3 },
});

type Name = keyof Activities;

/** Call an activity with a summary that the Temporal UI shows beside it. */
export function act<N extends Name>(
  name: N,
  summary: string,
  input: Parameters<Activities[N]>[0],
): ReturnType<Activities[N]> {
  return call(ordinary, name, summary, input);
}

/** The same with the shortest safe heartbeat timeout: between fence and release. */
export function actUrgently<N extends Name>(
  name: N,
  summary: string,
  input: Parameters<Activities[N]>[0],
): ReturnType<Activities[N]> {
  return call(urgent, name, summary, input);
}

/** The same, tried again for minutes. */
export function actPatiently<N extends Name>(
  name: N,
  summary: string,
  input: Parameters<Activities[N]>[0],
): ReturnType<Activities[N]> {
  return call(patient, name, summary, input);
}

/** The same, for as long as it takes. */
export function actLong<N extends Name>(
  name: N,
  summary: string,
  input: Parameters<Activities[N]>[0],
): ReturnType<Activities[N]> {
  return call(long, name, summary, input);
}

/** The same, given up at once where it is cancelled. */
export function glance<N extends Name>(
  name: N,
  summary: string,
  input: Parameters<Activities[N]>[0],
): ReturnType<Activities[N]> {
  return call(glancing, name, summary, input);
}

interface Callable {
  executeWithOptions(options: ActivityOptions, args: readonly unknown[]): unknown;
}

function call<N extends Name>(
  proxies: typeof ordinary,
  name: N,
  summary: string,
  input: Parameters<Activities[N]>[0],
): ReturnType<Activities[N]> {
  // One call site for all activities: the union of their signatures is wider than TypeScript can pair up.
  const activity = proxies[name] as Callable;
  return activity.executeWithOptions({ summary }, [input]) as ReturnType<Activities[N]>;
}
