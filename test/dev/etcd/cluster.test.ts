import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { NodeSpec, type NodeId } from '../../../src/contracts/index.js';
import { prepareEtcd } from '../../../src/dev/etcd/binaries.js';
import { createEtcdSampleCluster, type EtcdSampleClusterOptions } from '../../../src/dev/etcd/cluster.js';
import { etcdSampleContext } from '../../../src/dev/etcd/context.js';
import { inspectMembers } from '../../../src/dev/etcd/inspect.js';
import { openEtcdSampleCluster, type EtcdSampleCluster } from '../../../src/dev/etcd/sample-cluster.js';
import { freePort } from '../../../src/dev/free-port.js';
import { createLocalHost } from '../../../src/hosts/local/host.js';
import { processFacts } from '../../../src/hosts/local/process-facts.js';
import { loadSpecs } from '../../../src/spec/index.js';

const made: EtcdSampleCluster[] = [];
beforeAll(async () => {
  for (const version of ['3.5.35', '3.6.16'] as const)
    await prepareEtcd(version, (line) => console.error(line));
}, 900_000);
afterEach(async () => {
  for (const sample of made.splice(0)) await sample.destroy();
});

async function sampleOf(options: EtcdSampleClusterOptions): Promise<EtcdSampleCluster> {
  const sample = await createEtcdSampleCluster(options);
  made.push(sample);
  return sample;
}

/** A zombie is not: it waits for this test process, which has started it, to notice. */
const isAlive = async (pid: number): Promise<boolean> => (await processFacts(pid)) !== undefined;

const facts = async (sample: EtcdSampleCluster, node: NodeId) =>
  (await inspectMembers(sample)).find((each) => each.node === node);

test.each(['3.5.35', '3.6.16'] as const)(
  'a sample cluster on %s is three voters of one cluster that replicate, agree on the version and tell it',
  async (version) => {
    const sample = await sampleOf({ version, spares: ['etcd-4'] });
    const leader = await sample.leader();
    await sample.put('etcd-1', 'rollgate/a', 'one');
    expect(await sample.get('etcd-3', 'rollgate/a')).toBe('one');

    const said = await inspectMembers(sample);
    const level = version.replace(/\.\d+$/, '.0');
    expect(said.slice(0, 3)).toEqual(
      ['etcd-1', 'etcd-2', 'etcd-3'].map((node) => ({
        kind: 'answering',
        node,
        version,
        isLeader: node === leader,
        isLearner: false,
        term: expect.any(Number) as number,
        clusterVersion: level,
        storageVersion:
          version === '3.5.35'
            ? { kind: 'unknown', reason: expect.stringContaining('told no storage version') as string }
            : { kind: 'known', value: level },
        members: 3,
        learners: 0,
        unstarted: 0,
        alarms: [],
        downgrade: { kind: 'known', value: false },
        scratchKeys: 1,
      })),
    );
    expect(said[3]).toMatchObject({ kind: 'silent', node: 'etcd-4' });
    expect(await readdir(join(sample.directory, 'etcd-4'))).toEqual([]);
    expect((await sample.members('etcd-2')).map(({ name }) => name).sort()).toEqual([
      'etcd-1',
      'etcd-2',
      'etcd-3',
    ]);
  },
);

test('a node that is paused is silent until it is resumed; one that is killed comes back with its data', async () => {
  const sample = await sampleOf({});
  const leader = await sample.leader();
  const [paused, killed] = sample.cluster.nodes.map(({ id }) => id).filter((id) => id !== leader);
  if (paused === undefined || killed === undefined) throw new Error('three nodes were asked for');
  await sample.put(leader, 'k', 'v');

  await sample.pause(paused);
  expect(await facts(sample, paused)).toMatchObject({ kind: 'silent' });
  await sample.resume(paused);
  expect(await sample.get(paused, 'k')).toBe('v');

  const pid = await sample.pid(killed);
  await sample.kill(killed);
  expect(await isAlive(pid)).toBe(false);
  await expect(sample.pid(killed)).rejects.toThrow(`${killed} does not run: it is stopped`);
  expect(await facts(sample, killed)).toMatchObject({ kind: 'silent' });
  await sample.start(killed);
  await expect
    .poll(() => facts(sample, killed), { timeout: 20_000 })
    .toMatchObject({
      kind: 'answering',
      members: 3,
    });
  await expect.poll(() => sample.get(killed, 'k', { local: true })).toBe('v');
});

test('R-FORM: a standalone is one member with data, and the other nodes of its cluster file have none', async () => {
  const sample = await sampleOf({ standalone: true, version: '3.6.16' });
  await sample.put('etcd-1', 'k', 'v');
  expect(sample.cluster.nodes.map(({ id }) => id)).toEqual(['etcd-1', 'etcd-2', 'etcd-3']);
  expect((await sample.members('etcd-1')).map(({ name }) => name)).toEqual(['etcd-1']);
  for (const id of ['etcd-2', 'etcd-3']) expect(await readdir(join(sample.directory, id))).toEqual([]);

  await sample.stop(['etcd-1']);
  await sample.start('etcd-1');
  await expect.poll(() => sample.get('etcd-1', 'k').catch(() => undefined), { timeout: 10_000 }).toBe('v');
});

test('a cluster found again by its directory is the same, and destroying it leaves neither process nor file', async () => {
  const sample = await sampleOf({ nodes: 1, name: 'found' });
  const again = await openEtcdSampleCluster(sample.directory);
  expect(again.cluster).toEqual(sample.cluster);
  const specs = await loadSpecs([join(sample.directory, 'cluster.yaml')]);
  expect([...specs.clusters.keys()]).toEqual(['found']);

  // A scratch node such as a run that was killed leaves: below the record of a node, with a process of its own.
  const scratch = NodeSpec.parse({
    id: 'scratch',
    address: `127.0.0.1:${await freePort()}`,
    host: { kind: 'local', directory: join(sample.directory, 'etcd-1', 'rollgate', 'scratch', 'seed') },
  });
  const host = createLocalHost();
  const launch = {
    executable: 'etcd',
    args: [
      `--listen-client-urls=http://${scratch.address}`,
      `--advertise-client-urls=http://${scratch.address}`,
      `--listen-peer-urls=http://127.0.0.1:${await freePort()}`,
      `--data-dir=${join(sample.directory, 'etcd-1', 'rollgate', 'scratch', 'seed', 'data')}`,
    ],
    env: {},
    stopSignal: 'SIGTERM',
  } as const;
  const artifact = sample.cluster.artifacts['3.5.35'];
  if (!artifact) throw new Error('no artifact of 3.5.35');
  await mkdir(join(sample.directory, 'etcd-1', 'rollgate', 'scratch', 'seed', 'data'), { recursive: true });
  await host.install(scratch, '3.5.35', artifact, launch, etcdSampleContext);
  await host.start(scratch, launch, etcdSampleContext);
  const status = await host.status(scratch, launch, etcdSampleContext);
  if (status.kind !== 'running') throw new Error(`the scratch node is ${status.kind}`);

  const pids = [await again.pid('etcd-1'), status.pid];
  await again.pause('etcd-1');
  expect(await Promise.all(pids.map(isAlive))).toEqual([true, true]);
  await again.destroy();
  expect(await Promise.all(pids.map(isAlive))).toEqual([false, false]);
  await expect(stat(sample.directory)).rejects.toThrow('ENOENT');
});

test('a sample cluster does not start in a directory that holds something', async () => {
  const sample = await sampleOf({ nodes: 1 });
  await expect(createEtcdSampleCluster({ directory: sample.directory })).rejects.toThrow('is not empty');
  expect(await isAlive(await sample.pid('etcd-1'))).toBe(true);
});
