import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunState } from '../../src/contracts/index.js';
import type { SampleCluster } from '../../src/dev/postgres/sample-cluster.js';
import { until } from '../../src/dev/postgres/until.js';
import { inspectNodes, type NodeFacts } from '../../src/dev/scenario/leftovers.js';
import { createBench, type Bench, type Going } from './support/bench.js';
import { sql } from './support/lag.js';

/** How far a run has come when the operator asks, and what it has therefore to undo. */
interface Stage {
  readonly when: string;
  /** Bring the run to where the operator asks; returns what is to be looked at after it has ended. */
  readonly reach: (going: Going) => Promise<(() => Promise<void>) | undefined>;
  readonly approvals?: readonly string[];
  /** What the nodes say then: pg-1 first, the replicas in no order. */
  readonly versions: readonly [string, ...string[]];
  /** The step that the decision is recorded with. */
  readonly step: RegExp;
  /** How often each has been given another version in the whole run; in the same order. */
  readonly installs: readonly [number, ...number[]];
  readonly handovers: number;
  /** Whether the probe was writing. */
  readonly load: boolean;
}

const waitsFor = (step: string) => async (going: Going) => {
  await going.until(`it waits before ${step}`, (s) => s.waiting?.step === step);
  return undefined;
};

/** In the order in which they are run, on the same cluster: only the last two move the primary. */
const stages: readonly Stage[] = [
  {
    when: 'before anything was changed',
    approvals: ['start'],
    reach: waitsFor('prepare'),
    versions: ['17.5', '17.5', '17.5'],
    step: /^prepare$/,
    installs: [0, 0, 0],
    handovers: 0,
    load: false,
  },
  {
    when: 'while the first replica drains',
    reach: holdTheDrain,
    versions: ['17.5', '17.5', '17.5'],
    step: /^replace\/pg-[23]$/,
    installs: [0, 0, 0],
    handovers: 0,
    load: true,
  },
  {
    when: 'after the first replica',
    // Which of them is the first depends on their lag at that moment.
    approvals: ['replace/pg-2', 'replace/pg-3'],
    reach: async (going) => {
      const first = await going.until('the first replica waits', (s) => s.waiting !== undefined);
      await going.handle.approve({ by: 'ann', planHash: first.plan?.hash });
      const one = first.waiting?.step;
      await going.until('the other waits', (s) => s.waiting !== undefined && s.waiting.step !== one);
      return undefined;
    },
    versions: ['17.5', '17.10', '17.5'],
    step: /^replace\/pg-[23]$/,
    installs: [0, 0, 2],
    handovers: 0,
    load: true,
  },
  {
    when: 'after both replicas, before the handover',
    approvals: ['handover'],
    reach: waitsFor('handover/default'),
    versions: ['17.5', '17.10', '17.10'],
    step: /^handover\/default$/,
    installs: [0, 2, 2],
    handovers: 0,
    load: true,
  },
  {
    when: 'after the handover, while the old primary is stopped',
    approvals: ['replace/pg-1'],
    reach: waitsFor('replace/pg-1'),
    versions: ['stopped', '17.10', '17.10'],
    step: /^replace\/pg-1$/,
    // It is started again as what it was.
    installs: [0, 2, 2],
    handovers: 2,
    load: true,
  },
  {
    when: 'when every node is on the target',
    approvals: ['finish'],
    reach: waitsFor('finish'),
    versions: ['17.10', '17.10', '17.10'],
    step: /^finish$/,
    installs: [2, 2, 2],
    handovers: 2,
    load: true,
  },
];

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
});
afterAll(() => bench.close());

/** A client's transaction on each replica: whichever is drained first has one to wait for. */
async function holdTheDrain(going: Going): Promise<() => Promise<void>> {
  const sessions = ['pg-2', 'pg-3'].map((id) => new Client(bench.sample.connection(id)));
  for (const session of sessions) {
    // A server that ends it raises this beside the rejection of its next statement.
    session.on('error', () => undefined);
    await session.connect();
    await session.query('BEGIN');
    await session.query('SELECT 1');
  }
  await going.until('the drain is held', (s) =>
    s.nodes.some(
      (n) =>
        n.status === 'draining' &&
        s.gates.some((g) => g.name === 'in-flight-finished' && g.node === n.id && g.verdict === 'hold'),
    ),
  );
  return async () => {
    // The transactions have been cut off by nobody: neither by the drain nor by the way back.
    for (const session of sessions) {
      expect((await session.query('SELECT 2 AS two')).rows).toEqual([{ two: 2 }]);
      await session.query('COMMIT');
      await session.end();
    }
  };
}

/** Each node's version by its own word. */
async function versionsOf(sample: SampleCluster): Promise<string[]> {
  const said = sample.cluster.nodes.map(async ({ id }) => {
    try {
      const [row] = await sql<{ server_version: string }>(sample, id, 'SHOW server_version');
      return row?.server_version.split(' ')[0] ?? 'nothing';
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED') return 'stopped';
      throw error;
    }
  });
  return Promise.all(said);
}

/** Sessions of ours that a node still serves; the last ones may be just ending. */
async function noSessionsOfOurs(sample: SampleCluster): Promise<void> {
  for (const { id } of sample.cluster.nodes) {
    await until(`no session of rollgate on ${id}`, async () => {
      const sessions = await sql(
        sample,
        id,
        "SELECT FROM pg_stat_activity WHERE application_name LIKE 'rollgate%'",
      );
      return sessions.length === 0;
    });
  }
}

/** pg-1 first, the replicas in no order. */
const firstThenSorted = <T>([first, ...others]: readonly T[]): (T | undefined)[] => [first, ...others.sort()];

/**
 * As before, one timeline later for each handover. Who is the primary after two of them is a preference of the
 * run and no promise: the choice is between those that have applied the fence's position.
 */
const expected = (before: readonly NodeFacts[], now: readonly NodeFacts[], handovers: number): NodeFacts[] =>
  before.map((facts, at) => ({
    ...facts,
    timeline: facts.timeline + handovers,
    primary: (handovers === 0 ? facts : now[at])?.primary === true,
  }));

describe('R-SAGA-3, R-SAGA-5: the operator rolls back, and every node is again what it was', () => {
  it.each(stages)('$when', { timeout: 60_000 }, async (stage) => {
    const { sample } = bench;
    const before = await inspectNodes(sample);
    expect(before.map((n) => n.version)).toEqual(['17.5', '17.5', '17.5']);
    const reason = `to go back ${stage.when}`;
    let asked: { versions: string[]; reply: unknown } | undefined;
    let finish: (() => Promise<void>) | undefined;

    const state = await bench.run({ approvals: { before: stage.approvals ?? [] } }, async (going) => {
      finish = await stage.reach(going);
      const versions = await versionsOf(sample);
      asked = { versions, reply: await going.handle.rollback({ by: 'ann', reason }) };
    });
    await finish?.();

    expect(firstThenSorted(asked?.versions ?? [])).toEqual(firstThenSorted(stage.versions));
    expect(asked?.reply).toMatchObject({ accepted: true });
    expect(state.run.outcome).toBe('rolled-back');
    expect(decisionsIn(state, 'rollback')).toMatchObject([
      { by: 'ann', reason, accepted: true, step: expect.stringMatching(stage.step) as string },
    ]);

    expect(await versionsOf(sample)).toEqual(['17.5', '17.5', '17.5']);
    expect(state.handovers).toHaveLength(stage.handovers);
    expect(state.handovers.every((h) => h.result === 'done')).toBe(true);
    const facts = await inspectNodes(sample);
    expect(facts.filter((n) => n.primary)).toHaveLength(1);
    expect(facts).toEqual(expected(before, facts, stage.handovers));
    expect(facts.flatMap((n) => [...n.ours, ...n.idleSlots])).toEqual([]);
    await noSessionsOfOurs(sample);

    expect(state).toMatchObject({ ledger: [], leftUndone: [], compensations: [], skipped: [] });
    for (const key of ['failure', 'waiting', 'fence', 'release'] as const) expect(state[key]).toBeUndefined();
    expect(state.timeline.filter((e) => e.kind === 'failure')).toEqual([]);
    const changes = Object.values(await bench.changes(state.run.id));
    const installs = changes.map((actions) => actions.filter((a) => a === 'install').length);
    expect(firstThenSorted(installs)).toEqual(stage.installs);
    if (stage.load) {
      expect(state.writes?.acknowledged).toBeGreaterThan(0);
      expect(state.writes).toMatchObject({ lost: 0, lostKeys: [] });
    } else {
      expect(state.writes).toBeUndefined();
    }
    // A node that is not to be changed is not touched either.
    if (stage.installs.every((n) => n === 0)) expect(changes).toEqual([[], [], []]);
  });
});

const decisionsIn = (state: RunState, action: string) => state.decisions.filter((d) => d.action === action);
