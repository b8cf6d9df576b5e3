import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRollgateClient, type RunHandle } from '../../src/client/index.js';
import type { ControlAction, RunState } from '../../src/contracts/index.js';
import { findTemporal } from '../../src/dev/temporal/binary.js';
import { execute, program } from './support/program.js';
import { createStage, temporalAddress, type Stage } from './support/temporal.js';

let stage: Stage;
beforeEach(async () => {
  stage = await createStage();
  await stage.startWorker();
});
afterEach(() => stage.close());

async function until(run: RunHandle, what: string, holds: (s: RunState) => boolean): Promise<RunState> {
  for (let tries = 0; ; tries += 1) {
    const state = await run.status();
    if (holds(state)) return state;
    if (tries > 300) throw new Error(`never ${what}: ${state.phase} ${state.step ?? ''}`);
    await delay(50);
  }
}

type Way = (cluster: string, action: ControlAction, state: RunState) => Promise<{ code: number | null }>;

/** As an operator types it. */
const byProgram: Way = (cluster, action, state) =>
  program(
    [
      action,
      cluster,
      ...(action === 'approve'
        ? ['--plan-hash', state.plan?.hash ?? '', '--step', state.waiting?.step ?? '']
        : []),
      '--by',
      'ann',
    ],
    { ROLLGATE_TASK_QUEUE: stage.taskQueue },
  ).ended;

/** With Temporal's own CLI and nothing of ours: a signal without input. */
const bySignal: Way = async (cluster, action) => {
  const temporal = await findTemporal(() => undefined);
  const target = ['--address', temporalAddress(), '--namespace', 'default'];
  const names = ['--workflow-id', `rollgate/${cluster}`, '--name', action];
  return execute(temporal, ['workflow', 'signal', ...target, ...names], {}).ended;
};

describe.each([
  ['rollgate itself', byProgram],
  ['temporal workflow signal', bySignal],
] as const)('R-SAGA-3: a run is steered by %s', (_name, steer) => {
  it('pause, resume, approve, reject, retry and abort', { timeout: 90_000 }, async () => {
    const { name } = stage.cluster;
    const client = createRollgateClient({ connection: stage.connection, taskQueue: stage.taskQueue });
    const upgrade = stage.upgrade({ approvals: { before: ['start', 'handover'] } });
    const run = await client.start({ cluster: stage.cluster, upgrade });
    const say = async (action: ControlAction): Promise<void> => {
      expect(await steer(name, action, await run.status())).toMatchObject({ code: 0 });
    };
    await until(run, 'waits before it starts', (s) => s.waiting?.step === 'prepare');
    await say('pause');
    await until(run, 'is to pause', (s) => s.pauseRequested);
    await say('approve');
    await until(run, 'is paused', (s) => s.phase === 'paused');
    expect(stage.model.effects.filter((e) => e.startsWith('drain'))).toEqual([]);
    await say('resume');
    await until(run, 'waits before the handover', (s) => s.waiting?.step === 'handover/default');
    await say('reject');
    const rejected = await until(run, 'is blocked', (s) => s.phase === 'blocked');
    expect(rejected.failure?.code).toBe('APPROVAL_REJECTED');
    await say('retry');
    await until(run, 'waits again', (s) => s.waiting?.step === 'handover/default');
    await say('abort');
    const state = await run.result();
    expect(state.run.outcome).toBe('aborted');
    expect(state.ledger).toEqual([]);
    expect(state.decisions.filter((d) => d.accepted).map((d) => d.action)).toEqual([
      'pause',
      'approve',
      'resume',
      'reject',
      'retry',
      'abort',
    ]);
    expect(stage.model.effects).not.toContain('fence a');
  });

  it('rollback', { timeout: 90_000 }, async () => {
    const client = createRollgateClient({ connection: stage.connection, taskQueue: stage.taskQueue });
    const upgrade = stage.upgrade({ approvals: { before: ['handover'] } });
    const run = await client.start({ cluster: stage.cluster, upgrade });
    const waiting = await until(run, 'waits', (s) => s.waiting !== undefined);
    expect(await steer(stage.cluster.name, 'rollback', waiting)).toMatchObject({ code: 0 });
    expect((await run.result()).run.outcome).toBe('rolled-back');
    expect(stage.model.nodes.map((n) => n.version)).toEqual(['1.0', '1.0', '1.0']);
  });
});
