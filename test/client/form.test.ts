import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { formationStages, RollgateError, type RunState } from '../../src/contracts/index.js';
import type { RollgateClient, StartFormationInput } from '../../src/client/index.js';
import { fakeRun, type Told } from './support/fake-client.js';
import { formationFiles } from './support/formation-files.js';
import { forming, formationPlan } from './support/formation-states.js';
import { rollgate } from './support/rollgate.js';
import { ended, rolling } from './support/run-states.js';

const files = formationFiles();
afterAll(files.remove);
const named = ['-f', files.cluster, '-f', files.formation];
const inHint = `-f ${files.cluster} -f '${files.formation}'`;

const noRun = (): Promise<never> =>
  Promise.reject(new RollgateError('RUN_NOT_FOUND', 'there is no run rollgate/registry', 'rollgate list'));

const over = (outcome: 'completed' | 'failed' | 'rolled-back', changes: Partial<RunState> = {}): RunState => {
  const state = forming({ phase: 'finished', step: undefined, ...changes });
  return { ...state, run: { ...state.run, outcome, endedAt: '2026-01-01T00:00:09.000Z' } };
};

/** A client that starts formations, and what it was told. */
function starter(...looks: RunState[]) {
  const started: StartFormationInput[] = [];
  const client: Partial<RollgateClient> = {
    startFormation: (input) => {
      started.push(input);
      return Promise.resolve(fakeRun(looks));
    },
  };
  return { started, client };
}

describe('R-FORM-1: form plan', () => {
  it.each([
    ['possible', 0],
    ['done', 10],
    ['refused', 1],
  ] as const)('%s ends with exit code %i', async (kind, code) => {
    const client = { planFormation: () => Promise.resolve({ ...formationPlan, kind }) };
    const text = await rollgate(['form', 'plan', ...named], { client });
    expect(text.code).toBe(code);
    expect(text.stdout).toContain('Cluster formation of registry (etcd) on 3.6.16, init, serve: ');
    expect(text.stdout).not.toMatch(/upgrade|already there/);
    const json = await rollgate(['form', 'plan', ...named, '-o', 'json'], { client });
    expect(json.code).toBe(code);
    expect(JSON.parse(json.stdout)).toMatchObject({ kind, hash: formationPlan.hash });
  });

  it.each([
    ['all stages', [], formationStages],
    ['one', ['--stage', 'serve'], ['serve']],
    [
      'some, in the order in which they are taken',
      ['--stage', 'expand', '--stage', 'init'],
      ['init', 'expand'],
    ],
  ])('is asked for %s', async (_, options, stages) => {
    const asked: unknown[] = [];
    const client: Partial<RollgateClient> = {
      planFormation: (cluster, formation, of) => {
        asked.push([cluster.name, formation.name, of]);
        return Promise.resolve(formationPlan);
      },
    };
    await rollgate(['form', 'plan', ...named, ...options], { client });
    expect(asked).toEqual([['registry', 'three', stages]]);
  });
});

describe('R-FORM-1: each stage is a run of its own, and all are one', () => {
  it.each([
    ...formationStages.map((stage): [string, readonly string[]] => [stage, [stage]]),
    ['run', formationStages] as [string, readonly string[]],
  ])('form %s', async (command, stages) => {
    const { started, client } = starter(forming());
    const { code, stdout } = await rollgate(
      ['form', command, ...named, '--formation', 'three', '--plan-hash', formationPlan.hash],
      { client },
    );
    expect(code).toBe(0);
    expect(started).toHaveLength(1);
    expect(started[0]).toMatchObject({
      cluster: { name: 'registry' },
      formation: { name: 'three', seed: 'etcd-1' },
      stages,
      expectPlan: formationPlan.hash,
    });
    expect(started[0]?.rollback).toBeUndefined();
    expect(stdout).toContain(`rollgate form status ${inHint} --formation three\n`);
  });

  it('a formation that is not in the files is a wrong call, and nothing is started', async () => {
    const { started, client } = starter(forming());
    const { code, stderr } = await rollgate(['form', 'init', ...named, '--formation', 'tree'], { client });
    expect(code).toBe(2);
    expect(stderr).toContain('there is no ClusterFormation "tree"');
    expect(started).toEqual([]);
  });

  it.each([
    ['completed', 0],
    ['failed', 1],
    ['rolled-back', 3],
  ] as const)('--wait: %s ends with exit code %i', async (outcome, code) => {
    const { client } = starter(forming(), over(outcome));
    const result = await rollgate(['form', 'init', ...named, '--wait', '-o', 'json'], { client });
    expect(result.code).toBe(code);
    expect(JSON.parse(result.stdout)).toMatchObject({ run: { outcome } });
    expect(result.stderr).toContain('checkpoint snapshot-saved');
  });

  it('R-FORM-3: a run that failed says where it stands and the command that goes on, with the files of the user', async () => {
    const leftUndone = [
      {
        what: 'etcd-1 is preparing',
        command: 'rollgate form init -f FILE (the files of cluster registry)',
        error: 'disk full',
      },
    ];
    const { client } = starter(over('failed', { leftUndone }));
    const { code, stdout } = await rollgate(['form', 'init', ...named, '--wait'], { client });
    expect(code).toBe(4);
    expect(stdout).toContain('mode preparing, checkpoint snapshot-saved');
    expect(stdout).toContain(`go on: rollgate form init ${inHint}\n`.trim());
    expect(stdout).toContain(`disk full; undo: rollgate form init ${inHint}`);
    expect(stdout).not.toContain('FILE');
  });
});

describe('R-FORM-3: form rollback', () => {
  it('without a run in progress starts one that does nothing else', async () => {
    for (const get of [noRun, () => Promise.resolve(fakeRun([over('failed')]))]) {
      const { started, client } = starter(forming());
      const { code } = await rollgate(['form', 'rollback', ...named], { client: { ...client, get } });
      expect(code).toBe(0);
      expect(started).toMatchObject([{ cluster: { name: 'registry' }, rollback: true }]);
    }
  });

  it('tells a run in progress to go back, with who and why, and starts nothing', async () => {
    const told: Told[] = [];
    const get = () => Promise.resolve(fakeRun([forming()], told));
    const argv = ['form', 'rollback', ...named, '--by', 'ann', '--reason', 'no room'];
    const { code, stdout } = await rollgate(argv, { client: { get } });
    expect(code).toBe(0);
    expect(stdout).toBe('rollback accepted; takes effect at once\n');
    expect(told).toEqual([{ action: 'rollback', input: { by: 'ann', reason: 'no room' } }]);
  });

  it('--wait follows it to its end', async () => {
    const get = () => Promise.resolve(fakeRun([forming(), over('rolled-back', { resumeHint: '' })]));
    const { code, stderr } = await rollgate(['form', 'rollback', ...named, '--wait'], { client: { get } });
    expect(code).toBe(3);
    expect(stderr).toContain('rollback accepted');
  });

  it('leaves a rolling upgrade in progress alone', async () => {
    const told: Told[] = [];
    const get = () => Promise.resolve(fakeRun([rolling()], told));
    const { code, stderr } = await rollgate(['form', 'rollback', ...named], { client: { get } });
    expect(code).toBe(1);
    expect(stderr).toContain('CONTROL_REFUSED: the run of registry in progress is the RollingUpgrade');
    expect(told).toEqual([]);
  });

  it('does nothing when it cannot be learned whether a run is in progress', async () => {
    const { started, client } = starter(forming());
    const silent = new RollgateError('NO_WORKER', 'nobody answered', 'rollgate worker');
    const get = () => Promise.resolve(fakeRun([silent]));
    const { code } = await rollgate(['form', 'rollback', ...named], { client: { ...client, get } });
    expect(code).toBe(1);
    expect(started).toEqual([]);
  });
});

describe('R-PROOF-1: form report', () => {
  it.each([
    ['the cluster', ['registry']],
    ['the files', named],
  ])('by %s', async (_, by) => {
    const asked: string[] = [];
    const get = (cluster: string) => {
      asked.push(cluster);
      return Promise.resolve(fakeRun([ended('completed')]));
    };
    const { code, stdout } = await rollgate(['form', 'report', ...by, '--out', files.directory], {
      client: { get },
    });
    expect(code).toBe(0);
    expect(asked).toEqual(['registry']);
    const summary = stdout.split('\n').find((l) => l.endsWith('summary.json')) ?? '';
    expect(JSON.parse(readFileSync(summary, 'utf8'))).toMatchObject({ run: { outcome: 'completed' } });
  });
});
