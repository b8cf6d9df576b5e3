import { mkdir } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { known, nodeSpec, type ClusterSpec, type ClusterView } from '../../../src/contracts/index.js';
import { prepareEtcd } from '../../../src/dev/etcd/binaries.js';
import { createEtcdSampleCluster } from '../../../src/dev/etcd/cluster.js';
import type { EtcdSampleCluster } from '../../../src/dev/etcd/sample-cluster.js';
import { until } from '../../../src/dev/postgres/until.js';
import { createLocalHost } from '../../../src/hosts/local/host.js';
import { layoutOf } from '../../../src/hosts/local/layout.js';
import { encode } from '../../../src/systems/etcd/client.js';
import { launch } from '../../../src/systems/etcd/launch.js';
import { createEtcdSystem } from '../../../src/systems/etcd/system.js';
import { ctx, etcdSystem, nodeIn } from './fixture.js';

const system = etcdSystem();
let sample: EtcdSampleCluster;
const observe = (cluster: ClusterSpec = sample.cluster): Promise<ClusterView> => system.observe(cluster, ctx);

beforeAll(async () => {
  await prepareEtcd('3.6.16');
  sample = await createEtcdSampleCluster({ version: '3.6.16', artifacts: ['3.6.16'], spares: ['etcd-4'] });
}, 900_000);
afterAll(() => sample.destroy());

/** As an operator would, by etcd's own interface. */
async function call(path: string, body: object): Promise<unknown> {
  const answer = await fetch(`http://${nodeSpec(sample.cluster, 'etcd-1').address}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  return answer.json();
}

const short = (view: ClusterView): string[] =>
  view.obstacles.map((o) => [o.code, o.node].filter(Boolean).join(' '));

test.each(['NOSPACE', 'CORRUPT'])(
  'R-PLAN-2: the alarm %s is named with the member that raised it',
  async (alarm) => {
    const { memberId } = await sample.status('etcd-2');
    await call('/v3/maintenance/alarm', { action: 'ACTIVATE', memberID: memberId, alarm });
    const view = await observe();
    expect(short(view)).toEqual([`ALARM_${alarm} etcd-2`]);
    expect(view.obstacles[0]?.remedy).toContain('disarm the alarm');
    await call('/v3/maintenance/alarm', { action: 'DEACTIVATE', memberID: memberId, alarm });
    expect(short(await observe())).toEqual([]);
  },
);

test('R-PLAN-2: an address that answers as another member is refused, and nothing is known of the node', async () => {
  const [one, two, ...others] = sample.cluster.nodes;
  if (!one || !two) throw new Error('three nodes are needed');
  const swapped = [{ ...one, address: two.address }, { ...two, address: one.address }, ...others];
  const view = await observe({ ...sample.cluster, nodes: swapped });
  expect(short(view)).toEqual(['WRONG_ADDRESS etcd-1', 'WRONG_ADDRESS etcd-2']);
  expect(nodeIn(view, 'etcd-1').role.kind).toBe('unknown');
  expect(nodeIn(view, 'etcd-1').stop.verdict).toBe('unknown');
});

test('R-PLAN-2: a member that never started, a learner left over and a member of nobody are refused by name', async () => {
  const { cluster } = sample;
  const peer = (cluster.settings as { peers: Record<string, string> }).peers['etcd-4'];
  // etcd takes a new member only when all have been connected for 5 s.
  await until(
    'etcd takes a member',
    async () => {
      await call('/v3/cluster/member/add', { peerURLs: [`http://${peer ?? ''}`], isLearner: true });
      return true;
    },
    20_000,
  );
  expect(short(await observe())).toEqual(['UNSTARTED_MEMBER etcd-4']);

  const known3 = { ...cluster, nodes: cluster.nodes.filter((n) => n.id !== 'etcd-4') };
  expect(short(await observe(known3))).toEqual(['FOREIGN_MEMBER', 'UNSTARTED_MEMBER']);

  const host = createLocalHost();
  const node = nodeSpec(cluster, 'etcd-4');
  const artifact = cluster.artifacts['3.6.16'];
  if (!artifact) throw new Error('no artifact');
  await mkdir(layoutOf(node).dataDir, { recursive: true, mode: 0o700 });
  await host.install(node, '3.6.16', artifact, launch(cluster, 'etcd-4'), ctx);
  await host.start(node, launch(cluster, 'etcd-4'), ctx);
  await until('the learner has started', async () =>
    short(await observe()).includes('LEARNER_LEFT_OVER etcd-4'),
  );
  await until('the learner answers', async () => nodeIn(await observe(), 'etcd-4').role.kind === 'known');
  const view = await observe();
  expect(short(view)).toEqual(['LEARNER_LEFT_OVER etcd-4']);
  expect(nodeIn(view, 'etcd-4')).toMatchObject({
    role: known('learner'),
    serving: known(true),
    inSync: known(false),
    upstream: known(await sample.leader()),
    // It has no vote: the voters keep their quorum without it.
    stop: { verdict: 'pass' },
  });
});

test('R-PLAN-2: a cluster with authentication refuses a user that may not ask, by name, and answers one that may', async () => {
  const password = 'canary-of-a-password';
  await call('/v3/auth/user/add', { name: 'root', password });
  await call('/v3/auth/role/add', { name: 'root' });
  await call('/v3/auth/user/grant', { user: 'root', role: 'root' });
  await call('/v3/auth/enable', {});

  const refused = await observe();
  expect(short(refused)).toEqual(expect.arrayContaining(['AUTH_REFUSED etcd-1', 'AUTH_REFUSED etcd-2']));
  expect(nodeIn(refused, 'etcd-1').reachable).toEqual(known(true));
  expect(nodeIn(refused, 'etcd-1').role.kind).toBe('unknown');

  const host = createLocalHost();
  const secrets = { resolve: () => Promise.resolve(password), redact: (text: string) => text };
  const asRoot = createEtcdSystem({ host: () => host, secrets });
  const cluster = {
    ...sample.cluster,
    settings: { ...sample.cluster.settings, user: 'root', password: 'env:ETCD_PASSWORD' },
  };
  const view = await asRoot.observe(cluster, ctx);
  expect(short(view)).toEqual(['LEARNER_LEFT_OVER etcd-4']);
  expect(nodeIn(view, 'etcd-2').serving).toEqual(known(true));

  const probe = asRoot.probe?.connect(cluster, { name: 'test' });
  const write = await probe?.write({ runId: 'run', writer: 0, seq: 1 }, 5000);
  await probe?.close();
  expect(write).toEqual({ kind: 'acknowledged' });
  const unauthorized = system.probe?.connect(sample.cluster, { name: 'test' });
  const refusedWrite = await unauthorized?.write({ runId: 'run', writer: 0, seq: 2 }, 5000);
  await unauthorized?.close();
  expect(refusedWrite).toMatchObject({
    kind: 'refused',
    reason: expect.stringContaining('user name is empty') as string,
  });
  expect(JSON.stringify([refused, view, refusedWrite])).not.toContain(password);
  expect(JSON.stringify(view)).not.toContain(encode(password));
});
