import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import { google } from '@temporalio/proto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createRollgateClient,
  type RollgateClient,
  type RunHandle,
  type RunState,
} from '../../src/client/index.js';
import { createStage, type Stage } from './support/temporal.js';

let stage: Stage;
let client: RollgateClient;

beforeEach(async () => {
  stage = await createStage();
  client = createRollgateClient({ connection: stage.connection, taskQueue: stage.taskQueue });
});
afterEach(() => stage.close());

async function until(run: RunHandle, holds: (state: RunState) => boolean): Promise<RunState> {
  for (let tries = 0; tries < 200; tries++) {
    const state = await run.status();
    if (holds(state)) return state;
    await delay(50);
  }
  throw new Error('it never held');
}

const approval = { approvals: { before: ['handover'] } };

describe('R-PLAN-1: plan', () => {
  it('is made by a worker and changes nothing', async () => {
    await stage.startWorker();
    const plan = await client.plan(stage.cluster, stage.upgrade());
    expect(plan).toMatchObject({ kind: 'possible', target: '1.1', cluster: stage.cluster.name });
    expect(plan.hash).toMatch(/^[0-9a-f]{16}$/);
    expect(stage.model.effects).toEqual([]);
    expect((await client.plan(stage.cluster, stage.upgrade({ to: '1.0' }))).kind).toBe('done');
  });

  it('without a worker fails at once and names the queue', async () => {
    const before = performance.now();
    await expect(client.plan(stage.cluster, stage.upgrade())).rejects.toMatchObject({
      code: 'NO_WORKER',
      message: expect.stringContaining(stage.taskQueue) as string,
      remedy: expect.stringContaining('rollgate worker') as string,
    });
    expect(performance.now() - before).toBeLessThan(3000);
  });

  it('does not hang when the last worker has died, and leaves no workflow behind', async () => {
    await stage.startWorker();
    await client.plan(stage.cluster, stage.upgrade());
    await stage.stopWorker();
    // Temporal still lists the poller that has gone.
    const before = performance.now();
    await expect(client.plan(stage.cluster, stage.upgrade())).rejects.toMatchObject({ code: 'NO_WORKER' });
    expect(performance.now() - before).toBeLessThan(20_000);
    const open = new Client({ connection: stage.connection }).workflow.list({
      query: `TaskQueue = '${stage.taskQueue}' AND ExecutionStatus = 'Running'`,
    });
    for await (const left of open) expect(left.workflowId).toBe('none');
  });

  it('a namespace that no worker has ever served refuses a start, and diagnose says what is missing', async () => {
    const namespace = `n-${randomUUID()}`;
    await stage.connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: google.protobuf.Duration.fromObject({ seconds: 86_400 }),
    });
    const fresh = createRollgateClient({
      connection: stage.connection,
      namespace,
      taskQueue: stage.taskQueue,
    });
    const input = { cluster: stage.cluster, upgrade: stage.upgrade() };
    await expect(fresh.start(input)).rejects.toMatchObject({ code: 'NO_WORKER' });
    const checks = await fresh.diagnose();
    expect(checks.map((c) => [c.name, c.ok])).toEqual([
      ['temporal', true],
      ['namespace', true],
      ['search attributes', false],
      ['workers', false],
    ]);
    expect(checks[2]?.remedy).toContain('--name RollgateCluster --type Keyword');
  });

  it('tells the failure of the observation by its own code and remedy', async () => {
    await stage.startWorker();
    const view = await client.inspect(stage.cluster);
    expect(view.groups[0]?.nodes.map((n) => n.id)).toEqual(['a', 'b', 'c']);
    stage.model.observeFailure = 'the network is gone';
    await expect(client.inspect(stage.cluster)).rejects.toMatchObject({
      code: 'SYSTEM_UNREACHABLE',
      message: expect.stringContaining('the network is gone') as string,
      remedy: 'Wait.',
    });
  });
});

describe('R-SAGA-2: one run a cluster at a time', () => {
  it('the second start is refused with exit code 6 while the first runs, and possible when it is over', async () => {
    await stage.startWorker();
    const input = { cluster: stage.cluster, upgrade: stage.upgrade(approval) };
    const first = await client.start(input);
    await until(first, (s) => s.waiting !== undefined);
    await expect(client.start(input)).rejects.toMatchObject({ code: 'RUN_ALREADY_RUNNING', exitCode: 6 });
    await first.abort({ by: 'ann' });
    expect((await first.result()).run.outcome).toBe('aborted');
    const second = await client.start({ ...input, upgrade: stage.upgrade() });
    expect((await second.result()).run.outcome).toBe('completed');
    expect(second.runId).not.toBe(first.runId);
    // The handle of the first stays with the first.
    expect((await first.status()).run).toMatchObject({ id: first.runId, outcome: 'aborted' });
    await expect(first.pause()).rejects.toMatchObject({ code: 'CONTROL_REFUSED' });
    const former = await client.get(stage.cluster.name, first.runId);
    expect((await former.status()).run.outcome).toBe('aborted');
    const latest = await client.get(stage.cluster.name);
    expect(latest.runId).toBe(second.runId);
  });
});

describe('R-SAGA-3: controls of the client', () => {
  it('approves by step and hash; a stale hash and a control without object are refused with the reason', async () => {
    await stage.startWorker();
    const run = await client.start({ cluster: stage.cluster, upgrade: stage.upgrade(approval) });
    const state = await until(run, (s) => s.waiting !== undefined);
    await expect(run.approve({ planHash: 'stale', by: 'ann' })).rejects.toMatchObject({
      code: 'CONTROL_REFUSED',
      message: expect.stringContaining('the approval is for plan stale') as string,
    });
    await expect(run.retry({ by: 'ann' })).rejects.toMatchObject({ code: 'CONTROL_REFUSED' });
    const reply = await run.approve({
      step: 'handover/default',
      planHash: state.plan?.hash,
      by: 'ann',
      reason: 'read it',
    });
    expect(reply).toEqual({ accepted: true, effect: 'at once' });
    const end = await run.result();
    expect(end.run.outcome).toBe('completed');
    expect(end.decisions).toMatchObject([
      { action: 'approve', by: 'ann', reason: 'read it', accepted: true },
    ]);
    await expect(run.pause()).rejects.toMatchObject({
      code: 'CONTROL_REFUSED',
      message: expect.stringContaining('is over') as string,
    });
  });

  it('a run that is not there is not found, exit code 6', async () => {
    await expect(client.get('no-such-cluster')).rejects.toMatchObject({ code: 'RUN_NOT_FOUND', exitCode: 6 });
    await expect(client.get('no-such-cluster', '7f3c1c1e-0000-4000-8000-000000000001')).rejects.toMatchObject(
      { code: 'RUN_NOT_FOUND' },
    );
  });

  it('without a worker a control and the status fail as NO_WORKER, which is retryable', async () => {
    const run = await client.start({ cluster: stage.cluster, upgrade: stage.upgrade() });
    await expect(run.pause()).rejects.toMatchObject({ code: 'NO_WORKER', retryable: true });
    await expect(run.status()).rejects.toMatchObject({ code: 'NO_WORKER', retryable: true });
    await stage.startWorker();
    expect((await run.result()).run.outcome).toBe('completed');
  });
});

describe('R-SAGA-6: what a run shows', () => {
  it('a run that is over tells its state without a worker', async () => {
    await stage.startWorker();
    const run = await client.start({ cluster: stage.cluster, upgrade: stage.upgrade() });
    await run.result();
    await stage.stopWorker();
    const again = await client.get(stage.cluster.name);
    expect((await again.status()).run).toMatchObject({ id: run.runId, outcome: 'completed' });
  });

  it('a workflow that was terminated in Temporal is a failed run with its compensation undone', async () => {
    await stage.startWorker();
    const run = await client.start({ cluster: stage.cluster, upgrade: stage.upgrade(approval) });
    await until(run, (s) => s.waiting !== undefined);
    await new Client({ connection: stage.connection }).workflow
      .getHandle(run.workflowId)
      .terminate('by mistake');
    const state = await run.status();
    expect(state.run.outcome).toBe('failed');
    expect(state.failure?.message).toContain('terminated');
    expect(state.leftUndone.map((l) => l.what)).toEqual(state.compensations.map((c) => c.id));
    expect(state.leftUndone.length).toBeGreaterThan(0);
    await expect(run.result()).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.stringContaining('by mistake') as string,
    });
  });

  it('is listed by cluster and phase', async () => {
    await stage.startWorker();
    const run = await client.start({ cluster: stage.cluster, upgrade: stage.upgrade() });
    await run.result();
    const name = stage.cluster.name;
    for (let tries = 0; ; tries++) {
      const [listed] = await client.list({ cluster: name, phase: 'finished' });
      if (listed) {
        expect(listed).toMatchObject({
          cluster: name,
          system: 'model',
          target: '1.1',
          phase: 'finished',
          runId: run.runId,
          workflow: 'completed',
        });
        break;
      }
      expect(tries, 'the list shows the run within 10 s').toBeLessThan(100);
      await delay(100);
    }
    expect(await client.list({ cluster: name, phase: 'blocked' })).toEqual([]);
    await expect(client.list({ cluster: "x' OR '1'='1" })).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('a wait ends by timeout or signal while the run goes on', async () => {
    await stage.startWorker();
    const run = await client.start({ cluster: stage.cluster, upgrade: stage.upgrade(approval) });
    await expect(run.wait({ timeoutMs: 300 })).rejects.toMatchObject({
      code: 'WAIT_TIMED_OUT',
      exitCode: 124,
    });
    const stop = new AbortController();
    const waiting = run.wait({ signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await run.abort();
    expect((await run.wait()).run.outcome).toBe('aborted');
  });

  it('a run whose expected plan differs changes nothing', async () => {
    await stage.startWorker();
    const run = await client.start({
      cluster: stage.cluster,
      upgrade: stage.upgrade(),
      expectPlan: 'feedfeedfeedfeed',
    });
    const end = await run.result();
    expect(end.run.outcome).toBe('failed');
    expect(end.failure?.code).toBe('PLAN_CHANGED');
    expect(stage.model.effects).toEqual([]);
  });
});
