import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import getPort from 'get-port';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRollgateClient, type RollgateClient } from '../../src/client/index.js';
import { program as programOf } from './support/program.js';
import { createStage, type Stage } from './support/temporal.js';

let stage: Stage;
let client: RollgateClient;
beforeAll(async () => {
  stage = await createStage();
  await stage.startWorker();
  client = createRollgateClient({ connection: stage.connection, taskQueue: stage.taskQueue });
});
afterAll(() => stage.close());

const program = (argv: readonly string[], env: Record<string, string> = {}) =>
  programOf(argv, { ROLLGATE_TASK_QUEUE: stage.taskQueue, ...env });

describe('the built program', () => {
  it('follows and steers a real run, and its exit codes say how it stands', async () => {
    const name = stage.cluster.name;
    const run = await client.start({
      cluster: stage.cluster,
      upgrade: stage.upgrade({ approvals: { before: ['handover'] } }),
    });
    const waits = await program(['watch', name, '--exit-on-approval']).ended;
    expect(waits.code).toBe(5);
    expect(waits.stderr).toMatch(
      new RegExp(`rollgate approve ${name} --step handover/default --plan-hash \\w+`),
    );

    const status = await program(['status', name, '-o', 'json']).ended;
    expect(status.code).toBe(5);
    const { plan } = JSON.parse(status.stdout) as { plan: { hash: string } };

    const stale = ['approve', name, '--step', 'handover/default', '--plan-hash', 'stale'];
    const refused = await program(stale).ended;
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^error CONTROL_REFUSED: approve refused: the approval is for plan stale/);

    const right = ['approve', name, '--step', 'handover/default', '--plan-hash', plan.hash, '--by', 'ann'];
    expect(await program(right).ended).toMatchObject({ code: 0, stderr: '' });
    const end = await program(['watch', name, '-o', 'ndjson']).ended;
    expect(end.code).toBe(0);
    expect(JSON.parse(end.stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
      type: 'end',
      run: { id: run.runId, outcome: 'completed' },
    });
    expect((await run.result()).decisions).toMatchObject([{ action: 'approve', by: 'ann' }]);
    expect((await program(['pause', name]).ended).code).toBe(1);
    expect((await program(['status', 'no-such-cluster']).ended).code).toBe(6);
  });

  it('SIGINT ends watch with 130 and leaves the run alone', async () => {
    const run = await client.start({
      cluster: stage.cluster,
      upgrade: stage.upgrade({ to: '1.2', approvals: { before: ['start'] } }),
    });
    const watch = program(['watch', stage.cluster.name]);
    await watch.said('waits for approval');
    watch.child.kill('SIGINT');
    const { code, stderr } = await watch.ended;
    expect(code).toBe(130);
    expect(stderr).toContain(`The run goes on by itself: rollgate watch ${stage.cluster.name}`);
    expect((await run.status()).waiting?.step).toBe('prepare');
    await run.abort({ by: 'ann' });
    expect((await run.result()).run.outcome).toBe('aborted');
  });

  it('worker serves until it is told to stop, then ends with 0', async () => {
    const queue = `test-${randomUUID()}`;
    const worker = program(['worker', '--task-queue', queue]);
    const served = createRollgateClient({ connection: stage.connection, taskQueue: queue });
    for (let tries = 0; (await served.workers()).length === 0; tries++) {
      expect(tries, 'it polls within 20 s').toBeLessThan(200);
      await delay(100);
    }
    worker.child.kill('SIGTERM');
    expect(await worker.ended).toMatchObject({ code: 0, stdout: '' });
  });

  it('doctor is content with this Temporal, and says what to do where there is none', async () => {
    const fine = await program(['doctor']).ended;
    expect(fine).toMatchObject({ code: 0, stderr: '' });
    expect(fine.stdout.match(/^ok /gm)).toHaveLength(4);

    const queue = await program(['doctor', '--task-queue', 'nobody-polls-this']).ended;
    expect(queue.code).toBe(1);
    expect(queue.stdout).toContain('do: Start one: rollgate worker --task-queue nobody-polls-this');

    const namespace = await program(['doctor'], { TEMPORAL_NAMESPACE: 'no-such-namespace' }).ended;
    expect(namespace.code).toBe(1);
    expect(namespace.stdout).toContain(
      'FAIL  namespace: the Temporal server has no namespace no-such-namespace',
    );

    const port = await getPort();
    const none = await program(['doctor'], { TEMPORAL_ADDRESS: `127.0.0.1:${port}` }).ended;
    expect(none.code).toBe(1);
    expect(none.stdout).toMatch(/^FAIL {2}temporal: no Temporal server answered at .+\n {6}do: Start it/);
  });

  it('is quiet when its reader goes away', async () => {
    const list = program(['schema']);
    list.child.stdout.destroy();
    expect(await list.ended).toMatchObject({ code: 0, stderr: '' });
  });
});
