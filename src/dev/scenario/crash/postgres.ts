import { Client } from 'pg';
import type { ChangingActivities, NodeId, Outcome } from '../../../contracts/index.js';
import type { SampleCluster } from '../../postgres/sample-cluster.js';
import { inspectNodes } from '../leftovers.js';
import { runScenario, type Scenario, type ScenarioContext, type ScenarioResult } from '../run.js';
import type { CrashScenario } from './scenario.js';

type Activity = keyof ChangingActivities;

/** Runs on a real PostgreSQL cluster. */
export const postgresCrashes = (): Record<string, CrashScenario> =>
  Object.fromEntries(
    Object.entries(crashes).map(([name, crash]) => [
      name,
      {
        title: crash.title,
        activities: crash.activities,
        run: async (faults) => {
          const objections: string[] = [];
          const result = await runScenario({
            ...crash.scenario,
            faults,
            after: async (context, ended) => {
              await crash.scenario.after?.(context, ended);
              objections.push(...(await judge(crash, context, ended)));
            },
          });
          return { result, objections };
        },
      },
    ]),
  );

interface PostgresCrash {
  readonly title: string;
  readonly activities: readonly Activity[];
  readonly scenario: Scenario;
  readonly outcome: Outcome;
  readonly version: string;
  /** How often the primary may have changed. */
  readonly handovers: number;
  /** Node → how often it may have been stopped, installed and started. */
  readonly swaps: Readonly<Record<NodeId, number>>;
}

const ordinary: readonly Activity[] = [
  'createScratch',
  'startProbe',
  'drainNode',
  'stopNode',
  'installArtifact',
  'startNode',
  'proveReplication',
  'tidyNode',
  'restoreNode',
  'prepareHandover',
  'fencePrimary',
  'promoteCandidate',
  'releaseFence',
  'stopProbe',
  'dropScratch',
  'writeReport',
];

const crashes: Readonly<Record<string, PostgresCrash>> = {
  forward: {
    title: 'a full roll 17.5 → 17.10',
    activities: ordinary,
    scenario: {},
    outcome: 'completed',
    version: '17.10',
    handovers: 1,
    swaps: { 'pg-1': 1, 'pg-2': 1, 'pg-3': 1 },
  },
  back: {
    title: 'a full roll that the operator rolls back at its last step',
    activities: ordinary,
    scenario: {
      upgrade: { approvals: { before: ['replace/pg-1'] } },
      during: async ({ until, handle }) => {
        await until('the roll is nearly done', (s) => s.handovers.some((h) => h.result === 'done'));
        await handle.rollback({ by: 'the test', reason: 'to roll back from the last step' });
      },
    },
    outcome: 'rolled-back',
    version: '17.5',
    handovers: 2,
    // pg-1 is stopped by the fence and started once; depending on when the wish arrives it has been swapped or not.
    swaps: { 'pg-2': 2, 'pg-3': 2 },
  },
  restored: {
    title: 'a handover that cannot find a candidate and is put back',
    activities: ['unfencePrimary', 'unprepareHandover', 'followPrimary'],
    scenario: {
      upgrade: { approvals: { before: ['handover'] }, timeouts: { handover: '4s' }, onFailure: 'wait' },
      during: async ({ until, handle, sample }) => {
        const waiting = await until('the handover waits', (s) => s.waiting !== undefined);
        const resume = await pauseReplayAtFence(sample, ['pg-2', 'pg-3']);
        await handle.approve({ by: 'the test', planHash: waiting.plan?.hash });
        await until('no candidate is found', (s) => s.failure?.code === 'CANDIDATE_BEHIND');
        await resume();
        await until('the handover is put back', (s) => s.phase === 'blocked');
        await handle.abort({ by: 'the test' });
      },
    },
    outcome: 'aborted',
    version: '',
    handovers: 0,
    swaps: { 'pg-1': 0, 'pg-2': 1, 'pg-3': 1 },
  },
  borrowed: {
    title: 'two nodes: the only synchronous replica goes down in an accepted window',
    activities: ['borrowSetting', 'giveBackSetting'],
    scenario: {
      sample: { nodes: 2 },
      upgrade: { accept: ['sole-synchronous-replica-down'] },
    },
    outcome: 'completed',
    version: '17.10',
    handovers: 1,
    swaps: { 'pg-1': 1, 'pg-2': 1 },
  },
};

/** What is not as it must be after the run; nothing when all is well. */
async function judge(
  crash: PostgresCrash,
  context: ScenarioContext,
  result: ScenarioResult,
): Promise<string[]> {
  const { state, journals } = result;
  const objections: string[] = [];
  const expect = (what: string, seen: unknown, wanted: unknown): void => {
    if (JSON.stringify(seen) !== JSON.stringify(wanted)) {
      objections.push(`${what}: ${JSON.stringify(seen)} instead of ${JSON.stringify(wanted)}`);
    }
  };
  expect('outcome', state.run.outcome, crash.outcome);
  expect('lost writes', state.writes?.lost, 0);
  if ((state.writes?.acknowledged ?? 0) === 0) objections.push('no write was acknowledged');
  expect(
    'borrowed at the end',
    state.ledger.map((l) => l.id),
    [],
  );
  expect('left undone', state.leftUndone, []);
  for (const [node, times] of Object.entries(crash.swaps)) {
    const count = (action: string): number =>
      (journals[node] ?? []).filter((l) => l.action === action).length;
    expect(`${node} was installed`, count('install'), times);
    if (node !== 'pg-1') expect(`${node} was started`, count('start'), times);
  }
  const facts = await inspectNodes(context.sample);
  const names = new Set(facts.map((f) => f.synchronousStandbyNames));
  expect('settings that differ', names.size, 1);
  expect('primaries', facts.filter((f) => f.primary).length, 1);
  for (const fact of facts) {
    if (crash.version !== '') expect(`version of ${fact.id}`, fact.version, crash.version);
    expect(`timeline of ${fact.id}`, fact.timeline, 1 + crash.handovers);
    expect(`objects of ours on ${fact.id}`, fact.ours, []);
    expect(`idle slots on ${fact.id}`, fact.idleSlots, []);
  }
  return objections;
}

/**
 * Let the candidates stop applying just before the fence: everything up to there is proven, and then nothing
 * more arrives. Returns the way back.
 */
async function pauseReplayAtFence(
  sample: SampleCluster,
  ids: readonly string[],
): Promise<() => Promise<void>> {
  const stop = new AbortController();
  const watching = ids.map(async (id) => {
    const client = new Client(sample.connection(id));
    await client.connect();
    try {
      // The canary before the fence is the last thing that the run must see applied.
      while (!stop.signal.aborted) {
        const { rows } = await client.query<{ seen: boolean }>(
          "SELECT EXISTS (SELECT FROM rollgate.canary WHERE token LIKE 'handover/%') AS seen",
        );
        if (rows[0]?.seen === true) break;
      }
      await client.query('SELECT pg_wal_replay_pause()');
    } finally {
      await client.end();
    }
  });
  await Promise.resolve();
  return async () => {
    stop.abort();
    await Promise.all(watching);
    for (const id of ids) {
      const client = new Client(sample.connection(id));
      await client.connect();
      await client.query('SELECT pg_wal_replay_resume()');
      await client.end();
    }
  };
}
