import { describe, expect, it } from 'vitest';
import type { NodeId, RunState } from '../../src/contracts/index.js';
import { RollingUpgradeSpec } from '../../src/contracts/spec.js';
import { inspectMembers } from '../../src/dev/etcd/inspect.js';
import type { EtcdSampleCluster } from '../../src/dev/etcd/sample-cluster.js';
import { runEtcdScenario } from '../../src/dev/scenario/etcd.js';
import {
  approveUntil,
  everyReplacement,
  expectMembers,
  expectProof,
  minutes,
  nodeOf,
  starts,
} from './support/proof.js';

const three = ['etcd-1', 'etcd-2', 'etcd-3'];

/** Node → its version and level, by its own word. */
const stand = async (sample: EtcdSampleCluster): Promise<Record<NodeId, string>> =>
  Object.fromEntries(
    (await inspectMembers(sample)).map((m) => [
      m.node,
      m.kind === 'answering' ? `${m.version} on ${m.clusterVersion}` : 'silent',
    ]),
  );

const switches = (state: RunState) =>
  state.switches.map(({ how, to, at, nodesAtLevel }) => ({ how, to, on: at && [...nodesAtLevel].sort() }));

describe('R-SWITCH-3: the downgrade is the way back', () => {
  it(
    'R-SAGA-5: rolled back after the switch, every member ends on 3.5.35 and level 3.5',
    minutes(5),
    async () => {
      const result = await runEtcdScenario({
        upgrade: { approvals: { before: ['finish'] } },
        during: async ({ sample, until, handle }) => {
          await until('the switch is done', (s) => s.waiting?.step === 'finish');
          await expectMembersOf(sample, '3.6.16 on 3.6.0');
          await handle.rollback({ by: 'ann', reason: 'the new version is not wanted' });
        },
        after: ({ sample }) => expectMembers(sample, '3.5.35', '3.5'),
      });
      const { state } = result;
      expectProof(state, 'rolled-back');
      expect(switches(state)).toEqual([
        { how: 'by-last-node', to: '3.6', on: three },
        { how: 'lower', to: '3.5', on: three },
      ]);
      expect(starts(result)).toEqual({ 'etcd-1': 2, 'etcd-2': 2, 'etcd-3': 2 });
      expect(state.backups.map((b) => b.name)).toEqual([
        'before-start',
        'before-level-3.6',
        'before-level-3.5',
      ]);
      expect(state.handovers.map((h) => h.result)).toEqual(['done', 'done']);
    },
  );

  it(
    'a downgrade is left half-way, and the next run withdraws it and brings everything up',
    minutes(5),
    async () => {
      let changed = '';
      const result = await runEtcdScenario({
        sample: { version: '3.6.16' },
        upgrade: { to: '3.5.35', approvals: { before: everyReplacement } },
        during: async (context) => {
          const first = await approveUntil(context, (step) => step.startsWith('replace/'));
          changed = nodeOf(first);
          const second = await approveUntil(context, (step) => step.startsWith('replace/') && step !== first);
          expect(second).not.toBe(first);
          await context.handle.abort({ by: 'ann', reason: 'half-way' });
        },
        after: async ({ sample, client, cluster }, { state }) => {
          expectProof(state, 'aborted');
          expect(await stand(sample)).toEqual(
            Object.fromEntries(three.map((id) => [id, `${id === changed ? '3.5.35' : '3.6.16'} on 3.5.0`])),
          );
          const handle = await client.start({
            cluster,
            upgrade: RollingUpgradeSpec.parse({
              ...{ name: 'up-again', cluster: cluster.name, to: '3.6.16', soak: '300ms' },
              switch: { approval: false },
              probe: { writers: 4, interval: '10ms' },
            }),
          });
          const again = await handle.wait({ timeoutMs: 90_000 });
          expectProof(again, 'completed');
          expect(again.plan?.steps.map((s) => s.id)).toEqual([
            'prepare',
            'cancel/default',
            'switch/default',
            `replace/${changed}`,
            'finish',
          ]);
          expect(switches(again)).toMatchObject([
            { how: 'cancel', to: '3.6' },
            { how: 'by-last-node', to: '3.6', on: three },
          ]);
          await expectMembers(sample, '3.6.16', '3.6');
        },
      });
      expect(starts(result)).toEqual(Object.fromEntries(three.map((id) => [id, id === changed ? 1 : 0])));
      expect(result.state.handovers).toEqual([]);
    },
  );

  it(
    'R-SWITCH-4, R-SAGA-3: an approval of the switch that expires or is refused leaves every member on level 3.5',
    minutes(5),
    async () => {
      let last = '';
      const result = await runEtcdScenario({
        upgrade: { switch: { approval: true }, approvals: { expireAfter: '4s' }, onFailure: 'wait' },
        during: async ({ sample, until, handle }) => {
          const blocked = (code: string) =>
            until(`blocked by ${code}`, (s) => s.phase === 'blocked' && s.failure?.code === code);
          const waiting = await until('the switch waits', (s) => s.waiting?.step === 'switch/default');
          last = waiting.nodes.find((n) => n.status === 'pending')?.id ?? '';
          const before = await stand(sample);
          await blocked('APPROVAL_EXPIRED');
          await handle.retry({ by: 'ann', reason: 'to be asked again' });
          await until('the switch waits again', (s) => s.waiting?.step === 'switch/default');
          await handle.reject({ by: 'ann', reason: 'not today' });
          await blocked('APPROVAL_REJECTED');
          expect(await stand(sample)).toEqual(before);
          expect(before).toEqual(
            Object.fromEntries(three.map((id) => [id, `${id === last ? '3.5.35' : '3.6.16'} on 3.5.0`])),
          );
          await handle.rollback({ by: 'ann', reason: 'not today' });
        },
        after: ({ sample }) => expectMembers(sample, '3.5.35', '3.5'),
      });
      const { state } = result;
      expectProof(state, 'rolled-back');
      expect(starts(result)).toEqual(Object.fromEntries(three.map((id) => [id, id === last ? 0 : 2])));
      // Nothing has switched, so nothing had to be lowered.
      expect(switches(state)).toEqual([{ how: 'by-last-node', to: '3.6', on: undefined }]);
      expect(state.decisions.map((d) => d.action)).toEqual([
        'approval-expired',
        'retry',
        'reject',
        'rollback',
      ]);
    },
  );
});

async function expectMembersOf(sample: EtcdSampleCluster, wanted: string): Promise<void> {
  expect(await stand(sample)).toEqual(Object.fromEntries(three.map((id) => [id, wanted])));
}
