import { afterAll, describe, expect, it } from 'vitest';
import { RollgateError, unknown, type FormationView } from '../../src/contracts/index.js';
import type { FormationStatus } from '../../src/client/cli/formation-status.js';
import { fakeRun } from './support/fake-client.js';
import { formationFiles } from './support/formation-files.js';
import { clusterOfThree, forming, preparingView, standaloneView } from './support/formation-states.js';
import { rollgate } from './support/rollgate.js';
import { ended } from './support/run-states.js';

const files = formationFiles();
afterAll(files.remove);
const inHint = `-f ${files.cluster} -f '${files.formation}'`;

const noRun = (): Promise<never> =>
  Promise.reject(new RollgateError('RUN_NOT_FOUND', 'there is no run rollgate/registry', 'rollgate list'));

async function status(view: FormationView, get: () => Promise<ReturnType<typeof fakeRun>> = noRun) {
  const client = { inspectFormation: () => Promise.resolve(view), get };
  const argv = ['form', 'status', '-f', files.cluster, '-f', files.formation];
  const { code, stdout } = await rollgate(argv, { client });
  const json = await rollgate([...argv, '-o', 'json'], { client });
  expect(json.code).toBe(code);
  return { code, stdout, json: JSON.parse(json.stdout) as FormationStatus };
}

describe('R-FORM-3: form status without a run', () => {
  it('of a standalone: no checkpoint, what its data is, and the first command', async () => {
    const { code, stdout, json } = await status(standaloneView);
    expect(code).toBe(0);
    expect(stdout).toContain('registry: etcd a cluster from etcd-1 (three)');
    expect(stdout).toMatch(/^mode +standalone$/m);
    expect(stdout).toMatch(/^checkpoint +none$/m);
    expect(stdout).toContain(`go on       rollgate form init ${inHint}\n`);
    expect(stdout).toContain('runs; of 3.6; whole; names the members default');
    expect(stdout).toContain('etcd-2 is no member; its data directory is empty');
    expect(stdout).toContain('etcd-3 is no member; its data directory is not empty');
    expect(stdout).not.toContain('leader');
    expect(json).toMatchObject({
      mode: 'standalone',
      checkpoint: null,
      standalone: { running: true, series: '3.6', content: 'revision 12' },
      members: null,
      leader: null,
      unknown: [],
      run: null,
    });
  });

  it('of one in preparing: mode, checkpoint and the command that goes on, with the files of the user', async () => {
    const { code, stdout, json } = await status(preparingView, () =>
      Promise.resolve(fakeRun([ended('failed')])),
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^mode +preparing$/m);
    expect(stdout).toMatch(/^checkpoint +snapshot-saved, reached 2026-01-01T00:00:02\.000Z by run run-1$/m);
    expect(stdout).toContain(`go on       rollgate form init ${inHint}\n`);
    expect(json).toMatchObject({
      mode: 'preparing',
      checkpoint: 'snapshot-saved',
      checkpointRun: 'run-1',
      resumeHint: `rollgate form init ${inHint}`,
      run: null,
    });
  });

  it('of a cluster: leader, term, and each member with node, role, started and applied index', async () => {
    const { code, stdout, json } = await status(clusterOfThree());
    expect(code).toBe(0);
    expect(stdout).toMatch(/^leader +etcd-1, term 7$/m);
    expect(stdout).toMatch(/^8e9e05c52164694d +etcd-1 +yes +leader +yes +1042$/m);
    expect(stdout).toMatch(/^91bc3c398fb3c146 +etcd-2 +yes +learner +no +unknown$/m);
    expect(stdout).toMatch(/^fd422379fda50e48 +- +no +voter +yes +unknown$/m);
    expect(stdout).toContain('LEARNER_LEFT (etcd-2): etcd-2 is a learner');
    expect(stdout).toContain('etcd-3 is no member; its data directory is empty');
    expect(stdout).not.toContain('etcd-2 is no member');
    expect(stdout).toContain('not known: applied index of etcd-2: connection refused');
    expect(json).toMatchObject({
      mode: 'cluster',
      leader: 'etcd-1',
      term: 7,
      members: [
        {
          id: '8e9e05c52164694d',
          node: 'etcd-1',
          hosted: true,
          leads: true,
          started: true,
          appliedIndex: 1042,
        },
        { node: 'etcd-2', role: 'learner', leads: false, started: false, appliedIndex: null },
        { id: 'fd422379fda50e48', node: null, hosted: false, appliedIndex: null },
      ],
      outside: [{ node: 'etcd-3', empty: true }],
    });
    expect(json.unknown.map((u) => u.what)).toEqual([
      'applied index of etcd-2',
      'applied index of fd422379fda50e48',
    ]);
  });
});

describe('what cannot be learned is said, and ends with exit code 1', () => {
  it.each<[string, FormationView, string]>([
    ['the mode', { ...standaloneView, mode: unknown('not readable') }, 'not known: mode: not readable'],
    ['the members', { ...clusterOfThree(), members: unknown('no quorum') }, 'not known: members: no quorum'],
    ['a leader that nobody is', clusterOfThree([]), 'leader      unknown, term 7'],
    [
      'a leader that two say they are',
      clusterOfThree(['etcd-1', 'etcd-2']),
      'not known: leader: several say that they lead: etcd-1, etcd-2',
    ],
  ])('%s', async (_, view, says) => {
    const { code, stdout } = await status(view);
    expect(code).toBe(1);
    expect(stdout).toContain(says);
  });

  it('an unknown mode has no command that goes on', async () => {
    const { json } = await status({ ...standaloneView, mode: unknown('not readable') });
    expect(json).toMatchObject({ mode: 'unknown', resumeHint: null });
  });
});

describe('form status with a run in progress', () => {
  it('shows its state, and its exit code where it waits for an approval', async () => {
    const runs = await status(preparingView, () => Promise.resolve(fakeRun([forming(), forming()])));
    expect(runs.code).toBe(0);
    expect(runs.stdout).toContain('phase forming, step init/etcd-1');
    expect(runs.stdout).toContain('(once the run in progress is over)');
    expect(runs.stdout).not.toContain('FILE');
    expect(runs.json.run).toMatchObject({ phase: 'forming', run: { kind: 'ClusterFormation' } });
    const waits = forming({
      phase: 'waiting-for-approval',
      waiting: {
        step: 'init/etcd-1',
        title: 'Make a seed of etcd-1',
        since: '2026-01-01T00:00:03.000Z',
        expiresAt: '2026-01-01T04:00:03.000Z',
      },
    });
    expect((await status(standaloneView, () => Promise.resolve(fakeRun([waits])))).code).toBe(5);
  });

  it('that does not answer hides nothing of the data', async () => {
    const silent = new RollgateError('INTERNAL', 'its workflow does not answer', 'Look at it.');
    const { code, stdout } = await status(preparingView, () => Promise.resolve(fakeRun([silent])));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^mode +preparing$/m);
    expect(stdout).toContain('not known: the run in progress: its workflow does not answer');
  });
});
