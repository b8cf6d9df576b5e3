import { readdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeSpec, type EffectContext, type Host } from '../../../src/contracts/index.js';
import { createEtcdSampleCluster } from '../../../src/dev/etcd/cluster.js';
import type { EtcdSampleCluster } from '../../../src/dev/etcd/sample-cluster.js';
import { createLocalHost } from '../../../src/hosts/local/host.js';
import { layoutOf } from '../../../src/hosts/local/layout.js';
import { createEtcdClient, type EtcdClient } from '../../../src/systems/etcd/client.js';
import { createFormation } from '../../../src/systems/etcd/formation/formation.js';
import { launch } from '../../../src/systems/etcd/launch.js';
import { createMembership } from '../../../src/systems/etcd/membership/membership.js';
import { noSecrets } from './fixture.js';
import { flapping } from './flapping.js';

const options = { timeoutMs: 20_000, pollMs: 50 };
const host = createLocalHost();
const client = createEtcdClient(noSecrets);
const ctx: EffectContext = {
  signal: new AbortController().signal,
  heartbeat: () => undefined,
  runId: 'run-1',
};

afterAll(() => client.close());

for (const version of ['3.5.35', '3.6.16'] as const) {
  describe(`R-FORM 4: members of etcd ${version} come and go`, () => {
    let sample: EtcdSampleCluster;
    const membershipOver = (by: EtcdClient, at: Host = host) =>
      createMembership({ client: by, host: () => at });
    const membership = membershipOver(client);
    const nodes = async () => (await membership.members(sample.cluster, ctx)).map((m) => m.node).sort();
    const entry = async (node: string) =>
      (await membership.members(sample.cluster, ctx)).find((m) => m.node === node);
    const spec = (node: string) => nodeSpec(sample.cluster, node);
    const statusOf = (node: string) => host.status(spec(node), launch(sample.cluster, node), ctx);
    const started = (node: string) =>
      expect.poll(async () => (await entry(node))?.started, { timeout: 20_000 }).toBe(true);
    const install = async (node: string) => {
      const artifact = sample.cluster.artifacts[version];
      if (!artifact) throw new Error('no artifact');
      await host.install(spec(node), version, artifact, launch(sample.cluster, node), ctx);
    };

    beforeAll(async () => {
      sample = await createEtcdSampleCluster({ version, spares: ['etcd-4', 'etcd-5'] });
      await sample.put('etcd-1', 'key', 'value');
      for (const node of ['etcd-4', 'etcd-5']) await install(node);
    });
    afterAll(() => sample.destroy());

    it('a node that is in no list is not started', async () => {
      await expect(membership.startMember(sample.cluster, 'etcd-4', ctx)).rejects.toMatchObject({
        code: 'SYSTEM_REFUSED',
      });
      await expect(membership.promoteLearner(sample.cluster, 'etcd-4', ctx)).rejects.toMatchObject({
        code: 'SYSTEM_REFUSED',
      });
    });

    it('is added once, though it is refused until the cluster is healthy and answers are lost', async () => {
      const add = /member\/add/;
      const unsent = flapping(client, add, false, 1);
      await membershipOver(unsent).addLearner(sample.cluster, 'etcd-4', ctx);
      expect(unsent.asked()).toBe(1);
      await membership.addLearner(sample.cluster, 'etcd-4', ctx);
      expect(await entry('etcd-4')).toMatchObject({ role: 'learner', started: false });

      await membership.removeMember(sample.cluster, 'etcd-4', options, ctx);
      const unanswered = flapping(client, add, true, 1);
      await membershipOver(unanswered).addLearner(sample.cluster, 'etcd-4', ctx);
      expect(unanswered.asked()).toBe(1);
      expect(await nodes()).toEqual(['etcd-1', 'etcd-2', 'etcd-3', 'etcd-4']);
    });

    it('a second learner is refused in the words of etcd', async () => {
      await expect(membership.addLearner(sample.cluster, 'etcd-5', ctx)).rejects.toMatchObject({
        code: 'SYSTEM_REFUSED',
        message: expect.stringContaining('too many learner members') as string,
      });
    });

    it('joins on an empty directory; what lay there is moved aside; again it is left alone', async () => {
      const { dataDir } = layoutOf(spec('etcd-4'));
      await host.makeDataDirectory(spec('etcd-4'), ctx);
      await writeFile(join(dataDir, 'old'), 'x');
      await membership.startMember(sample.cluster, 'etcd-4', ctx);
      await started('etcd-4');
      const aside = (await readdir(dirname(dataDir))).filter((n) =>
        n.startsWith(`${basename(dataDir)}.replaced-`),
      );
      expect(aside).toHaveLength(1);
      expect(await readdir(join(dirname(dataDir), aside[0] ?? ''))).toEqual(['old']);

      const before = await statusOf('etcd-4');
      await membership.startMember(sample.cluster, 'etcd-4', ctx);
      expect(await statusOf('etcd-4')).toEqual(before);
      await sample.kill('etcd-4');
      await membership.startMember(sample.cluster, 'etcd-4', ctx);
      expect(await readdir(dirname(dataDir))).toContain(aside[0]);
      expect((await readdir(dirname(dataDir))).filter((n) => n.includes('.replaced-'))).toHaveLength(1);
    });

    it('is promoted once, though the answer is lost, and says so itself', async () => {
      await expect.poll(() => sample.get('etcd-4', 'key', { local: true }).catch(() => '')).toBe('value');
      const unanswered = flapping(client, /member\/promote/, true, 1);
      await membershipOver(unanswered).promoteLearner(sample.cluster, 'etcd-4', ctx);
      expect(unanswered.asked()).toBe(1);
      expect(await entry('etcd-4')).toMatchObject({ role: 'voter' });
      expect(await sample.status('etcd-4')).toMatchObject({ isLearner: false });
      expect(await readdir(layoutOf(spec('etcd-4')).dataDir)).toEqual(['member']);
      await membership.promoteLearner(sample.cluster, 'etcd-4', ctx);
    });

    it('the leader is not removed', async () => {
      const leader = await sample.leader();
      await expect(membership.removeMember(sample.cluster, leader, options, ctx)).rejects.toMatchObject({
        code: 'NOT_PRIMARY',
      });
      expect(await nodes()).toContain(leader);
    });

    it('a wrong peer address in the settings stops nobody', async () => {
      const peers = sample.cluster.settings['peers'] as Record<string, string>;
      const wrong = {
        ...sample.cluster,
        settings: { ...sample.cluster.settings, peers: { ...peers, 'etcd-4': '127.0.0.1:1' } },
      };
      await expect(membership.removeMember(wrong, 'etcd-4', options, ctx)).rejects.toMatchObject({
        code: 'SYSTEM_REFUSED',
      });
      expect(await statusOf('etcd-4')).toMatchObject({ kind: 'running' });
    });

    it('is removed once, though the answer is lost, and its process ends', async () => {
      const unanswered = flapping(client, /member\/remove/, true, 1);
      await membershipOver(unanswered).removeMember(sample.cluster, 'etcd-4', options, ctx);
      expect(unanswered.asked()).toBe(1);
      expect(await nodes()).toEqual(['etcd-1', 'etcd-2', 'etcd-3']);
      expect(await statusOf('etcd-4')).toMatchObject({ kind: 'stopped' });
      await membership.removeMember(sample.cluster, 'etcd-4', options, ctx);
    });

    it('stays out when it is started again', async () => {
      await sample.start('etcd-4').catch(() => undefined);
      await expect.poll(async () => (await statusOf('etcd-4')).kind, { timeout: 10_000 }).toBe('stopped');
      expect(await nodes()).toEqual(['etcd-1', 'etcd-2', 'etcd-3']);
      expect(await sample.get('etcd-1', 'key')).toBe('value');
      // Its list has the others and not itself: nobody takes it for a standalone, and no copy of it is started.
      const formation = createFormation({ client, host: () => host });
      expect(await formation.inspect(sample.cluster, 'etcd-4', ctx)).toMatchObject({
        running: { value: false },
        coherent: { kind: 'unknown' },
      });
    });

    it('comes back as a new member, with its former data kept beside', async () => {
      await membership.addLearner(sample.cluster, 'etcd-4', ctx);
      await membership.startMember(sample.cluster, 'etcd-4', ctx);
      await started('etcd-4');
      const { dataDir } = layoutOf(spec('etcd-4'));
      expect((await readdir(dirname(dataDir))).filter((n) => n.includes('.replaced-'))).toHaveLength(2);
    });

    it('a member that has joined does not start on an empty directory', async () => {
      await sample.stop(['etcd-4']);
      await host.moveDataAside(spec('etcd-4'), 'lost', launch(sample.cluster, 'etcd-4'), ctx);
      await expect(membership.startMember(sample.cluster, 'etcd-4', ctx)).rejects.toMatchObject({
        code: 'SYSTEM_REFUSED',
        message: expect.stringContaining('is empty') as string,
      });
      await membership.removeMember(sample.cluster, 'etcd-4', options, ctx);
    });

    it('a member that does not hear of its removal is stopped; one that cannot be stopped is told', async () => {
      await membership.addLearner(sample.cluster, 'etcd-4', ctx);
      await membership.startMember(sample.cluster, 'etcd-4', ctx);
      await started('etcd-4');
      await sample.pause('etcd-4');
      await expect(
        membership.removeMember(sample.cluster, 'etcd-4', { timeoutMs: 1500, pollMs: 50 }, ctx),
      ).rejects.toMatchObject({ code: 'HOST_STOP_TIMED_OUT' });
      expect(await nodes()).toEqual(['etcd-1', 'etcd-2', 'etcd-3']);
      await sample.resume('etcd-4');
      await membership.removeMember(sample.cluster, 'etcd-4', options, ctx);
      expect(await statusOf('etcd-4')).toMatchObject({ kind: 'stopped' });
    });

    it('without a quorum nothing is asked for', async () => {
      await sample.stop(['etcd-2', 'etcd-3']);
      await expect(membership.addLearner(sample.cluster, 'etcd-5', ctx)).rejects.toMatchObject({
        code: 'SYSTEM_UNREACHABLE',
      });
    });
  });
}
