import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { valueOf, type NodeId, type Promotion } from '../../../src/contracts/index.js';
import { prepareEtcd } from '../../../src/dev/etcd/binaries.js';
import { createEtcdSampleCluster } from '../../../src/dev/etcd/cluster.js';
import type { EtcdSampleCluster } from '../../../src/dev/etcd/sample-cluster.js';
import { until } from '../../../src/dev/postgres/until.js';
import { createEtcdClient } from '../../../src/systems/etcd/client.js';
import { createScratch } from '../../../src/systems/etcd/scratch.js';
import { codeOf, ctx, etcdSystem, followersOf, nodeIn, noSecrets } from './fixture.js';
import { flapping } from './flapping.js';

const system = etcdSystem();
let sample: EtcdSampleCluster;

beforeAll(async () => {
  await prepareEtcd('3.5.35');
  sample = await createEtcdSampleCluster({ artifacts: ['3.5.35'] });
}, 900_000);
afterEach(async () => {
  for (const { id } of sample.cluster.nodes) await sample.resume(id);
  await until('the cluster is as it was', async () => {
    const view = await system.observe(sample.cluster, ctx);
    return (
      view.obstacles.length === 0 &&
      sample.cluster.nodes.every(({ id }) => valueOf(nodeIn(view, id).lag) === 0)
    );
  });
});
afterAll(() => sample.destroy());

const transfer = (
  from: NodeId,
  candidates: readonly NodeId[],
  epoch: number,
  timeoutMs = 10_000,
): Promise<Promotion> => {
  if (!system.transfer) throw new Error('etcd has a transfer');
  const options = { candidates, group: 'default', epoch, timeoutMs, pollMs: 50 };
  return system.transfer.transfer(sample.cluster, from, options, ctx);
};

test('R-ROLL-7: leadership goes to the candidate in a later term, and a second call finds it done', async () => {
  const from = await sample.leader();
  const [to, other] = followersOf(sample, from);
  const { term } = await sample.status(from);
  const promotion = await transfer(from, [to], term);
  expect(promotion).toMatchObject({ group: 'default', node: to });
  expect(promotion.epoch).toBeGreaterThan(term);
  expect(await sample.leader()).toBe(to);

  const again = await transfer(from, [to, other], term);
  expect(again).toMatchObject({ node: to, epoch: promotion.epoch });
  expect((await sample.status(to)).term).toBe(promotion.epoch);

  const back = await transfer(to, [from], promotion.epoch);
  expect(back).toMatchObject({ node: from });
  expect(back.epoch).toBeGreaterThan(promotion.epoch);
});

test('R-ROLL-8: leadership that went elsewhere by itself is not moved a second time', async () => {
  const from = await sample.leader();
  const [moved, candidate] = followersOf(sample, from);
  const { term } = await sample.status(from);
  await transfer(from, [moved], term);
  const after = (await sample.status(moved)).term;
  expect(await codeOf(transfer(from, [candidate], term))).toBe('PRIMARY_MOVED');
  expect(await sample.leader()).toBe(moved);
  expect((await sample.status(moved)).term).toBe(after);
});

test('R-ROLL-8: a candidate that is stopped is passed over, and when there is no other the leader stays', async () => {
  const from = await sample.leader();
  const [stopped, other] = followersOf(sample, from);
  const { term } = await sample.status(from);
  await sample.pause(stopped);
  expect(await codeOf(transfer(from, [stopped], term, 3000))).toBe('CANDIDATE_BEHIND');
  expect(await sample.leader()).toBe(from);
  expect((await sample.status(from)).term).toBe(term);
  const promotion = await transfer(from, [stopped, other], term);
  expect(promotion.node).toBe(other);
});

test('R-ROLL-8: without a quorum nothing is claimed', async () => {
  const from = await sample.leader();
  const [a, b] = followersOf(sample, from);
  const { term } = await sample.status(from);
  await sample.pause(a);
  await sample.pause(b);
  expect(['CANDIDATE_BEHIND', 'PROMOTION_UNVERIFIED']).toContain(
    await codeOf(transfer(from, [a, b], term, 3000)),
  );
});

test('R-ROLL-7: a node is seen to follow the leader, and not to follow another', async () => {
  const leader = await sample.leader();
  const [a, b] = followersOf(sample, leader);
  await system.follow(sample.cluster, a, leader, ctx);
  const soon = { ...ctx, signal: AbortSignal.timeout(1000) };
  await expect(system.follow(sample.cluster, a, b, soon)).rejects.toThrow();
});

test('R-ROLL-5: a member comes back with its data only', async () => {
  await system.startAsReplica(sample.cluster, 'etcd-1', 'etcd-2', ctx);
  const [one, ...others] = sample.cluster.nodes;
  if (!one) throw new Error('there are nodes');
  const dataDir = join(sample.directory, 'nothing-here');
  const cluster = { ...sample.cluster, nodes: [{ ...one, host: { ...one.host, dataDir } }, ...others] };
  expect(await codeOf(system.startAsReplica(cluster, 'etcd-1', 'etcd-2', ctx))).toBe('SYSTEM_REFUSED');
  await mkdir(dataDir);
  expect(await codeOf(system.startAsReplica(cluster, 'etcd-1', 'etcd-2', ctx))).toBe('SYSTEM_REFUSED');
});

test('R-SPEC-2: settings are read when a member starts, and not changed while it runs', async () => {
  const { settings } = system;
  expect(await codeOf(settings.read(sample.cluster, 'etcd-1', 'quota', ctx))).toBe('SYSTEM_REFUSED');
  expect(await codeOf(settings.write(sample.cluster, 'etcd-1', 'quota', '1', ctx))).toBe('SYSTEM_REFUSED');
});

test('R-ROLL-7: a canary is shown by the copy of each node, and not by one that is stopped', async () => {
  const leader = await sample.leader();
  const [a, b] = followersOf(sample, leader);
  await system.scratch.create(sample.cluster, ctx);
  await system.scratch.create(sample.cluster, ctx);
  const prove = (token: string, timeoutMs: number) =>
    system.scratch.prove(sample.cluster, { token, from: leader, on: [a, b], timeoutMs, pollMs: 20 }, ctx);
  expect((await prove('one', 5000)).seenOn).toEqual([a, b]);
  await sample.pause(a);
  expect((await prove('two', 1500)).seenOn).toEqual([b]);
  await sample.resume(a);
  await sample.put(leader, 'someone/else', 'stays');
  await system.scratch.drop(sample.cluster, ctx);
  await system.scratch.drop(sample.cluster, ctx);
  expect(await sample.get(leader, 'rollgate/canary/one')).toBeUndefined();
  expect(await sample.get(leader, 'rollgate/~owner')).toBeUndefined();
  expect(await sample.get(leader, 'someone/else')).toBe('stays');
});

test('R-ROLL-7: a canary of which no answer came is written again; a refusal is told', async () => {
  const leader = await sample.leader();
  const client = createEtcdClient(noSecrets);
  const canary = { from: leader, on: followersOf(sample, leader), timeoutMs: 5000, pollMs: 20 };
  try {
    await system.scratch.create(sample.cluster, ctx);
    for (const carriedOut of [false, true]) {
      const through = flapping(client, /kv\/(put|range)/, carriedOut, 4);
      const token = `cut-${carriedOut}`;
      const { seenOn } = await createScratch(through).prove(sample.cluster, { ...canary, token }, ctx);
      expect(seenOn).toEqual(canary.on);
      expect(through.asked()).toBe(4);
    }
    const tooLong = 'x'.repeat(2 * 1024 * 1024);
    const refused = system.scratch.prove(sample.cluster, { ...canary, token: tooLong }, ctx);
    expect(await codeOf(refused)).toBe('SYSTEM_REFUSED');
  } finally {
    await system.scratch.drop(sample.cluster, ctx);
    await client.close();
  }
});

test('R-SAGA-1: keys below the prefix that are not ours are neither used nor removed', async () => {
  const leader = await sample.leader();
  await sample.put(leader, 'rollgate/mine', 'x');
  expect(await codeOf(system.scratch.create(sample.cluster, ctx))).toBe('SYSTEM_REFUSED');
  expect(await codeOf(system.scratch.drop(sample.cluster, ctx))).toBe('SYSTEM_REFUSED');
  expect(await sample.get(leader, 'rollgate/mine')).toBe('x');
  const elsewhere = { ...sample.cluster, settings: { ...sample.cluster.settings, scratchPrefix: 'other/' } };
  await system.scratch.create(elsewhere, ctx);
  await system.scratch.drop(elsewhere, ctx);
});
