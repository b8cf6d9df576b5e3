import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { GateName, NodeId, Plan, RunState } from '../../src/contracts/index.js';
import { RollingUpgradeSpec } from '../../src/contracts/spec.js';
import type { EtcdSampleCluster } from '../../src/dev/etcd/sample-cluster.js';
import { runEtcdScenario } from '../../src/dev/scenario/etcd.js';
import type { ScenarioContext } from '../../src/dev/scenario/run.js';
import { addMember, alarm, emptyData, join, promote, removeMember } from './support/by-hand.js';
import {
  approveUntil,
  everyReplacement,
  expectMembers,
  expectProof,
  minutes,
  nodeOf,
  starts,
  touches,
} from './support/proof.js';

type Context = ScenarioContext<EtcdSampleCluster>;

const once = { 'etcd-1': 1, 'etcd-2': 1, 'etcd-3': 1 };

const other = (...known: readonly NodeId[]): NodeId => {
  const [left] = ['etcd-1', 'etcd-2', 'etcd-3'].filter((id) => !known.includes(id));
  if (left === undefined) throw new Error('no other node is left');
  return left;
};

/** Held by a gate that names `node`; nothing is done to any node for `ms`. */
async function holdsStill(
  context: Context,
  gates: readonly GateName[],
  node: NodeId,
  ms = 2500,
): Promise<void> {
  const held = (s: RunState) =>
    gates.every((name) =>
      s.gates.some((g) => g.name === name && g.verdict !== 'pass' && g.observed.includes(node)),
    );
  await context.until(`${gates.join(', ')} are held by ${node}`, held);
  const before = await touches(context);
  await delay(ms);
  expect(await touches(context)).toEqual(before);
  const state = await context.handle.status();
  expect(state).toMatchObject({ phase: 'rolling', direction: 'forward' });
  expect(held(state)).toBe(true);
}

describe('R-ROLL-3, R-ROLL-8: members fail while a run goes on', () => {
  it('the leader is killed while another member is being replaced', minutes(5), async () => {
    let killed = '';
    const result = await runEtcdScenario({
      upgrade: { soak: '1500ms' },
      during: async (context) => {
        const { sample, until } = context;
        const busy = (s: RunState) =>
          s.nodes.find((n) => n.status === 'upgrading' || n.status === 'rejoining');
        const replaced = busy(await until('a member is being replaced', (s) => busy(s) !== undefined))?.id;
        killed = await sample.leader();
        expect(killed).not.toBe(replaced);
        await sample.kill(killed);
        await holdsStill(context, ['cluster-healthy'], killed);
        await sample.start(killed);
      },
      after: ({ sample }) => expectMembers(sample, '3.6.16', '3.6'),
    });
    expectProof(result.state, 'completed');
    expect(starts(result)).toEqual(once);
    // Leadership that has moved by itself is moved again only if it has gone to the member that is replaced last.
    const { handovers, steps } = result.state;
    const last = nodeOf(steps.findLast((s) => s.id.startsWith('replace/'))?.id);
    expect(handovers.length).toBeLessThanOrEqual(1);
    for (const { from, result } of handovers) expect([from, result]).toEqual([last, 'done']);
    expect(handovers.map((h) => h.from)).not.toContain(killed);
  });

  it(
    'one that is stopped with SIGSTOP, and then two, hold the run until they go on',
    minutes(5),
    async () => {
      const result = await runEtcdScenario({
        upgrade: { approvals: { before: everyReplacement } },
        during: async (context) => {
          const { sample } = context;
          const waits = (step: string) => step.startsWith('replace/');
          const first = await approveUntil(context, waits);
          const leader = await sample.leader();
          const behind = other(nodeOf(first), leader);
          await sample.pause(behind);
          const approved = approveUntil(context, (step) => waits(step) && step !== first);
          await holdsStill(context, ['cluster-healthy', 'quorum-without-node', 'others-in-sync'], behind);
          expect((await touches(context)).filter((t) => t.endsWith('stop'))).toEqual([]);
          await sample.resume(behind);

          const second = await approved;
          const paused = [nodeOf(first), nodeOf(second)];
          for (const node of paused) await sample.pause(node);
          const rest = approveUntil(context);
          for (const node of paused) await holdsStill(context, ['cluster-healthy'], node, 1500);
          for (const node of paused) await sample.resume(node);
          await rest;
        },
        after: ({ sample }) => expectMembers(sample, '3.6.16', '3.6'),
      });
      expectProof(result.state, 'completed');
      expect(starts(result)).toEqual(once);
    },
  );
});

describe('R-PLAN-2: refused by name before anything is touched', () => {
  const codes = (plan: Plan): string[] => [...new Set(plan.refusals.map((r) => r.code))];

  it('quorum lost, an unstarted member, a learner left over, an alarm', minutes(5), async () => {
    const plans: Record<string, Plan> = {};
    const { state } = await runEtcdScenario({
      before: async (sample) => {
        for (const node of ['etcd-2', 'etcd-3']) await sample.pause(node);
        return sample.cluster;
      },
      after: async ({ sample, cluster, client }, { state, journals, called }) => {
        expect(Object.values(journals)).toEqual([[], [], []]);
        expect(called).toEqual(['makePlan', 'writeReport']);
        expect(state.plan?.refusals.map((r) => r.code)).toContain('NO_QUORUM');
        for (const node of ['etcd-2', 'etcd-3']) await sample.resume(node);
        const leader = await sample.leader();
        const node = other(leader);

        const upgrade = RollingUpgradeSpec.parse({ name: 'u', cluster: cluster.name, to: '3.6.16' });
        const plan = async (when: string): Promise<void> => {
          plans[when] = await client.plan(cluster, upgrade);
        };
        await alarm(sample, leader, 'ACTIVATE');
        await plan('alarm');
        await alarm(sample, leader, 'DEACTIVATE');
        await sample.stop([node]);
        await emptyData(sample, node);
        await removeMember(sample, leader, node);
        await addMember(sample, leader, node, { learner: true });
        await plan('unstarted');
        await join(
          sample,
          node,
          cluster.nodes.map((n) => n.id),
        );
        await expect.poll(() => sample.status(node), { timeout: 20_000 }).toMatchObject({ isLearner: true });
        await plan('learner');
        await promote(sample, leader, node);
        await expect
          .poll(async () => codes(await client.plan(cluster, upgrade)), { timeout: 20_000 })
          .toEqual([]);
        await expectMembers(sample, '3.5.35', '3.5');
        // The plans themselves have touched nothing: no log of a host has grown beyond what this test did.
        const after = await client.plan(cluster, upgrade);
        expect(after.kind).toBe('possible');

        expect(plans['alarm']).toMatchObject({ kind: 'refused' });
        expect(plans['alarm']?.refusals).toMatchObject([{ code: 'ALARM_NOSPACE', node: leader }]);
        expect(plans['unstarted']).toMatchObject({ kind: 'refused' });
        expect(codes(plans['unstarted'] ?? after)).toContain('UNSTARTED_MEMBER');
        expect(plans['learner']?.refusals.find((r) => r.code === 'LEARNER_LEFT_OVER')).toMatchObject({
          node,
        });
      },
    });
    expect(state.run.outcome).toBe('failed');
    expect(state.writes).toBeUndefined();
  });
});
