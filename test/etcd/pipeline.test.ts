import { describe, expect, it } from 'vitest';
import { runEtcdScenario } from '../../src/dev/scenario/etcd.js';
import { inspectMembers } from '../../src/dev/etcd/inspect.js';

describe('R-SWITCH-5: etcd goes by one minor version at a time', () => {
  it('3.5.35 → 3.6.16 → 3.7.3 as one run, with two switches', { timeout: 300_000 }, async () => {
    const { state } = await runEtcdScenario({
      pipeline: {},
      // 3.7 reads no log entries that 3.5 wrote: a snapshot of 3.6 must have come after the last of them.
      sample: { args: ['--snapshot-count=50'] },
      during: async ({ until }) => {
        await until('the last stage has ended', (s) => s.pipeline?.stages[1]?.outcome !== undefined);
      },
      after: async ({ sample }) => {
        for (const member of await inspectMembers(sample)) {
          expect(member).toMatchObject({ version: '3.7.3', clusterVersion: '3.7.0', members: 3 });
        }
      },
    });
    expect(state.pipeline?.stages.map((s) => [s.to, s.outcome])).toEqual([
      ['3.6.16', 'completed'],
      ['3.7.3', 'completed'],
    ]);
    expect(state.writes).toMatchObject({ lost: 0, linearizability: { verdict: 'linearizable' } });
    expect(state.switches.map((s) => [s.from, s.to, s.nodesAtLevel.length])).toEqual([['3.6', '3.7', 3]]);
  });
});
