import { createServer } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { messageOf, type NodeId, type RunState } from '../../src/contracts/index.js';
import type { EtcdSampleCluster } from '../../src/dev/etcd/sample-cluster.js';
import { until as eventually } from '../../src/dev/postgres/until.js';
import { runEtcdScenario } from '../../src/dev/scenario/etcd.js';
import { EtcdSettings } from '../../src/systems/etcd/settings.js';
import { logOf } from './support/by-hand.js';
import { expectBefore, withData } from './support/data.js';
import { ended, startFormation, until } from './support/other-run.js';
import { expectMembers, expectProof, minutes, starts, touches } from './support/proof.js';
import { createProxy, flap, type Proxy } from './support/proxy.js';

const three: readonly NodeId[] = ['etcd-1', 'etcd-2', 'etcd-3'];

const statusOf = (state: RunState, node: NodeId) => state.nodes.find((n) => n.id === node)?.status;

const namesAt = async (sample: EtcdSampleCluster, node: NodeId): Promise<string[]> =>
  (await sample.members(node)).map((m) => m.name).sort();

/** Every connection of the worker to a member goes through a proxy. */
async function throughProxies(
  sample: EtcdSampleCluster,
): Promise<{ proxies: Proxy[]; env: Record<string, string> }> {
  const proxies: Proxy[] = [];
  const redirect: Record<string, number> = {};
  for (const { address } of sample.cluster.nodes) {
    const port = Number(address.split(':')[1]);
    const proxy = await createProxy(port);
    proxies.push(proxy);
    redirect[port] = proxy.port;
  }
  const hook = new URL('support/redirect.mjs', import.meta.url).href;
  return {
    proxies,
    env: { NODE_OPTIONS: `--import=${hook}`, ROLLGATE_TEST_REDIRECT: JSON.stringify(redirect) },
  };
}

/** The peer address of a node is taken, so that its program ends as soon as it is started. */
async function occupyPeer(sample: EtcdSampleCluster, node: NodeId): Promise<() => Promise<void>> {
  const peer = EtcdSettings.parse(sample.cluster.settings).peers[node] ?? '';
  const server = createServer((socket) => socket.destroy()).listen(Number(peer.split(':')[1]), '127.0.0.1');
  await once(server, 'listening');
  return async () => {
    server.close();
    await once(server, 'close');
  };
}

describe.concurrent('R-FORM-4: members come and go under load, whatever happens meanwhile', () => {
  it(
    'the connections to the leader and the others flap while one is added and gets its vote',
    minutes(5),
    async () => {
      const env: Record<string, string> = {};
      let proxies: readonly Proxy[] = [];
      let cuts = 0;
      try {
        const result = await runEtcdScenario({
          env,
          formation: {},
          before: async (sample) => {
            const made = await throughProxies(sample);
            proxies = made.proxies;
            Object.assign(env, made.env);
            return withData(sample);
          },
          during: async ({ until }) => {
            await until('etcd-2 is being added', (s) => s.step === 'expand/etcd-2');
            const stop = new AbortController();
            const flapping = flap(proxies, stop.signal);
            try {
              const seen = await until(
                'etcd-2 is a member',
                (s) => statusOf(s, 'etcd-2') === 'complete' || s.phase === 'blocked',
              );
              expect(seen.failure).toBeUndefined();
            } finally {
              stop.abort();
              cuts = await flapping;
            }
          },
          after: async ({ sample }) => {
            await expectMembers(sample, '3.6.16', '3.6');
            expect(await namesAt(sample, 'etcd-3')).toEqual(three);
            await expectBefore(sample, three);
          },
        });
        expectProof(result.state, 'completed');
        expect(starts(result)).toEqual({ 'etcd-1': 1, 'etcd-2': 1, 'etcd-3': 1 });
        // They really went that way, and were really cut.
        expect(cuts).toBeGreaterThan(5);
      } finally {
        await Promise.all(proxies.map((proxy) => proxy.close()));
      }
    },
  );

  it(
    'an interruption before a member is published leaves no ghost; a follower is restarted; one that was removed stays out',
    minutes(5),
    async () => {
      let release: () => Promise<void> = () => Promise.resolve();
      const result = await runEtcdScenario({
        formation: {},
        faults: [{ activity: 'addLearner', at: 'after', nth: 1 }],
        before: async (sample) => {
          release = await occupyPeer(sample, 'etcd-2');
          return withData(sample);
        },
        during: async ({ sample, until, handle }) => {
          await until(
            'etcd-2 is a learner that does not come up',
            (s) =>
              s.phase === 'blocked' ||
              s.gates.some((g) => g.name === 'learner-caught-up' && g.verdict !== 'pass'),
          );
          const [entered, ...more] = (await sample.members('etcd-1')).filter((m) => m.name !== 'etcd-1');
          expect(entered).toMatchObject({ name: '', isLearner: true });
          expect(more).toEqual([]);
          await handle.abort({ by: 'the test' });
        },
        after: async (context, { state, fired }) => {
          const { sample, client, cluster } = context;
          expect(fired).toHaveLength(1);
          expectProof(state, 'aborted');
          expect(state.resumeHint).toContain('rollgate form expand');
          expect(await namesAt(sample, 'etcd-1')).toEqual(['etcd-1']);
          expect(await sample.pid('etcd-2').catch(messageOf)).toContain('does not run');
          await release();

          const next = await startFormation(client, cluster, { leader: 'etcd-2', remove: ['etcd-1'] });
          await until(next, 'etcd-3 is being added', (s) => statusOf(s, 'etcd-3') === 'upgrading');
          const before = await sample.pid('etcd-2');
          await sample.kill('etcd-2');
          await sample.start('etcd-2');
          const end = await ended(next);
          expectProof(end, 'completed');
          expect(end.handovers).toMatchObject([{ from: 'etcd-1', to: 'etcd-2', result: 'done' }]);
          expect(await sample.pid('etcd-2')).not.toBe(before);
          const remaining = ['etcd-2', 'etcd-3'];
          for (const node of remaining) expect(await namesAt(sample, node)).toEqual(remaining);

          const said = (await logOf(sample, 'etcd-1')).length;
          // Whether its start is told as failed depends on how soon it ends.
          await Promise.allSettled([sample.start('etcd-1')]);
          await eventually('etcd-1 has ended by itself', async () =>
            (await sample.pid('etcd-1').catch(messageOf)).toString().includes('does not run'),
          );
          expect((await logOf(sample, 'etcd-1')).slice(said)).toMatch(/removed/);
          for (const node of remaining) expect(await namesAt(sample, node)).toEqual(remaining);
          await expectBefore(sample, remaining);

          const touched = await touches(context);
          const again = await startFormation(client, cluster, { leader: 'etcd-2', remove: ['etcd-1'] });
          const done = await ended(again);
          expect(done.plan?.kind).toBe('done');
          expect(done.run.outcome).toBe('completed');
          expect(await touches({ ...context, handle: again })).toEqual([]);
          expect(await touches(context)).toEqual(touched);
        },
      });
      expect(result.state.run.outcome).toBe('aborted');
    },
  );
});
