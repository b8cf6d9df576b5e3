import { fileURLToPath } from 'node:url';
import {
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
  type WorkerInterceptors,
} from '@temporalio/worker';
import { pino, type Logger } from 'pino';
import { createActivities } from '../activities/index.js';
import { defaultTaskQueue } from '../contracts/index.js';
import { connectTemporal, nativeConnectOptions } from './connection.js';
import { registerSearchAttributes } from './search-attributes.js';
import { wire } from './wiring.js';

export interface WorkerOptions {
  /** Default `rollgate`. */
  readonly taskQueue?: string;
  /** Where runs leave their summaries and the probe its journals; default `artifacts`. */
  readonly artifacts?: string;
  /** Ends the worker: it finishes the effects in progress, then returns. */
  readonly signal?: AbortSignal;
  readonly logger?: Logger;
  readonly interceptors?: WorkerInterceptors;
  /** How many workflows stay in memory; 0 replays each on every task. Default: the SDK's. */
  readonly maxCachedWorkflows?: number;
}

/** How long effects in progress may take to end when the worker is told to stop. */
const shutdownGrace = '20s';

/**
 * A dead worker's runs wait this long before another takes them over. With the SDK's 10 s a handover that loses
 * its worker would keep clients waiting for that long.
 */
const stickyTimeout = '1s';

/**
 * Serve runs until told to stop. Several may run at once; two or more are the production set-up, since a run
 * whose worker dies then goes on at once.
 */
export async function runWorker(options: WorkerOptions = {}): Promise<void> {
  const logger = options.logger ?? createLogger();
  installRuntime(logger);
  const taskQueue = options.taskQueue ?? defaultTaskQueue;
  const { connection, namespace } = await connectTemporal();
  try {
    await registerSearchAttributes(connection, namespace);
  } finally {
    await connection.close();
  }
  const native = await NativeConnection.connect(nativeConnectOptions());
  try {
    const worker = await Worker.create({
      connection: native,
      namespace,
      taskQueue,
      workflowBundle: { codePath: workflowBundle },
      activities: createActivities(wire({ artifacts: options.artifacts ?? 'artifacts' })),
      interceptors: options.interceptors,
      stickyQueueScheduleToStartTimeout: stickyTimeout,
      shutdownGraceTime: shutdownGrace,
      maxCachedWorkflows: options.maxCachedWorkflows,
      maxHeartbeatThrottleInterval: '500ms',
      defaultHeartbeatThrottleInterval: '500ms',
    });
    logger.info({ taskQueue, namespace }, 'worker started');
    await worker.runUntil(ended(options.signal));
    logger.info({ taskQueue }, 'worker stopped');
  } finally {
    await native.close();
  }
}

/** Built beside this file by the project's build. */
export const workflowBundle = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));

export const createLogger = (): Logger =>
  pino({ name: 'rollgate' }, pino.destination({ dest: 2, sync: true }));

let runtimeInstalled = false;

/** The SDK's own log lines become ours: one JSON stream on stderr. */
function installRuntime(logger: Logger): void {
  if (runtimeInstalled) return;
  runtimeInstalled = true;
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      logger[level === 'ERROR' ? 'error' : 'warn']({ ...meta }, message);
    }),
    shutdownSignals: [],
  });
}

function ended(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
}
