import { expect } from 'vitest';
import { valueOf, type NodeId, type Outcome, type RunState } from '../../../src/contracts/index.js';
import { inspectMembers } from '../../../src/dev/etcd/inspect.js';
import type { EtcdSampleCluster } from '../../../src/dev/etcd/sample-cluster.js';
import type { ScenarioContext, ScenarioResult } from '../../../src/dev/scenario/run.js';
import { readJournal } from '../../../src/hosts/local/journal.js';
import { layoutOf } from '../../../src/hosts/local/layout.js';

export const minutes = (n: number) => ({ timeout: n * 60_000 });

/** Clients were served, nothing that they were told was untrue, and nothing of theirs is still held. */
export function expectProof(state: RunState, outcome: Outcome): void {
  expect(state.run.outcome, state.failure?.message).toBe(outcome);
  expect(state.writes?.acknowledged).toBeGreaterThan(0);
  expect(state.writes).toMatchObject({ lost: 0, lostKeys: [], linearizability: { verdict: 'linearizable' } });
  expect(state).toMatchObject({ ledger: [], leftUndone: [], compensations: [] });
}

/** Every member is a started voter on this version and level, one of them leads, and nothing of ours is left. */
export async function expectMembers(
  sample: EtcdSampleCluster,
  version: string,
  level: string,
): Promise<void> {
  const facts = await inspectMembers(sample);
  for (const fact of facts) {
    expect(fact).toMatchObject({
      kind: 'answering',
      version,
      clusterVersion: `${level}.0`,
      ...{ isLearner: false, learners: 0, unstarted: 0, alarms: [], scratchKeys: 0 },
      members: facts.length,
    });
    if (fact.kind === 'answering') expect(valueOf(fact.downgrade)).toBe(false);
  }
  expect(facts.filter((f) => f.kind === 'answering' && f.isLeader)).toHaveLength(1);
}

/** How often each node was started by the run. */
export const starts = ({ journals }: Pick<ScenarioResult, 'journals'>): Record<NodeId, number> =>
  Object.fromEntries(
    Object.entries(journals).map(([node, lines]) => [node, lines.filter((l) => l.action === 'start').length]),
  );

/** What the run in progress has done to the nodes so far. */
export async function touches({
  cluster,
  handle,
}: ScenarioContext<EtcdSampleCluster>): Promise<readonly string[]> {
  const nodes = cluster.nodes.map(async (node) => {
    const lines = await readJournal(layoutOf(node));
    return lines.filter((l) => l.runId === handle.runId).map((l) => `${l.at} ${node.id} ${l.action}`);
  });
  return (await Promise.all(nodes)).flat().sort();
}

/** Approve whatever waits until the run is over or a step in `except` waits. @returns the step that waits then */
export async function approveUntil(
  { until, handle }: ScenarioContext<EtcdSampleCluster>,
  stop: (step: string) => boolean = () => false,
): Promise<string | undefined> {
  for (;;) {
    const { waiting, plan } = await until(
      'it waits for an approval, or is over',
      (s) => s.waiting !== undefined || s.run.outcome !== 'running' || s.phase === 'blocked',
    );
    if (!waiting || stop(waiting.step)) return waiting?.step;
    await handle.approve({ by: 'the test', step: waiting.step, planHash: plan?.hash });
  }
}

export const everyReplacement = ['replace/etcd-1', 'replace/etcd-2', 'replace/etcd-3'];

export const nodeOf = (step: string | undefined): NodeId => step?.split('/')[1] ?? '';
