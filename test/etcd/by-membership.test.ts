import { describe, expect, it } from 'vitest';
import type { NodeId, RunState } from '../../src/contracts/index.js';
import { RollingUpgradeSpec } from '../../src/contracts/spec.js';
import { inspectMembers } from '../../src/dev/etcd/inspect.js';
import type { EtcdSampleCluster } from '../../src/dev/etcd/sample-cluster.js';
import { runEtcdScenario } from '../../src/dev/scenario/etcd.js';
import { patience, survives } from '../support/crash.js';
import { expectBefore, only, withData } from './support/data.js';
import { expectMembers, expectProof, minutes, starts } from './support/proof.js';

const old: readonly NodeId[] = ['etcd-1', 'etcd-2', 'etcd-3'];
const fresh: readonly NodeId[] = ['etcd-4', 'etcd-5', 'etcd-6'];
const replacements: Readonly<Record<NodeId, NodeId>> = {
  ...{ 'etcd-1': 'etcd-4', 'etcd-2': 'etcd-5', 'etcd-3': 'etcd-6' },
};
const strategy = { strategy: 'by-membership', replacements };
const sample = { spares: fresh };

const none = Object.fromEntries(old.map((id) => [id, 0]));
const all = Object.fromEntries(fresh.map((id) => [id, 1]));

const membersOf = async (cluster: EtcdSampleCluster, by: NodeId): Promise<string[]> =>
  (await cluster.members(by)).map((m) => m.name).sort();

const answering = async (cluster: EtcdSampleCluster): Promise<NodeId[]> =>
  (await inspectMembers(cluster)).filter((m) => m.kind === 'answering').map((m) => m.node);

const taken = (state: RunState): string[] => state.steps.map((s) => s.id);

describe.concurrent('R-ROLL-11: new members on the target join, old ones are removed', () => {
  it(
    'the former leader last, asked before the last removal; after the switch there is no way back by membership',
    minutes(5),
    async () => {
      let leader = '';
      const result = await runEtcdScenario({
        sample,
        upgrade: {
          ...strategy,
          switch: { approval: true },
          approvals: { before: ['finish'] },
          onFailure: 'wait',
        },
        before: withData,
        during: async ({ sample, until, handle }) => {
          const waits = await until('the switch waits', (s) => s.waiting?.step === 'switch/default');
          const [left = '', ...others] = await membersOf(sample, 'etcd-4');
          expect(others).toEqual(fresh);
          // The last old one is the one that led; a leader that moves by itself meanwhile is no fault.
          leader = left;
          expect(fresh).toContain(await sample.leader());
          const facts = await inspectMembers(only(sample, [leader, ...fresh]));
          expect(facts.map((f) => f.kind === 'answering' && f.clusterVersion)).toEqual(
            facts.map(() => '3.5.0'),
          );
          await handle.approve({ by: 'ann', planHash: waits.plan?.hash });

          await until('it is done', (s) => s.waiting?.step === 'finish');
          await handle.rollback({ by: 'ann', reason: 'to see that it is refused' });
          const blocked = await until('it is refused', (s) => s.phase === 'blocked');
          expect(blocked.failure).toMatchObject({
            code: 'STUCK',
            remedy: expect.stringContaining('strategy in-place') as string,
          });
          await handle.abort({ by: 'ann' });
        },
        after: async ({ sample, client, cluster }) => {
          await expectMembers(only(sample, fresh), '3.6.16', '3.6');
          await expectBefore(sample, fresh);
          expect(await answering(sample)).toEqual(fresh);
          const upgrade = (to: string, exchanged: Readonly<Record<NodeId, NodeId>>) =>
            RollingUpgradeSpec.parse({
              ...{ name: 'u', cluster: cluster.name, to },
              ...{ ...strategy, replacements: exchanged },
            });
          expect((await client.plan(cluster, upgrade('3.6.16', replacements))).kind).toBe('done');
          const back = Object.fromEntries(Object.entries(replacements).map(([o, f]) => [f, o]));
          const down = await client.plan(cluster, upgrade('3.5.35', back));
          expect(down.kind).toBe('refused');
          expect(down.refusals.map((r) => r.code)).toContain('DOWNGRADE_IN_PLACE_ONLY');
        },
      });
      const { state } = result;
      expectProof(state, 'aborted');
      expect(state.plan?.pointOfNoReturn).toBe('switch/default');
      const removed = taken(state).filter((id) => id.startsWith('remove/'));
      expect(removed).toHaveLength(3);
      expect(removed.at(-1)).toBe(`remove/${leader}`);
      expect(taken(state).indexOf('switch/default')).toBe(taken(state).indexOf(`remove/${leader}`) - 1);
      expect(state.handovers).toMatchObject([{ from: leader, result: 'done' }]);
      expect(starts(result)).toEqual({ ...none, ...all });
    },
  );

  it('R-SAGA-5: rolled back before the switch, the old members join again', minutes(5), async () => {
    const result = await runEtcdScenario({
      sample,
      upgrade: { ...strategy, switch: { approval: true } },
      before: withData,
      during: async ({ until, handle }) => {
        await until('the switch waits', (s) => s.waiting?.step === 'switch/default');
        await handle.rollback({ by: 'ann', reason: 'not today' });
      },
      after: async ({ sample }) => {
        await expectMembers(only(sample, old), '3.5.35', '3.5');
        await expectBefore(sample, old);
        expect(await answering(sample)).toEqual(old);
      },
    });
    const { state } = result;
    expectProof(state, 'rolled-back');
    // Two had been removed, and came back; the leader had only handed over.
    expect(Object.values(starts(result)).sort()).toEqual([0, 1, 1, 1, 1, 1]);
    expect(state.switches.every((s) => s.at === undefined)).toBe(true);
  });
});

describe('R-SAGA-1: the worker is killed directly before and after every changing activity', () => {
  it('of an upgrade by membership', patience, () => survives('by-membership'));
});
