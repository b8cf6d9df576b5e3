import { afterAll, beforeAll, expect, test } from 'vitest';
import { known, nodeSpec, valueOf } from '../../../src/contracts/index.js';
import { prepareEtcd } from '../../../src/dev/etcd/binaries.js';
import { createEtcdSampleCluster } from '../../../src/dev/etcd/cluster.js';
import type { EtcdSampleCluster } from '../../../src/dev/etcd/sample-cluster.js';
import { until } from '../../../src/dev/postgres/until.js';
import { createLocalHost } from '../../../src/hosts/local/host.js';
import { launch } from '../../../src/systems/etcd/launch.js';
import { ctx, etcdSystem, groupIn, nodeIn } from './fixture.js';

const system = etcdSystem();
const { versionSwitch } = system;
let sample: EtcdSampleCluster;

beforeAll(async () => {
  await prepareEtcd('3.5.35');
  await prepareEtcd('3.6.16');
  sample = await createEtcdSampleCluster({ version: '3.6.16' });
}, 900_000);
afterAll(() => sample.destroy());

const lower = (to: string): Promise<void> =>
  versionSwitch?.lower(sample.cluster, to, ctx) ?? Promise.reject(new Error());
const cancel = (): Promise<void> => versionSwitch?.cancel(sample.cluster, ctx) ?? Promise.reject(new Error());
const level = async () => groupIn(await system.observe(sample.cluster, ctx)).level;

const onLevel = (wanted: string) =>
  until(
    `every node is on ${wanted}`,
    async () => {
      const view = await system.observe(sample.cluster, ctx);
      const nodes = sample.cluster.nodes.map(({ id }) => nodeIn(view, id));
      return (
        valueOf(groupIn(view).level?.active ?? known(undefined)) === wanted &&
        nodes.every((n) => n.level && valueOf(n.level) === wanted)
      );
    },
    20_000,
  );

async function replace(id: string, version: string): Promise<void> {
  const host = createLocalHost();
  const [node, spec] = [nodeSpec(sample.cluster, id), launch(sample.cluster, id)];
  const artifact = sample.cluster.artifacts[version];
  if (!artifact) throw new Error(`no artifact of ${version}`);
  await host.stop(node, spec, { timeoutMs: 30_000, pollMs: 20 }, ctx);
  await host.install(node, version, artifact, spec, ctx);
  await host.start(node, spec, ctx);
  await until(
    `${id} is healthy on ${version}`,
    async () => {
      const view = nodeIn(await system.observe(sample.cluster, ctx), id);
      return valueOf(view.version) === version && valueOf(view.serving) === true && valueOf(view.lag) === 0;
    },
    20_000,
  );
}

test('R-SWITCH-3: the level is lowered once, seen while it is under way, and raised again when it is cancelled', async () => {
  expect(await level()).toEqual({ active: known('3.6'), lowering: known(undefined) });
  await cancel();

  await lower('3.5');
  expect((await level())?.lowering).toEqual(known('3.5'));
  await lower('3.5');
  await onLevel('3.5');
  expect((await level())?.lowering).toEqual(known('3.5'));
  await lower('3.5');

  await cancel();
  expect((await level())?.lowering).toEqual(known(undefined));
  await cancel();
  await onLevel('3.6');
});

test('R-SWITCH-3: what etcd refuses is refused in its own words', async () => {
  await expect(lower('3.4')).rejects.toMatchObject({
    code: 'SYSTEM_REFUSED',
    message: expect.stringContaining('invalid downgrade target version') as string,
  });
  expect((await level())?.lowering).toEqual(known(undefined));
});

test('R-SWITCH-3: a lowering is seen and cancelled half-way, with a leader that does not tell it itself', async () => {
  await lower('3.5');
  await onLevel('3.5');
  await replace('etcd-1', '3.5.35');
  const before = await sample.leader();
  if (before !== 'etcd-1') {
    const { term } = await sample.status(before);
    const options = { candidates: ['etcd-1'], group: 'default', epoch: term, timeoutMs: 10_000, pollMs: 50 };
    await system.transfer?.transfer(sample.cluster, before, options, ctx);
  }
  expect(await sample.leader()).toBe('etcd-1');
  expect(await level()).toEqual({ active: known('3.5'), lowering: known('3.5') });
  await lower('3.5');
  await cancel();
  expect((await level())?.lowering).toEqual(known(undefined));
  await cancel();
  // A member of 3.5 keeps the cluster down: it is there already, without anything under way.
  await lower('3.5');
  expect(await level()).toEqual({ active: known('3.5'), lowering: known(undefined) });
  await replace('etcd-1', '3.6.16');
  await onLevel('3.6');
});

test('R-SWITCH-3: when every member has gone down etcd clears up by itself, and nothing is under way any more', async () => {
  await lower('3.5');
  await onLevel('3.5');
  for (const { id } of sample.cluster.nodes) await replace(id, '3.5.35');
  await until(
    'etcd has cleared up',
    async () =>
      (await level())?.lowering.kind === 'known' &&
      valueOf((await level())?.lowering ?? known('')) === undefined,
    30_000,
  );
  expect(await level()).toEqual({ active: known('3.5'), lowering: known(undefined) });
  const view = await system.observe(sample.cluster, ctx);
  expect(sample.cluster.nodes.map(({ id }) => nodeIn(view, id).level)).toEqual([
    known('3.5'),
    known('3.5'),
    known('3.5'),
  ]);
  await cancel();
  await lower('3.5');
}, 120_000);

test('R-SWITCH-3: 3.7 goes down to 3.6 and up again the same way', async () => {
  await prepareEtcd('3.7.3');
  const seven = await createEtcdSampleCluster({ version: '3.7.3', artifacts: ['3.7.3'] });
  try {
    const look = async () => groupIn(await system.observe(seven.cluster, ctx)).level;
    const active = (wanted: string) =>
      until(
        `3.7 is on ${wanted}`,
        async () => valueOf((await look())?.active ?? known('')) === wanted,
        20_000,
      );
    expect(await look()).toEqual({ active: known('3.7'), lowering: known(undefined) });
    await versionSwitch?.lower(seven.cluster, '3.6', ctx);
    expect((await look())?.lowering).toEqual(known('3.6'));
    await active('3.6');
    await versionSwitch?.cancel(seven.cluster, ctx);
    await active('3.7');
    expect((await system.observe(seven.cluster, ctx)).obstacles).toEqual([]);
  } finally {
    await seven.destroy();
  }
}, 300_000);
