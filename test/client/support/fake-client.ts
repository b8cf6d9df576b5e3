import {
  RollgateError,
  type ControlAction,
  type ControlInput,
  type ControlReply,
  type RunState,
} from '../../../src/contracts/index.js';
import type { RollgateClient, RunHandle } from '../../../src/client/index.js';

/** What a fake run was told to do. */
export interface Told {
  readonly action: ControlAction;
  readonly input: ControlInput;
}

/** Each look at the run shows the next state, the last one again and again; an error is thrown instead. */
export function fakeRun(
  looks: readonly (RunState | RollgateError)[],
  told: Told[] = [],
  refusal?: RollgateError,
): RunHandle {
  let look = 0;
  const control =
    (action: ControlAction) =>
    (input: ControlInput = {}): Promise<ControlReply> => {
      if (refusal) return Promise.reject(refusal);
      told.push({ action, input });
      return Promise.resolve({ accepted: true, effect: 'at once' });
    };
  const status = (): Promise<RunState> => {
    const shown = looks[Math.min(look, looks.length - 1)];
    look++;
    if (!shown) return new Promise(() => undefined);
    return shown instanceof RollgateError ? Promise.reject(shown) : Promise.resolve(structuredClone(shown));
  };
  return {
    cluster: 'orders',
    workflowId: 'rollgate/orders',
    runId: '7f3c1c1e-0000-4000-8000-000000000001',
    status,
    result: status,
    wait: status,
    pause: control('pause'),
    resume: control('resume'),
    approve: control('approve'),
    reject: control('reject'),
    retry: control('retry'),
    skip: control('skip'),
    rollback: control('rollback'),
    abort: control('abort'),
  };
}

/** A client whose every method fails unless the test gives it. */
export function fakeClient(methods: Partial<RollgateClient>): RollgateClient {
  const unexpected = (name: string) => (): Promise<never> =>
    Promise.reject(new Error(`the test did not expect ${name}`));
  return {
    plan: unexpected('plan'),
    start: unexpected('start'),
    planFormation: unexpected('planFormation'),
    startFormation: unexpected('startFormation'),
    planPipeline: unexpected('planPipeline'),
    startPipeline: unexpected('startPipeline'),
    planMigration: unexpected('planMigration'),
    startMigration: unexpected('startMigration'),
    validate: unexpected('validate'),
    discardMigration: unexpected('discardMigration'),
    get: unexpected('get'),
    list: unexpected('list'),
    inspect: unexpected('inspect'),
    inspectFormation: unexpected('inspectFormation'),
    workers: () => Promise.resolve([{ identity: 'worker', lastSeen: '2026-01-01T00:00:00.000Z' }]),
    diagnose: unexpected('diagnose'),
    close: () => Promise.resolve(),
    ...methods,
  };
}
