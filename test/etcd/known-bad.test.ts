import { expect, it } from 'vitest';
import { messageOf, type ClusterSpec, type NodeId } from '../../src/contracts/index.js';
import { inspectMembers } from '../../src/dev/etcd/inspect.js';
import type { EtcdSampleCluster } from '../../src/dev/etcd/sample-cluster.js';
import { until } from '../../src/dev/postgres/until.js';
import { runEtcdScenario } from '../../src/dev/scenario/etcd.js';
import { addMember, install, join, logOf, promote, replicates } from './support/by-hand.js';
import { minutes } from './support/proof.js';

const nodes: readonly NodeId[] = ['etcd-1', 'etcd-2', 'etcd-3'];

/** etcd-1 founds the cluster; the others join it as learners and are given their votes by 3.5.19. */
async function growByLearners(sample: EtcdSampleCluster): Promise<ClusterSpec> {
  for (const [i, node] of nodes.entries()) {
    if (i === 0) continue;
    await addMember(sample, 'etcd-1', node, { learner: true });
    await install(sample, node, '3.5.19');
    await join(sample, node, nodes.slice(0, i + 1));
    await promote(sample, 'etcd-1', node);
  }
  await replicates(sample, 'etcd-1', nodes);
  return sample.cluster;
}

const versions = async (sample: EtcdSampleCluster): Promise<string[]> =>
  (await inspectMembers(sample)).map((m) => (m.kind === 'answering' ? m.version : 'silent'));

/** It is started, and ends by itself with this word. */
async function dies(sample: EtcdSampleCluster, node: NodeId): Promise<void> {
  // Whether the start is told as failed depends on how soon it ends.
  await Promise.allSettled([sample.start(node)]);
  const fatal = /"level":"fatal".*"error":"membership: too many learner members in cluster"/;
  await expect.poll(() => logOf(sample, node), { timeout: 20_000 }).toMatch(fatal);
  await expect.poll(() => sample.pid(node).catch(messageOf)).toBe(`${node} does not run: it is stopped`);
}

it(
  'R-PLAN-2: 3.5.19 → 3.6.16 is refused by the path table, and what the table forbids would kill every member',
  minutes(5),
  async () => {
    const { state } = await runEtcdScenario({
      sample: { standalone: true, version: '3.5.19', artifacts: ['3.5.35', '3.6.16'] },
      before: growByLearners,
      after: async ({ sample }, { journals }) => {
        expect(Object.values(journals)).toEqual([[], [], []]);
        expect(await versions(sample)).toEqual(['3.5.19', '3.5.19', '3.5.19']);
        await sample.put('etcd-1', 'before', 'the upgrade');

        // The table is passed over from here on: by hand, one after the other, as the run would have done it.
        for (const node of nodes) {
          await sample.stop([node]);
          await install(sample, node, '3.6.16');
          await dies(sample, node);
        }
        expect(await versions(sample)).toEqual(['silent', 'silent', 'silent']);

        // By way of what the table names, the same data reaches 3.6.16.
        for (const version of ['3.5.35', '3.6.16']) {
          for (const node of nodes) await install(sample, node, version);
          await Promise.all(nodes.map((node) => sample.start(node)));
          await until(`every member serves on ${version}`, async () => {
            expect(await versions(sample)).toEqual(nodes.map(() => version));
            return (await sample.get('etcd-3', 'before')) === 'the upgrade';
          });
          await replicates(sample, await sample.leader(), nodes);
          if (version !== '3.6.16') await sample.stop();
        }
      },
    });
    expect(state.run.outcome).toBe('failed');
    expect(state.plan?.refusals).toEqual([
      expect.objectContaining({
        code: 'MISSING_WAYPOINT',
        message: expect.stringMatching(/3\.5\.19 → 3\.6\.16 must go by way of 3\.5\.35/) as string,
        remedy: expect.stringContaining('3.5.19 → 3.5.35 → 3.6.16') as string,
      }),
    ]);
  },
);
