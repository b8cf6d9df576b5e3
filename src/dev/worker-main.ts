import { runWorker } from '../worker/index.js';
import { faultInterceptors } from './faults.js';

/** The worker of the demo and the tests: the product's own, with faults where the environment names a plan. */
const {
  ROLLGATE_FAULTS: faults,
  ROLLGATE_TASK_QUEUE: taskQueue,
  ROLLGATE_ARTIFACTS: artifacts,
} = process.env;
const cached = process.env.ROLLGATE_MAX_CACHED_WORKFLOWS;
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

await runWorker({
  taskQueue,
  artifacts,
  signal: stop.signal,
  interceptors: faults === undefined ? undefined : faultInterceptors(faults),
  maxCachedWorkflows: cached === undefined ? undefined : Number(cached),
});
