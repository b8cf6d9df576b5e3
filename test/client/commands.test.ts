import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { RollgateError, type ClusterView } from '../../src/contracts/index.js';
import type { Check, StartInput } from '../../src/client/index.js';
import { fakeRun, type Told } from './support/fake-client.js';
import { rollgate } from './support/rollgate.js';
import { ended, plan, rolling, waiting } from './support/run-states.js';
import { specFile } from './support/spec-file.js';

const { directory, file, remove } = specFile();
afterAll(remove);

const noRun = (): Promise<never> =>
  Promise.reject(new RollgateError('RUN_NOT_FOUND', 'there is no run rollgate/orders', 'rollgate list'));

describe('R-PLAN-1: plan', () => {
  it.each([
    ['possible', 0],
    ['done', 10],
    ['refused', 1],
  ] as const)('%s ends with exit code %i', async (kind, code) => {
    const client = { plan: () => Promise.resolve({ ...plan, kind }) };
    const text = await rollgate(['plan', '-f', file], { client });
    expect(text.code).toBe(code);
    expect(text.stdout).toContain(plan.hash);
    const json = await rollgate(['plan', '-f', file, '-o', 'json'], { client });
    expect(json.code).toBe(code);
    expect(JSON.parse(json.stdout)).toMatchObject({ kind, hash: plan.hash });
    expect(json.stderr).toBe('');
  });

  it('without a worker says so and what to do', async () => {
    const client = {
      plan: () => Promise.reject(new RollgateError('NO_WORKER', 'nobody polls it', 'rollgate worker')),
    };
    const { code, stderr } = await rollgate(['plan', '-f', file], { client });
    expect(code).toBe(1);
    expect(stderr).toBe('error NO_WORKER: nobody polls it\n  remedy: rollgate worker\n');
  });
});

describe('start', () => {
  it('hands over specs and plan hash, and prints how to go on', async () => {
    const started: StartInput[] = [];
    const client = {
      start: (input: StartInput) => {
        started.push(input);
        return Promise.resolve(fakeRun([rolling()]));
      },
    };
    const text = await rollgate(['start', '-f', file, '--plan-hash', plan.hash], { client });
    expect(text.code).toBe(0);
    expect(started).toMatchObject([
      { cluster: { name: 'orders' }, upgrade: { to: '17.10' }, expectPlan: plan.hash },
    ]);
    expect(text.stdout).toContain('rollgate/orders');
    expect(text.stdout).toContain('rollgate watch orders');
    const json = await rollgate(['start', '-f', file, '-o', 'json', '--task-queue', 'q'], { client });
    expect(JSON.parse(json.stdout)).toMatchObject({ workflowId: 'rollgate/orders', taskQueue: 'q' });
  });

  it('warns when no worker is there, and starts all the same', async () => {
    const client = {
      start: () => Promise.resolve(fakeRun([rolling()])),
      workers: () => Promise.resolve([]),
    };
    const { code, stderr } = await rollgate(['start', '-f', file], { client });
    expect(code).toBe(0);
    expect(stderr).toContain('no worker serves task queue rollgate');
  });

  it('R-SAGA-2: a second run of a cluster ends with exit code 6', async () => {
    const client = {
      start: () =>
        Promise.reject(
          new RollgateError('RUN_ALREADY_RUNNING', 'cluster orders has a run', 'rollgate watch orders'),
        ),
    };
    expect(await rollgate(['start', '-f', file, '--wait'], { client })).toMatchObject({
      code: 6,
      stdout: '',
    });
  });
});

describe('status', () => {
  it.each([
    ['in progress', rolling(), 0],
    ['waiting', waiting(), 5],
    ['rolled back', ended('rolled-back'), 3],
    ['failed', ended('failed'), 1],
  ])('%s', async (_, state, code) => {
    const client = { get: () => Promise.resolve(fakeRun([state])) };
    expect((await rollgate(['status', 'orders'], { client })).code).toBe(code);
    const json = await rollgate(['status', 'orders', '-o', 'json'], { client });
    expect(JSON.parse(json.stdout)).toEqual(JSON.parse(JSON.stringify(state)));
  });

  it('R-SAGA-6: shows phase, step, nodes, gates and what waits', async () => {
    const client = { get: () => Promise.resolve(fakeRun([waiting()])) };
    const { stdout } = await rollgate(['status', 'orders'], { client });
    expect(stdout).toContain('phase waiting-for-approval, step handover/default');
    expect(stdout).toMatch(/pg-2 +draining +replica +17\.5 +17\.10 +4096 +■□□□□/);
    expect(stdout).toContain('gate lag-zero pg-2: hold; observed: lag 4096; required: lag 0');
    expect(stdout).toContain('rollback from here: nothing to undo, the run ends; point of no return: none');
    expect(stdout).toContain(`rollgate approve orders --step handover/default --plan-hash ${plan.hash}`);
    expect(stdout).not.toContain('\u001B[');
  });

  it('colours a terminal, unless NO_COLOR says no', async () => {
    const client = { get: () => Promise.resolve(fakeRun([rolling()])) };
    const colour = await rollgate(['status', 'orders'], { client, terminal: true });
    expect(colour.stdout).toContain('\u001B[');
    const none = await rollgate(['status', 'orders'], { client, terminal: true, env: { NO_COLOR: '1' } });
    expect(none.stdout).not.toContain('\u001B[');
  });

  it('of a cluster without a run ends with exit code 6', async () => {
    expect((await rollgate(['status', 'orders'], { client: { get: noRun } })).code).toBe(6);
  });
});

describe('R-SAGA-3: controls', () => {
  it.each(['pause', 'resume', 'retry', 'rollback', 'abort', 'skip', 'reject'])(
    '%s carries who and why',
    async (action) => {
      const told: Told[] = [];
      const client = { get: () => Promise.resolve(fakeRun([rolling()], told)) };
      const { code, stdout } = await rollgate([action, 'orders', '--reason', 'lunch', '--by', 'ann'], {
        client,
      });
      expect(code).toBe(0);
      expect(stdout).toBe(`${action} accepted; takes effect at once\n`);
      expect(told).toEqual([{ action, input: { by: 'ann', reason: 'lunch' } }]);
    },
  );

  it('who is the user of the operating system where nobody is named', async () => {
    const told: Told[] = [];
    const client = { get: () => Promise.resolve(fakeRun([rolling()], told)) };
    await rollgate(['pause', 'orders'], { client });
    expect(told[0]?.input.by).toBeTruthy();
  });

  it('approve names step and hash', async () => {
    const told: Told[] = [];
    const client = { get: () => Promise.resolve(fakeRun([waiting()], told)) };
    const argv = ['approve', 'orders', '--step', 'handover/default', '--plan-hash', plan.hash, '--by', 'ann'];
    expect((await rollgate([...argv, '-o', 'json'], { client })).code).toBe(0);
    expect(told).toMatchObject([
      { action: 'approve', input: { step: 'handover/default', planHash: plan.hash } },
    ]);
  });

  it.each([
    ['neither', []],
    ['no hash', ['--step', 'handover/default']],
    ['no step', ['--plan-hash', plan.hash]],
  ])('approve with %s is not sent; the error says which step and plan wait', async (_, options) => {
    const told: Told[] = [];
    const client = { get: () => Promise.resolve(fakeRun([waiting()], told)) };
    const { code, stderr } = await rollgate(['approve', 'orders', ...options], { client });
    expect(code).toBe(2);
    expect(told).toEqual([]);
    expect(stderr).toContain(`handover/default (Hand over from pg-1) of plan ${plan.hash} waits`);
    expect(stderr).toContain(`rollgate approve orders --step handover/default --plan-hash ${plan.hash}`);
  });

  it('what the run refuses is told with its reason', async () => {
    const refusal = new RollgateError(
      'CONTROL_REFUSED',
      'resume refused: the run is not paused',
      'See status.',
    );
    const client = { get: () => Promise.resolve(fakeRun([rolling()], [], refusal)) };
    const { code, stderr } = await rollgate(['resume', 'orders'], { client });
    expect(code).toBe(1);
    expect(stderr).toContain('error CONTROL_REFUSED: resume refused: the run is not paused');
  });

  it('of a cluster without a run ends with exit code 6', async () => {
    expect((await rollgate(['abort', 'orders'], { client: { get: noRun } })).code).toBe(6);
  });
});

describe('R-PROOF-1: report', () => {
  it('writes the artifacts of a run in progress and prints their paths', async () => {
    const client = { get: () => Promise.resolve(fakeRun([rolling()])) };
    const { code, stdout } = await rollgate(['report', 'orders', '--out', directory], { client });
    expect(code).toBe(0);
    const paths = stdout.trim().split('\n');
    expect(paths.map((p) => p.slice(p.lastIndexOf('/') + 1))).toEqual([
      'summary.json',
      'summary.txt',
      'report.html',
    ]);
    expect(JSON.parse(readFileSync(paths[0] ?? '', 'utf8'))).toMatchObject({ run: { outcome: 'running' } });
  });
});

describe('list', () => {
  const listed = {
    workflowId: 'rollgate/orders',
    runId: 'r1',
    cluster: 'orders',
    system: 'postgres',
    kind: 'RollingUpgrade' as const,
    target: '17.10',
    phase: 'rolling',
    workflow: 'running',
    startedAt: '2026-01-01T00:00:00.000Z',
  };

  it('prints rows, or one JSON document a run', async () => {
    const client = { list: () => Promise.resolve([listed, { ...listed, runId: 'r2' }]) };
    const text = await rollgate(['list'], { client });
    expect(text.stdout.trim().split('\n')).toHaveLength(3);
    const lines = (await rollgate(['list', '-o', 'ndjson'], { client })).stdout.trim().split('\n');
    expect(lines.map((l) => (JSON.parse(l) as { runId: string }).runId)).toEqual(['r1', 'r2']);
  });

  it('shows formations beside upgrades, and takes their phase as a filter', async () => {
    const formed = {
      ...listed,
      cluster: 'registry',
      kind: 'ClusterFormation' as const,
      target: 'a cluster from etcd-1',
      phase: 'forming',
    };
    const client = { list: () => Promise.resolve([formed, listed]) };
    const { code, stdout } = await rollgate(['list', '--phase', 'forming'], { client });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^registry +postgres +a cluster from etcd-1 +forming +running/m);
  });

  it('hands over its filters', async () => {
    const asked: unknown[] = [];
    const client = {
      list: (filter: unknown) => {
        asked.push(filter);
        return Promise.resolve([]);
      },
    };
    await rollgate(['list', '--cluster', 'orders', '--phase', 'blocked', '--limit', '3'], { client });
    expect(asked).toEqual([{ cluster: 'orders', phase: 'blocked', limit: 3 }]);
  });
});

describe('doctor', () => {
  const fine: Check[] = [{ name: 'temporal', ok: true, observed: 'a server answers' }];
  const view = (reachable: boolean): ClusterView => ({
    cluster: 'orders',
    system: 'postgres',
    observedAt: '2026-01-01T00:00:00.000Z',
    positionUnit: 'bytes',
    obstacles: [],
    groups: [
      {
        id: 'default',
        primaries: ['pg-1'],
        epoch: { kind: 'known', value: 1 },
        durability: { kind: 'known', value: 'quorum' },
        nodes: [
          {
            id: 'pg-1',
            group: 'default',
            address: '127.0.0.1:5432',
            reachable: reachable
              ? { kind: 'known', value: true }
              : { kind: 'unknown', reason: 'connection refused' },
            role: { kind: 'known', value: 'primary' },
            version: { kind: 'known', value: '17.5' },
            serving: { kind: 'known', value: true },
            position: { kind: 'unknown', reason: 'not asked' },
            lag: { kind: 'known', value: 0 },
            inSync: { kind: 'known', value: true },
            upstream: { kind: 'known', value: undefined },
            epoch: { kind: 'known', value: 1 },
            identity: { kind: 'known', value: '1' },
            inFlight: { kind: 'unknown', reason: 'not asked' },
            startedAt: { kind: 'unknown', reason: 'not asked' },
            stop: { verdict: 'unknown', evidence: '' },
          },
        ],
      },
    ],
  });

  it('is content when every check and every node is', async () => {
    const client = { diagnose: () => Promise.resolve(fine), inspect: () => Promise.resolve(view(true)) };
    const { code, stdout } = await rollgate(['doctor', '-f', file], { client });
    expect(code).toBe(0);
    expect(stdout).toBe(
      'ok    temporal: a server answers\nok    orders/pg-1: 127.0.0.1:5432, primary, version 17.5, epoch 1\n',
    );
  });

  it('fails on one node that does not answer and says what to do', async () => {
    const client = { diagnose: () => Promise.resolve(fine), inspect: () => Promise.resolve(view(false)) };
    const { code, stdout } = await rollgate(['doctor', '-f', file], { client });
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /FAIL {2}orders\/pg-1: 127\.0\.0\.1:5432 does not answer: connection refused\n {6}do: /,
    );
  });

  it('does not ask a worker for nodes where there is none', async () => {
    const broken: Check[] = [{ name: 'workers', ok: false, observed: 'none', remedy: 'Start one.' }];
    const { code, stdout } = await rollgate(['doctor', '-f', file, '-o', 'json'], {
      client: { diagnose: () => Promise.resolve(broken) },
    });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      checks: [{ name: 'workers' }, { name: 'orders' }],
    });
  });
});
