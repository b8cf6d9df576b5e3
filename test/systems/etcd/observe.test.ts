import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { known, valueOf, type ClusterView } from '../../../src/contracts/index.js';
import { prepareEtcd } from '../../../src/dev/etcd/binaries.js';
import { createEtcdSampleCluster } from '../../../src/dev/etcd/cluster.js';
import type { EtcdSampleCluster } from '../../../src/dev/etcd/sample-cluster.js';
import { until } from '../../../src/dev/postgres/until.js';
import { ctx, etcdSystem, followersOf, groupIn, nodeIn } from './fixture.js';

const system = etcdSystem();
let sample: EtcdSampleCluster;
const observe = (): Promise<ClusterView> => system.observe(sample.cluster, ctx);

beforeAll(async () => {
  await prepareEtcd('3.5.35');
  sample = await createEtcdSampleCluster({ artifacts: ['3.5.35'], spares: ['etcd-4'] });
}, 900_000);
afterEach(async () => {
  for (const id of ['etcd-1', 'etcd-2', 'etcd-3']) await sample.resume(id);
  await until('the cluster is as it was', async () => {
    const view = await observe();
    return ['etcd-1', 'etcd-2', 'etcd-3'].every((id) => valueOf(nodeIn(view, id).lag) === 0);
  });
});
afterAll(() => sample.destroy());

const codes = (view: ClusterView): string[] => view.obstacles.map((o) => o.code);

test('R-PLAN-2: a healthy cluster is seen as it is, and a node that is no member yet is not taken for one', async () => {
  const leader = await sample.leader();
  const view = await observe();
  const group = groupIn(view);
  const status = await sample.status(leader);
  expect(view).toMatchObject({ system: 'etcd', positionUnit: 'entries', obstacles: [] });
  expect(group).toMatchObject({
    primaries: [leader],
    epoch: known(status.term),
    durability: known('quorum'),
    level: { active: known('3.5'), lowering: known(undefined) },
  });
  for (const id of ['etcd-1', 'etcd-2', 'etcd-3']) {
    expect(nodeIn(view, id)).toMatchObject({
      reachable: known(true),
      role: known(id === leader ? 'primary' : 'replica'),
      version: known('3.5.35'),
      serving: known(true),
      lag: known(0),
      inSync: known(true),
      upstream: known(id === leader ? undefined : leader),
      epoch: known(status.term),
      inFlight: known({ count: 0, oldestMs: 0 }),
      level: known('3.5'),
      stop: { verdict: 'pass' },
    });
  }
  expect(new Set(group.nodes.slice(0, 3).map((n) => valueOf(n.identity))).size).toBe(1);
  const spare = nodeIn(view, 'etcd-4');
  expect([spare.reachable.kind, spare.role.kind, spare.inSync.kind]).toEqual([
    'unknown',
    'unknown',
    'unknown',
  ]);
  expect(spare.reachable).toMatchObject({
    reason: expect.stringContaining('not in the member list') as string,
  });
  expect(spare.stop.verdict).toBe('unknown');
});

test('R-PLAN-2: to look at a cluster puts nothing into its log', async () => {
  const leader = await sample.leader();
  const before = (await sample.status(leader)).raftIndex;
  for (let i = 0; i < 5; i++) await observe();
  expect((await sample.status(leader)).raftIndex).toBe(before);
});

test('R-ROLL-3: a member that is stopped by SIGSTOP holds every other one', async () => {
  const leader = await sample.leader();
  const [stopped, other] = followersOf(sample, leader);
  await sample.pause(stopped);
  const view = await observe();
  expect(nodeIn(view, stopped)).toMatchObject({
    reachable: { kind: 'unknown' },
    role: { kind: 'unknown' },
    inSync: { kind: 'unknown' },
    lag: { kind: 'unknown' },
  });
  expect(groupIn(view).epoch.kind).toBe('known');
  expect(codes(view)).toEqual([]);
  // Two of three are left and a write needs two: neither of them may go, and the stopped one may.
  for (const id of [leader, other]) {
    const { stop } = nodeIn(view, id);
    expect(stop.verdict).toBe('hold');
    expect(stop.evidence).toContain(`${stopped} does not answer`);
  }
  expect(nodeIn(view, stopped).stop.verdict).toBe('pass');
});

test('R-PLAN-2: when quorum is lost nothing is known that only a quorum can say, and nothing may be stopped', async () => {
  const leader = await sample.leader();
  const [a, b] = followersOf(sample, leader);
  await sample.pause(a);
  await sample.pause(b);
  const view = await observe();
  const group = groupIn(view);
  expect(codes(view)).toContain('NO_QUORUM');
  expect(codes(view)).toContain('MEMBERS_UNKNOWN');
  expect(group.epoch.kind).toBe('unknown');
  expect(group.level?.lowering.kind).toBe('unknown');
  expect(valueOf(nodeIn(view, leader).serving)).not.toBe(true);
  for (const node of group.nodes) expect(node.stop.verdict).not.toBe('pass');
});
