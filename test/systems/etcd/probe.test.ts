import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  nodeSpec,
  type ProbeClient,
  type ProbeFacet,
  type ProbeKey,
  type WriteOutcome,
} from '../../../src/contracts/index.js';
import { prepareEtcd } from '../../../src/dev/etcd/binaries.js';
import { createEtcdSampleCluster } from '../../../src/dev/etcd/cluster.js';
import type { EtcdSampleCluster } from '../../../src/dev/etcd/sample-cluster.js';
import { until } from '../../../src/dev/postgres/until.js';
import { ctx, etcdSystem, followersOf } from './fixture.js';

const system = etcdSystem();
const probe = probeOf();
function probeOf(): ProbeFacet {
  if (!system.probe) throw new Error('etcd has a probe');
  return system.probe;
}
let sample: EtcdSampleCluster;
const clients: ProbeClient[] = [];

beforeAll(async () => {
  await prepareEtcd('3.5.35');
  sample = await createEtcdSampleCluster({ artifacts: ['3.5.35'] });
}, 900_000);
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  for (const { id } of sample.cluster.nodes) {
    await sample.start(id);
    await sample.resume(id);
  }
  await until('the cluster is as it was', async () => {
    const view = await system.observe(sample.cluster, ctx);
    return view.groups[0]?.nodes.every((n) => n.serving.kind === 'known' && n.serving.value) === true;
  });
});
afterAll(() => sample.destroy());

const connect = (): ProbeClient => {
  const client = probe.connect(sample.cluster, { name: 'test' });
  clients.push(client);
  return client;
};

async function readBack(runId: string): Promise<ProbeKey[]> {
  const keys: ProbeKey[] = [];
  for await (const key of probe.readBack(sample.cluster, runId)) keys.push(key);
  return keys;
}

test('R-PROOF-2: what was acknowledged is read back, all of it and of this run alone', async () => {
  const client = connect();
  const sent = Array.from({ length: 1203 }, (_, i) => ({ runId: 'run', writer: i % 5, seq: i }));
  for (const key of sent) expect(await client.write(key, 5000)).toEqual({ kind: 'acknowledged' });
  expect(await client.write({ runId: 'run-2', writer: 0, seq: 1 }, 5000)).toEqual({ kind: 'acknowledged' });
  const found = await readBack('run');
  const sorted = (keys: readonly ProbeKey[]): string[] => keys.map((k) => `${k.writer}/${k.seq}`).sort();
  expect(sorted(found)).toEqual(sorted(sent));
  expect(await readBack('run-2')).toEqual([{ runId: 'run-2', writer: 0, seq: 1 }]);
  expect(await readBack('ru')).toEqual([]);
});

test('R-PROOF-2: a register shows the write that was last, to a client that only reads as well', async () => {
  const [writer, reader] = [connect(), connect()];
  expect(probe.registers).toBe(3);
  await writer.write({ runId: 'reg', writer: 4, seq: 7 }, 5000);
  expect(await reader.read(5000, 1)).toEqual({ runId: 'reg', writer: 4, seq: 7 });
  await writer.write({ runId: 'reg', writer: 1, seq: 8 }, 5000);
  for (let i = 0; i < 3; i++) expect(await reader.read(5000, 1)).toEqual({ runId: 'reg', writer: 1, seq: 8 });
});

test('R-PROOF-2: a write goes on when a member or the leader is killed, and nothing acknowledged is lost', async () => {
  const client = connect();
  const outcomes: { seq: number; outcome: WriteOutcome }[] = [];
  const leader = await sample.leader();
  const killed = sample.kill(leader);
  const end = Date.now() + 5000;
  for (let seq = 1; Date.now() < end; seq++) {
    outcomes.push({ seq, outcome: await client.write({ runId: 'kill', writer: 0, seq }, 1000) });
  }
  await killed;
  const acknowledged = outcomes.filter((o) => o.outcome.kind === 'acknowledged').map((o) => o.seq);
  expect(outcomes.at(-1)?.outcome.kind).toBe('acknowledged');
  const found = new Set((await readBack('kill')).map((k) => k.seq));
  expect(acknowledged.filter((seq) => !found.has(seq))).toEqual([]);
  const refused = outcomes.filter((o) => o.outcome.kind === 'refused').map((o) => o.seq);
  expect(refused.filter((seq) => found.has(seq))).toEqual([]);
});

test('R-PROOF-2: while leadership is handed over again and again, no outcome is told wrong', async () => {
  const writers = [connect(), connect(), connect()];
  const outcomes: { writer: number; seq: number; kind: string; reason: string }[] = [];
  let over = false;
  const writing = writers.map(async (client, writer) => {
    for (let seq = 1; !over; seq++) {
      const outcome = await client.write({ runId: 'moved', writer, seq }, 3000);
      const reason = outcome.kind === 'acknowledged' ? '' : outcome.reason;
      outcomes.push({ writer, seq, kind: outcome.kind, reason });
    }
  });
  for (let i = 0; i < 6; i++) {
    const from = await sample.leader();
    const { term } = await sample.status(from);
    const candidates = followersOf(sample, from);
    const options = { candidates, group: 'default', epoch: term, timeoutMs: 10_000, pollMs: 20 };
    const promotion = await system.transfer?.transfer(sample.cluster, from, options, ctx);
    expect(promotion?.epoch).toBeGreaterThan(term);
  }
  over = true;
  await Promise.all(writing);
  const found = new Set((await readBack('moved')).map((k) => `${k.writer}/${k.seq}`));
  const wrong = outcomes.filter((o) => {
    const there = found.has(`${o.writer}/${o.seq}`);
    return (o.kind === 'acknowledged' && !there) || (o.kind === 'refused' && there);
  });
  expect(wrong).toEqual([]);
  expect(outcomes.filter((o) => o.kind === 'acknowledged').length).toBeGreaterThan(50);
}, 60_000);

test('R-PROOF-2: without a quorum a write that was sent is unknown, and it may come true later', async () => {
  const leader = await sample.leader();
  const [a, b] = followersOf(sample, leader);
  const only = { ...sample.cluster, nodes: [nodeSpec(sample.cluster, leader)] };
  const client = probe.connect(only, { name: 'test' });
  clients.push(client);
  await sample.pause(a);
  await sample.pause(b);
  const outcome = await client.write({ runId: 'paused', writer: 0, seq: 1 }, 700);
  expect(outcome.kind).toBe('unknown');
  await expect(client.read(700, 0)).rejects.toThrow();
});

test('R-PROOF-2: a write that no member could be connected for is refused', async () => {
  const client = connect();
  await sample.stop();
  const outcome = await client.write({ runId: 'down', writer: 0, seq: 1 }, 2000);
  expect(outcome.kind).toBe('refused');
});

test('R-PROOF-2: a write refused for lack of space is refused, and is not there', async () => {
  const client = connect();
  const { memberId } = await sample.status('etcd-1');
  const alarm = (action: string) =>
    fetch(`http://${nodeSpec(sample.cluster, 'etcd-1').address}/v3/maintenance/alarm`, {
      method: 'POST',
      body: JSON.stringify({ action, memberID: memberId, alarm: 'NOSPACE' }),
    });
  await alarm('ACTIVATE');
  const outcome = await client.write({ runId: 'full', writer: 0, seq: 1 }, 2000);
  await alarm('DEACTIVATE');
  expect(outcome).toMatchObject({
    kind: 'refused',
    reason: expect.stringContaining('database space exceeded') as string,
  });
  expect(await readBack('full')).toEqual([]);
});
