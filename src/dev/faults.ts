import { appendFileSync, existsSync, fsyncSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type {
  ActivityExecuteInput,
  ActivityInboundCallsInterceptor,
  Next,
  WorkerInterceptors,
} from '@temporalio/worker';
import type { Context } from '@temporalio/activity';

/** Kill the worker at one boundary of one activity, once. */
export interface PlannedFault {
  readonly activity: string;
  readonly at: 'before' | 'during' | 'after';
  /** Which call of this activity, counted over all workers of the run, from 1; retries of a call count as it. */
  readonly nth: number;
  /** Only calls whose input names this node count. */
  readonly node?: string;
}

export interface FiredFault extends PlannedFault {
  /** ISO 8601. */
  readonly firedAt: string;
}

const planFile = 'plan.json';
const firedFile = 'fired.ndjson';
const callsFile = 'calls.ndjson';

export const faultFiles = { planFile, firedFile, callsFile };

/** Faults that have fired so far; each is on disk before the worker dies. */
export function firedFaults(directory: string): FiredFault[] {
  return lines(join(directory, firedFile)).map((line) => JSON.parse(line) as FiredFault);
}

/** Calls that began, one line each: the activity's name and its id within the run. */
export const startedCalls = (directory: string): { activity: string; call: string; node?: string }[] =>
  lines(join(directory, callsFile)).map(
    (line) => JSON.parse(line) as { activity: string; call: string; node?: string },
  );

/**
 * An interceptor that sends SIGKILL to its own process directly before, during or directly after an activity, as
 * `plan.json` in `directory` says. What has fired and which calls have begun is kept there, so that a restarted
 * worker goes on counting.
 */
export function faultInterceptors(directory: string): WorkerInterceptors {
  return {
    activity: [
      (context: Context) => ({
        inbound: createInterceptor(directory, context),
      }),
    ],
  };
}

function createInterceptor(directory: string, context: Context): ActivityInboundCallsInterceptor {
  return {
    async execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>) {
      const { activityType: activity, activityId } = context.info;
      const call = `${context.info.workflowExecution?.runId ?? ''}/${activityId}`;
      const node = nodeOf(input.args[0]);
      const known = startedCalls(directory);
      if (!known.some((c) => c.call === call)) append(join(directory, callsFile), { activity, call, node });
      const mine = plannedFor(directory, activity, call);
      const before = mine.find((f) => f.at === 'before');
      if (before) die(directory, before);
      const during = mine.find((f) => f.at === 'during');
      const timer = during && setTimeout(() => die(directory, during), 30);
      const result: unknown = await next(input);
      clearTimeout(timer);
      if (during) die(directory, during);
      const after = mine.find((f) => f.at === 'after');
      if (after) die(directory, after);
      return result;
    },
  };
}

/** Faults of the plan that are for this call and have not fired. */
function plannedFor(directory: string, activity: string, call: string): PlannedFault[] {
  const file = join(directory, planFile);
  if (!existsSync(file)) return [];
  const plan = JSON.parse(readFileSync(file, 'utf8')) as PlannedFault[];
  const fired = firedFaults(directory);
  const calls = startedCalls(directory);
  return plan.filter((fault) => {
    const counted = calls.filter(
      (c) => c.activity === fault.activity && (fault.node === undefined || c.node === fault.node),
    );
    if (fault.activity !== activity || counted[fault.nth - 1]?.call !== call) return false;
    return !fired.some(
      (f) =>
        f.activity === fault.activity && f.at === fault.at && f.nth === fault.nth && f.node === fault.node,
    );
  });
}

function die(directory: string, fault: PlannedFault): never {
  append(join(directory, firedFile), { ...fault, firedAt: new Date().toISOString() });
  process.kill(process.pid, 'SIGKILL');
  // SIGKILL is not delivered to the calling thread before the call returns; nothing may run meanwhile.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
}

function append(file: string, value: unknown): void {
  appendFileSync(file, `${JSON.stringify(value)}\n`);
  fsyncSync(openSync(file, 'r'));
}

function lines(file: string): string[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}

function nodeOf(input: unknown): string | undefined {
  const { node, candidate, from, borrowed } = (input ?? {}) as {
    node?: string;
    candidate?: string;
    from?: string;
    borrowed?: { node?: string };
  };
  return node ?? candidate ?? from ?? borrowed?.node;
}
