import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import { expect, it } from 'vitest';
import type { RunHandle } from '../../src/client/index.js';
import {
  formationStages,
  nodeSpec,
  valueOf,
  type FormationStage,
  type Plan,
  type RunState,
} from '../../src/contracts/index.js';
import { createEtcdSampleCluster } from '../../src/dev/etcd/cluster.js';
import type { EtcdSampleCluster } from '../../src/dev/etcd/sample-cluster.js';
import { runEtcdScenario } from '../../src/dev/scenario/etcd.js';
import type { ScenarioContext } from '../../src/dev/scenario/run.js';
import { layoutOf } from '../../src/hosts/local/layout.js';
import { connectTemporal } from '../../src/worker/connection.js';
import { expectBefore, hashAt, only, withData } from './support/data.js';
import { ended, formationOf, patiently, startFormation } from './support/other-run.js';
import { expectMembers, expectProof, minutes } from './support/proof.js';

type Context = ScenarioContext<EtcdSampleCluster>;

const whole = { leader: 'etcd-2', remove: ['etcd-1'] };

/** In the order in which an init reaches them. */
const milestones = [
  ...['mode-preparing-written', 'snapshot-saved', 'seed-restored'],
  ...['seed-verified', 'seeded-finalized'],
];

/** The call of `writeMode`, counted over all runs, after which the n-th run is killed: at its n-th milestone. */
const killedAfter = [1, 3, 6, 10, 15];

const codes = (plan: Plan): string[] => plan.refusals.map((r) => r.code);
const plan = ({ client }: Context, sample: EtcdSampleCluster, change: Record<string, unknown> = {}) =>
  client.planFormation(sample.cluster, formationOf(sample.cluster, change), formationStages);

/** The run ends here and now, with no word to anybody: not by itself, not by an operator. */
async function terminate({ workflowId, runId }: RunHandle): Promise<void> {
  const { connection, namespace } = await connectTemporal();
  try {
    await new Client({ connection, namespace }).workflow.getHandle(workflowId, runId).terminate();
  } finally {
    await connection.close();
  }
}

/** An init whose worker dies at the next planned milestone, and which is then no more. */
async function cutOff(context: Context): Promise<void> {
  const { client, cluster, worker } = context;
  const workers = worker.pids.length;
  const handle = await startFormation(client, cluster, whole, { stages: ['init'] });
  const deadline = Date.now() + 60_000;
  while (worker.pids.length === workers) {
    if (Date.now() > deadline) throw new Error('the worker was not killed');
    await delay(20);
  }
  await terminate(handle);
}

/** What the data says of itself: the mode file, as `rollgate form status` shows it. */
async function modeOf({ client, cluster }: Context) {
  const { mode } = await patiently(() => client.inspectFormation(cluster, formationOf(cluster, whole)));
  return valueOf(mode);
}

const stage = async (context: Context, name: FormationStage): Promise<RunState> =>
  ended(await startFormation(context.client, context.cluster, whole, { stages: [name] }));

async function refusals(context: Context): Promise<void> {
  const { sample } = context;
  expect(await plan(context, sample)).toMatchObject({ kind: 'possible', refusals: [] });

  const { dataDir } = layoutOf(nodeSpec(sample.cluster, 'etcd-3'));
  await mkdir(dataDir, { mode: 0o700 });
  await writeFile(join(dataDir, 'somebody'), 'else');
  const notEmpty = await plan(context, sample);
  expect(notEmpty.refusals).toMatchObject([{ code: 'TARGET_NOT_EMPTY', node: 'etcd-3' }]);
  await rm(dataDir, { recursive: true });

  const three = await createEtcdSampleCluster({
    ...{ name: `${sample.cluster.name}-three`, version: '3.6.16', artifacts: ['3.6.16'] },
  });
  try {
    const running = await plan(context, three, { expand: [] });
    expect(running.refusals).toMatchObject([{ code: 'NOT_STANDALONE', node: 'etcd-1' }]);
    expect(running.refusals[0]?.message).toMatch(/names 3 members: etcd-[1-3], etcd-[1-3], etcd-[1-3]$/);
    await three.stop();
    // Of one that is stopped the files say it; a copy of a member is not started to look at more.
    expect(codes(await plan(context, three, { expand: [] }))).toEqual(['SEED_UNKNOWN', 'NOT_STANDALONE']);
  } finally {
    await three.destroy();
  }
}

it(
  'R-FORM-3: killed at every checkpoint, made a standalone again, and gone on with stage by stage, the data is the same',
  minutes(5),
  async () => {
    const result = await runEtcdScenario({
      sample: { artifacts: ['3.5.35', '3.6.16'] },
      formation: { version: '3.5.35' },
      faults: killedAfter.map((nth) => ({ activity: 'writeMode', at: 'after', nth })),
      before: withData,
      after: async (context, { state, journals }) => {
        const { sample, client, cluster } = context;
        // R-PLAN-2: the data is of a later series than what the formation would run.
        expect(state.plan?.refusals).toMatchObject([{ code: 'VERSION_MISMATCH', node: 'etcd-1' }]);
        expect(Object.values(journals)).toEqual([[], [], []]);
        await refusals(context);

        await cutOff(context);
        expect(await modeOf(context)).toMatchObject({ mode: 'preparing', checkpoint: milestones[0] });
        await cutOff(context);
        expect(await modeOf(context)).toMatchObject({ mode: 'preparing', checkpoint: milestones[1] });
        // R-FORM-2: nothing starts it as an ordinary standalone.
        await expect(sample.start('etcd-1')).rejects.toMatchObject({
          code: 'HOST_PREPARING',
          message: expect.stringContaining('reached snapshot-saved') as string,
          remedy: expect.stringContaining('rollgate form init') as string,
        });
        await cutOff(context);
        expect(await modeOf(context)).toMatchObject({ mode: 'preparing', checkpoint: milestones[2] });

        const back = await startFormation(client, cluster, whole, { rollback: true });
        expect((await ended(back)).run.outcome).toBe('rolled-back');
        expect(await modeOf(context)).toBeUndefined();
        await expectBefore(sample, ['etcd-1']);
        // It serves, and what it is told now is not lost either.
        const revision = await sample.put('etcd-1', 'between', 'two attempts');
        const original = await hashAt(sample, 'etcd-1', revision);

        await cutOff(context);
        expect(await modeOf(context)).toMatchObject({ mode: 'preparing', checkpoint: milestones[3] });
        await cutOff(context);
        expect(await modeOf(context)).toMatchObject({ mode: 'seeded', checkpoint: milestones[4] });

        const runs: RunState[] = [];
        for (const name of formationStages) runs.push(await stage(context, name));
        expect(runs.map((run) => [run.run.outcome, run.plan?.kind])).toEqual([
          ['completed', 'done'],
          ...Array.from({ length: 4 }, () => ['completed', 'possible']),
        ]);
        expect(runs.flatMap((run) => run.formation?.checkpoints.map((c) => c.name) ?? [])).toEqual([
          ...['serving', 'member-added/etcd-2', 'member-added/etcd-3'],
          ...['leader-moved/etcd-2', 'member-removed/etcd-1'],
        ]);
        for (const run of runs.slice(2)) expectProof(run, 'completed');

        const members = ['etcd-2', 'etcd-3'];
        await expectMembers(only(sample, members), '3.6.16', '3.6');
        expect(await sample.leader()).toBe('etcd-2');
        await expectBefore(sample, members);
        for (const node of members) {
          expect(await sample.get(node, 'between', { local: true })).toBe('two attempts');
          expect(await hashAt(sample, node, revision)).toEqual(original);
        }
      },
    });
    expect(result.state.run.outcome).toBe('failed');
  },
);
