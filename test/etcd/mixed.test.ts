import { expect, it } from 'vitest';
import type { NodeId } from '../../src/contracts/index.js';
import type { EtcdSampleCluster } from '../../src/dev/etcd/sample-cluster.js';
import { until } from '../../src/dev/postgres/until.js';
import { runEtcdScenario } from '../../src/dev/scenario/etcd.js';
import {
  addMember,
  emptyData,
  join,
  logOf,
  promote,
  removeMember,
  replicates,
  transferLeadership,
} from './support/by-hand.js';
import {
  approveUntil,
  everyReplacement,
  expectMembers,
  expectProof,
  minutes,
  nodeOf,
  starts,
} from './support/proof.js';

const three: readonly NodeId[] = ['etcd-1', 'etcd-2', 'etcd-3'];
const but = (...ids: readonly NodeId[]): readonly NodeId[] => three.filter((id) => !ids.includes(id));
const one = ([id]: readonly NodeId[]): NodeId => id ?? '';

/** SIGKILL to the leader: the others elect one of them, it comes back, and what is written arrives everywhere. */
async function killLeader(sample: EtcdSampleCluster, leader: NodeId): Promise<NodeId> {
  const { term } = await sample.status(leader);
  await sample.kill(leader);
  const elected = await sample.leader();
  expect((await sample.status(elected)).term).toBeGreaterThan(term);
  await replicates(sample, elected, but(leader));
  await sample.start(leader);
  await replicates(sample, elected, three);
  return elected;
}

/** Leadership goes to `to`, and it serves: what it writes is on every member. */
async function lead(sample: EtcdSampleCluster, to: NodeId): Promise<void> {
  await transferLeadership(sample, to);
  await replicates(sample, to, three);
}

/**
 * The member is taken out, loses its log and data, and comes back as a new one: its leader has compacted the entries
 * that it lacks and sends everything in one snapshot.
 */
async function replaceEmptied(
  sample: EtcdSampleCluster,
  node: NodeId,
  { leader, learner }: { leader: NodeId; learner: boolean },
): Promise<void> {
  const heard = (await logOf(sample, node)).length;
  await sample.stop([node]);
  await removeMember(sample, leader, node);
  expect(await sample.members(leader)).toHaveLength(2);
  await emptyData(sample, node);
  await addMember(sample, leader, node, { learner });
  await join(sample, node, three);
  const sender = BigInt((await sample.status(leader)).memberId).toString(16);
  await until(`${node} has a snapshot from ${leader}`, async () =>
    (await logOf(sample, node))
      .slice(heard)
      .split('\n')
      .some((l) => l.includes('received and saved database snapshot') && l.includes(`"${sender}"`)),
  );
  if (learner) await promote(sample, leader, node);
  await replicates(sample, leader, three);
  expect(await sample.get(node, 'before', { local: true })).toBe('the run');
  expect((await sample.status(leader)).isLeader).toBe(true);
}

it(
  'R-ROLL-10: while versions are mixed, either version leads, is elected, sends and reads snapshots, and members come and go',
  minutes(5),
  async () => {
    const seen: string[] = [];
    const result = await runEtcdScenario({
      // A restarted leader has in its log only what came after its last snapshot.
      sample: { args: ['--snapshot-count=50', '--experimental-snapshot-catchup-entries=10'] },
      upgrade: { approvals: { before: everyReplacement } },
      before: async (sample) => {
        await sample.put('etcd-1', 'before', 'the run');
        return sample.cluster;
      },
      during: async (context) => {
        const { sample } = context;
        const isReplacement = (step: string) => step.startsWith('replace/');
        const versionOf = async (node: NodeId) => (await sample.status(node)).version.slice(0, 3);
        const first = await approveUntil(context, isReplacement);
        const second = await approveUntil(context, (s) => isReplacement(s) && s !== first);

        // One new member, two old ones.
        const [fresh, next] = [nodeOf(first), nodeOf(second)];
        const old = one(but(fresh, next));
        await lead(sample, fresh);
        await lead(sample, old);
        await lead(sample, fresh);
        await replaceEmptied(sample, next, { leader: fresh, learner: false });
        seen.push(`snapshot ${await versionOf(fresh)} → ${await versionOf(next)}`);
        const oldElected = await killLeader(sample, fresh);
        seen.push(`${await versionOf(oldElected)} elected`);
        await lead(sample, old);

        // Two new members, one old one.
        const third = await approveUntil(context, (s) => isReplacement(s) && s !== first && s !== second);
        expect(nodeOf(third)).toBe(old);
        await lead(sample, old);
        const newElected = await killLeader(sample, old);
        seen.push(`${await versionOf(newElected)} elected`);
        await lead(sample, old);
        await replaceEmptied(sample, next, { leader: old, learner: true });
        seen.push(`snapshot ${await versionOf(old)} → ${await versionOf(next)}`);
        // The run asked for the last member when another one led: it has to see that this is so no more.
        await approveUntil(context);
      },
      after: ({ sample }) => expectMembers(sample, '3.6.16', '3.6'),
    });
    expect(seen).toEqual(['snapshot 3.6 → 3.5', '3.5 elected', '3.6 elected', 'snapshot 3.5 → 3.6']);
    expectProof(result.state, 'completed');
    expect(starts(result)).toEqual({ 'etcd-1': 1, 'etcd-2': 1, 'etcd-3': 1 });
  },
);
