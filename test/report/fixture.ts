import type {
  ClusterSpec,
  GateVerdict,
  NodeStatus,
  ProbeBucket,
  RunState,
} from '../../src/contracts/index.js';
import { RollingUpgradeSpec } from '../../src/contracts/spec.js';

const t0 = Date.parse('2026-03-04T03:52:11.000Z');
/** The moment `seconds` after the start of the fixture's run. */
export const at = (seconds: number): string => new Date(t0 + Math.round(seconds * 1000)).toISOString();

const cluster: ClusterSpec = {
  name: 'orders',
  system: 'postgres',
  settings: { user: 'rollgate', password: 'env:ORDERS_PASSWORD' },
  nodes: ['pg-1', 'pg-2', 'pg-3'].map((id, i) => ({
    id,
    group: 'default',
    address: `127.0.0.1:${15431 + i}`,
    host: { kind: 'local', directory: `/srv/orders/${id}` },
  })),
  artifacts: {},
  routing: { kind: 'none' },
};

const roll = [
  { node: 'pg-2', at: 1.2 },
  { node: 'pg-3', at: 14.5 },
  { node: 'pg-1', at: 30.2 },
];
const statusAt: [NodeStatus, number][] = [
  ['draining', 0.4],
  ['drained', 2.1],
  ['upgrading', 2.2],
  ['rejoining', 4.4],
  ['complete', 12.4],
];

/** A finished roll of three nodes from 17.5 to 17.10, with a worker killed three times. */
export function finishedRun(): RunState {
  const timeline: RunState['timeline'] = [
    { at: at(0.3), kind: 'step', text: 'plan 3f9a1c0de4b7a852 is possible' },
    { at: at(0.9), kind: 'probe', step: 'prepare', text: 'the probe writes with 8 writers' },
    ...roll.flatMap(({ node, at: start }) =>
      statusAt.map(([status, offset]) => ({
        at: at(start + offset),
        kind: 'node' as const,
        step: `replace/${node}`,
        node,
        text: `${node} ${status}`,
      })),
    ),
    {
      at: at(28),
      kind: 'handover',
      step: 'handover/default',
      text: 'handover from pg-1 begins; candidates pg-2, pg-3',
    },
    {
      at: at(28.71),
      kind: 'handover',
      step: 'handover/default',
      node: 'pg-1',
      text: 'pg-1 is fenced at 0/70001C8',
    },
    {
      at: at(29.14),
      kind: 'handover',
      step: 'handover/default',
      node: 'pg-2',
      text: 'pg-2 is promoted, epoch 2',
    },
    { at: at(29.14), kind: 'node', step: 'handover/default', node: 'pg-1', text: 'pg-1 drained' },
    {
      at: at(29.9),
      kind: 'handover',
      step: 'handover/default',
      node: 'pg-2',
      text: 'pg-2 is the primary of default, epoch 1 → 2',
    },
    { at: at(45.1), kind: 'step', text: 'the run is completed' },
  ];
  timeline.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return {
    schemaVersion: 1,
    run: {
      id: '0199c7a2-55f1-7d64-9b8e-2f1c6f6a9d10',
      workflowId: 'rollgate/orders',
      kind: 'RollingUpgrade',
      name: 'orders-17.10',
      cluster: 'orders',
      system: 'postgres',
      startedAt: at(0),
      endedAt: at(45.1),
      outcome: 'completed',
    },
    spec: {
      cluster,
      upgrade: RollingUpgradeSpec.parse({
        name: 'orders-17.10',
        cluster: 'orders',
        to: '17.10',
        soak: '5s',
        probe: { writers: 8, interval: '5ms' },
      }),
    },
    plan: {
      kind: 'possible',
      hash: '3f9a1c0de4b7a852',
      cluster: 'orders',
      system: 'postgres',
      target: '17.10',
      nodes: ['pg-1', 'pg-2', 'pg-3'].map((id) => ({
        id,
        group: 'default',
        role: id === 'pg-1' ? 'primary' : 'replica',
        from: '17.5',
        to: '17.10',
      })),
      steps: [
        step('prepare', 'Prepare', { kind: 'prepare' }, 'free'),
        step('replace/pg-2', 'Replace pg-2', replaceOf('pg-2')),
        step('replace/pg-3', 'Replace pg-3', replaceOf('pg-3')),
        step('handover/default', 'Hand over from pg-1', {
          kind: 'handover',
          group: 'default',
          from: 'pg-1',
          candidates: ['pg-2', 'pg-3'],
        }),
        step('replace/pg-1', 'Replace pg-1', replaceOf('pg-1')),
        step('finish', 'Prove and clean up', { kind: 'finish' }, 'free'),
      ],
      refusals: [],
      windows: [],
      notes: ['A node of 17.5 follows a primary of 17.10 only by streaming.'],
      observedAt: at(0.2),
    },
    phase: 'finished',
    direction: 'forward',
    steps: [
      done('prepare', 'Prepare', 0.4, 1.1),
      done('replace/pg-2', 'Replace pg-2', 1.2, 13.7),
      done('replace/pg-3', 'Replace pg-3', 14.5, 27.1),
      done('handover/default', 'Hand over from pg-1', 27.8, 29.9),
      done('replace/pg-1', 'Replace pg-1', 30.2, 43.1),
    ],
    nodes: ['pg-1', 'pg-2', 'pg-3'].map((id) => {
      const start = roll.find((r) => r.node === id)?.at ?? 0;
      return {
        id,
        group: 'default',
        from: '17.5',
        to: '17.10',
        roleBefore: id === 'pg-1' ? 'primary' : 'replica',
        roleAfter: id === 'pg-2' ? 'primary' : 'replica',
        status: 'complete' as const,
        version: '17.10',
        lag: 0,
        startedAt: at(start),
        endedAt: at(start + 12.4),
      };
    }),
    gates: gates(),
    handovers: [
      {
        group: 'default',
        from: 'pg-1',
        to: 'pg-2',
        epochBefore: 1,
        epochAfter: 2,
        fencePosition: { offset: 117_441_000, text: '0/70001C8' },
        candidatePosition: { offset: 117_441_000, text: '0/70001C8' },
        startedAt: at(28),
        fencedAt: at(28.71),
        promotedAt: at(29.14),
        endedAt: at(29.9),
        result: 'done',
      },
    ],
    ledger: [],
    compensations: [],
    decisions: [
      {
        action: 'pause',
        by: 'mira',
        reason: 'a nightly export is still running',
        at: at(13.8),
        accepted: true,
        note: 'at the next safe point',
      },
      { action: 'resume', by: 'mira', reason: 'the export has ended', at: at(14.4), accepted: true },
    ],
    timeline,
    samples: samples(),
    pauseRequested: false,
    approved: [],
    skipped: [],
    writes: {
      acknowledged: 48_213,
      lost: 0,
      unknown: 3,
      resurrected: 0,
      lostKeys: [],
      writeGaps: [
        { ms: 431, from: at(28.7), to: at(29.131) },
        { ms: 38, from: at(16.8), to: at(16.838) },
        { ms: 22, from: at(13.9), to: at(13.922) },
      ],
      readGaps: [{ ms: 61, from: at(28.7), to: at(28.761) }],
      longestWait: { ms: 447, from: at(28.69), to: at(29.137), client: 'writer-5' },
      reads: 8100,
      writers: 8,
      startedAt: at(0.9),
      endedAt: at(44.2),
      buckets: buckets(),
    },
    leftUndone: [],
    switches: [],
    backups: [],
    faults: [
      { kind: 'worker killed with SIGKILL', during: 'the drain of a replica', at: at(2.0) },
      {
        kind: 'worker killed with SIGKILL',
        during: 'the handover, between fence and promotion',
        at: at(28.73),
      },
      { kind: 'worker killed with SIGKILL', during: 'installArtifact of pg-1', at: at(33.1) },
    ],
    resumeHint: '',
  };
}

/** The same roll while its second node rejoins. */
export function runInProgress(): RunState {
  const whole = finishedRun();
  const now = at(20);
  const past = (time: string): boolean => Date.parse(time) <= Date.parse(now);
  return {
    ...whole,
    run: { ...whole.run, endedAt: undefined, outcome: 'running' },
    phase: 'rolling',
    step: 'replace/pg-3',
    steps: whole.steps
      .filter((s) => past(s.startedAt))
      .map((s) =>
        s.endedAt !== undefined && past(s.endedAt) ? s : { ...s, endedAt: undefined, result: undefined },
      ),
    nodes: whole.nodes.map((n) => {
      if (n.id === 'pg-2') return { ...n, roleAfter: 'replica' };
      const status = n.id === 'pg-3' ? ('rejoining' as const) : ('pending' as const);
      return {
        ...n,
        roleAfter: n.roleBefore,
        status,
        version: '17.5',
        endedAt: undefined,
        startedAt: n.id === 'pg-3' ? n.startedAt : undefined,
      };
    }),
    handovers: [],
    timeline: whole.timeline.filter((e) => past(e.at)),
    samples: whole.samples.filter((s) => past(s.at)),
    gates: whole.gates.filter((g) => past(g.at)),
    faults: whole.faults.filter((f) => past(f.at)),
    ledger: [
      {
        id: 'routing/pg-3',
        kind: 'routing',
        node: 'pg-3',
        name: 'client routing',
        formerValue: 'routed',
        value: 'drained',
        borrowedAt: at(14.9),
        giveBack: 'put pg-3 back into client routing',
      },
    ],
    writes: undefined,
    resumeHint: 'rollgate watch orders',
  };
}

/** Rolled back because the target of pg-2 does not start; one write is lost, one setting still borrowed. */
export function failedRun(): RunState {
  const whole = finishedRun();
  const timeline: RunState['timeline'] = [
    ...whole.timeline.filter((e) => Date.parse(e.at) <= Date.parse(at(3.5))),
    {
      at: at(12),
      kind: 'node',
      step: 'replace/pg-2',
      node: 'pg-2',
      text: 'pg-2 failed: HOST_START_FAILED: exited with 127',
    },
    {
      at: at(12),
      kind: 'failure',
      step: 'replace/pg-2',
      node: 'pg-2',
      text: 'HOST_START_FAILED: exited with 127: postgres: error while loading shared libraries',
    },
    { at: at(12.1), kind: 'step', text: 'rolling back to the former version' },
    { at: at(12.3), kind: 'node', step: 'replace/pg-2', node: 'pg-2', text: 'pg-2 upgrading' },
    { at: at(14), kind: 'node', step: 'replace/pg-2', node: 'pg-2', text: 'pg-2 rejoining' },
    { at: at(20), kind: 'node', step: 'replace/pg-2', node: 'pg-2', text: 'pg-2 complete' },
  ];
  const { writes } = whole;
  return {
    ...whole,
    run: { ...whole.run, endedAt: at(22), outcome: 'failed' },
    direction: 'back',
    steps: [
      done('prepare', 'Prepare', 0.4, 1.1),
      { ...done('replace/pg-2', 'Replace pg-2', 1.2, 12), result: 'failed' },
      done('replace/pg-2', 'Put pg-2 back', 12.2, 20.1),
    ],
    nodes: whole.nodes.map((n) =>
      n.id === 'pg-2'
        ? { ...n, roleAfter: 'replica', version: '17.5', endedAt: at(20) }
        : {
            ...n,
            roleAfter: n.roleBefore,
            status: 'pending',
            version: '17.5',
            startedAt: undefined,
            endedAt: undefined,
          },
    ),
    gates: [
      ...whole.gates.filter((g) => Date.parse(g.at) <= Date.parse(at(3))),
      {
        name: 'node-healthy',
        node: 'pg-2',
        verdict: 'unknown',
        observed: 'whether it answers of pg-2 is unknown: connection refused',
        required: 'pg-2 answers and serves',
        at: at(11.9),
      },
    ],
    handovers: [],
    decisions: [
      { action: 'rollback', by: 'mira', reason: 'the release is broken', at: at(12.05), accepted: true },
    ],
    timeline,
    samples: whole.samples.filter((s) => Date.parse(s.at) <= Date.parse(at(22))),
    faults: [],
    failure: {
      code: 'WRITES_LOST',
      message: '1 of 21007 acknowledged writes is not in the cluster',
      remedy: 'Stop relying on this cluster, keep every data directory, and compare the keys with the nodes.',
      at: at(21.8),
    },
    ledger: [
      {
        id: 'setting/pg-1/synchronous_standby_names',
        kind: 'setting',
        node: 'pg-1',
        name: 'synchronous_standby_names',
        formerValue: 'ANY 1 (pg_2, pg_3)',
        value: '',
        borrowedAt: at(1.5),
        giveBack: 'set synchronous_standby_names on pg-1 to ANY 1 (pg_2, pg_3)',
      },
    ],
    leftUndone: [
      {
        what: 'setting/pg-1/synchronous_standby_names',
        command: 'set synchronous_standby_names on pg-1 to ANY 1 (pg_2, pg_3)',
        error: 'SYSTEM_UNREACHABLE: connection refused',
      },
    ],
    writes: writes && {
      ...writes,
      acknowledged: 21_007,
      lost: 1,
      lostKeys: ['writer 3, seq 2601'],
      endedAt: at(21.5),
      writeGaps: [{ ms: 38, from: at(3.1), to: at(3.138) }],
      buckets: writes.buckets.filter((b) => Date.parse(b.at) <= Date.parse(at(21))),
    },
  };
}

function step(
  id: string,
  title: string,
  action: NonNullable<RunState['plan']>['steps'][number]['action'],
  reversibility: 'free' | 're-roll' = 're-roll',
): NonNullable<RunState['plan']>['steps'][number] {
  return {
    id,
    title,
    action,
    reversibility,
    gates: ['cluster-healthy', 'one-primary'],
    approval: false,
    effects: [`${title}, with its gates`],
  };
}

function replaceOf(node: string) {
  return { kind: 'replace', node, from: '17.5', to: '17.10' } as const;
}

function done(id: string, title: string, from: number, to: number): RunState['steps'][number] {
  return { id, title, startedAt: at(from), endedAt: at(to), result: 'done' };
}

function gates(): GateVerdict[] {
  const pass = (name: GateVerdict['name'], node: string | undefined, seconds: number): GateVerdict => ({
    name,
    node,
    verdict: 'pass',
    observed: name === 'lag-zero' ? 'has applied everything' : 'as it must be',
    required: name === 'lag-zero' ? 'lag 0' : 'all of it, freshly observed',
    at: at(seconds),
  });
  return [
    pass('cluster-healthy', undefined, 30.3),
    pass('one-primary', undefined, 30.3),
    ...roll.flatMap(({ node, at: start }) => [
      pass('quorum-without-node', node, start + 0.2),
      pass('others-in-sync', node, start + 0.2),
      pass('lag-zero', node, start + 2),
      pass('version-reported', node, start + 4.3),
      pass('caught-up', node, start + 6),
      pass('soak-held', node, start + 12.3),
    ]),
    pass('candidate-in-sync', undefined, 27.9),
    pass('epoch-grew', 'pg-2', 29.4),
    pass('replicas-follow', undefined, 29.6),
  ];
}

function samples(): RunState['samples'] {
  const found: RunState['samples'] = [];
  for (let t = 0.5; t < 44; t += 0.5) {
    for (const { node, at: start } of roll) {
      const since = t - start - 4.4;
      const primary = node === 'pg-1' ? t < 29 : node === 'pg-2' && t >= 29;
      const down = since > -2.2 && since < 0;
      if (down) continue;
      const lag = primary
        ? 0
        : since >= 0 && since < 3
          ? Math.round(6_400_000 * (1 - since / 3) ** 2)
          : (t * 7919) % 900;
      found.push({ at: at(t), node, lag: Math.round(lag) });
    }
  }
  return found;
}

function buckets(): ProbeBucket[] {
  return Array.from({ length: 44 }, (_, i): ProbeBucket => {
    const slow = i === 28 ? 0.3 : i === 29 ? 0.88 : 1;
    return {
      at: at(i + 0.9),
      acknowledged: Math.round(
        (1110 + 60 * Math.sin(i / 2.3) + ((i * 37) % 23)) * slow * (i === 43 ? 0.3 : 1),
      ),
      failed: i === 28 ? 3 : 0,
      longestGapMs: i === 28 ? 431 : 8 + ((i * 13) % 30),
    };
  });
}
