import type {
  ClusterSpec,
  HeldSnapshot,
  MigrationState,
  Mismatch,
  RunState,
  StepProgress,
  TimelineEvent,
  Validation,
} from '../../src/contracts/index.js';
import { StorageMigrationSpec } from '../../src/contracts/spec.js';
import { at, finishedRun } from './fixture.js';

const source = clusterOf('orders', ['a-1', 'a-2', 'a-3'], 15431);
const destination = clusterOf('orders-18', ['b-1', 'b-2'], 15441);

export const spec = StorageMigrationSpec.parse({
  name: 'orders-to-18',
  source: 'orders',
  destination: 'orders-18',
  observe: { for: '30s' },
  probe: { writers: 8, interval: '5ms' },
});

const tables = [
  { table: '"public"."orders"', pages: 12_000, bytes: 12_000 * 8192 },
  { table: '"public"."items"', pages: 4000, bytes: 4000 * 8192 },
  { table: '"public"."countries"', pages: 3, bytes: 3 * 8192 },
];
const snapshot: HeldSnapshot = { id: '00000003-0000002A-1', tables };

/** A copy that took from second 3 to 14, in five ranges. */
const copy: NonNullable<MigrationState['copy']> = {
  ...{ ranges: 5, done: 5, rows: 1_450_000, bytes: 98_566_144, totalBytes: 131_096_576 },
  startedAt: at(3.1),
  endedAt: at(14),
};

export const equal = (cut: string, begun: number, writePauseMs = 0, rows = 1_450_000): Validation => {
  const position = {
    offset: 50_331_744 + begun,
    text: `0/30000${Math.round(begun).toString(16).toUpperCase().padStart(2, '0')}`,
  };
  return {
    ...{ id: `${cut}@${position.text}`, cut, position, rows, mismatches: 0, writePauseMs },
    tables: tables.map(({ table }, i) => {
      const of = i === 0 ? rows - 150_250 : i === 1 ? 150_000 : 250;
      return { table, rows: { source: of, destination: of }, equal: true, mismatches: [] };
    }),
    startedAt: at(begun),
    endedAt: at(begun + 2.2),
  };
};

export const mismatches: readonly Mismatch[] = [
  {
    table: '"public"."orders"',
    kind: 'differs',
    key: { id: '4711' },
    columns: [
      { name: 'price', source: '1.10', destination: '1.100' },
      { name: 'note', source: null, destination: '' },
    ],
  },
  { table: '"public"."orders"', kind: 'missing', key: { id: '4712' }, columns: [] },
  {
    table: '"public"."orders"',
    kind: 'extra',
    key: { id: '4713', note: '<b>made by hand</b>' },
    columns: [],
  },
];

/** One row has another value, one is missing, one is there once too often. */
export const differing = (): Validation => {
  const found = equal('before-cutover-1', 18.4, 3.4);
  return {
    ...found,
    mismatches: 3,
    tables: found.tables.map((t, i) => (i === 0 ? { ...t, equal: false, mismatches } : t)),
  };
};

const phases: MigrationState['phases'] = [
  { phase: 'preflight', at: at(0) },
  { phase: 'exporting', at: at(1.8) },
  { phase: 'bootstrapping', at: at(3) },
  { phase: 'validating-export', at: at(14.1) },
  { phase: 'dual-writing', at: at(16.6) },
  { phase: 'validating-cutover', at: at(18.2) },
  { phase: 'awaiting-approval', at: at(20.8) },
  { phase: 'cutting-over', at: at(28) },
  { phase: 'observing', at: at(28.9) },
  { phase: 'cut-back', at: at(52.1) },
  { phase: 'validating-cutover', at: at(58) },
  { phase: 'awaiting-approval', at: at(60.7) },
  { phase: 'cutting-over', at: at(60.8) },
  { phase: 'observing', at: at(61.6) },
  { phase: 'accepted', at: at(96) },
];

const validations: readonly Validation[] = [
  equal('export', 14.2),
  equal('before-cutover-1', 18.4, 3.4, 1_451_200),
  equal('cutover-1', 29, 0, 1_452_900),
  equal('before-cutover-2', 58.2, 5.8, 1_459_300),
  equal('cutover-2', 61.7, 0, 1_459_800),
];

const switches: MigrationState['switches'] = [
  {
    ...{ direction: 'forward', validation: 'before-cutover-1@0/3000012', result: 'done' },
    position: { offset: 67_109_560, text: '0/40002B8' },
    ...{ startedAt: at(28.3), openedAt: at(28.61), writeGapMs: 46 },
  },
  {
    ...{ direction: 'back', validation: 'before-cutover-1@0/3000012', result: 'done' },
    position: { offset: 33_558_832, text: '0/2001130' },
    ...{ startedAt: at(51.4), openedAt: at(51.72), writeGapMs: 39 },
  },
  {
    ...{ direction: 'forward', validation: 'before-cutover-2@0/300003A', result: 'done' },
    position: { offset: 83_886_080, text: '0/5000000' },
    ...{ startedAt: at(61), openedAt: at(61.33), writeGapMs: 52 },
  },
];

const done: readonly [string, string, number, number, StepProgress['result']?][] = [
  ['prepare', 'Prepare', 0.4, 1.8],
  ['export', 'Export orders at a cut', 1.8, 3],
  ['bootstrap', 'Copy to orders-18', 3, 14.1],
  ['validate/export', 'Compare both copies at the export', 14.1, 16.6],
  ['dual-write', 'Let the changes of orders flow to orders-18', 16.6, 18.2],
  ['validate/cutover', 'Compare both copies at one cut', 18.2, 20.8],
  ['cutover', 'Let orders-18 take the writes', 20.8, 28],
  ['move', 'Move the writes', 28, 28.9],
  ['observe', 'Observe orders-18', 28.9, 51, 'interrupted'],
  ['cut-back', 'Let the source take the writes again', 51, 52.1],
  ['cut-back/2', 'The source takes the writes again', 52.1, 58],
  ['validate/cutover/2', 'Compare both copies at one cut', 58, 60.7],
  ['move/2', 'Move the writes', 60.8, 61.6],
  ['observe/2', 'Observe the destination', 61.6, 96],
  ['finish', 'Finish', 96, 99.4],
];

/** Migrated from 17.10 to 18.4, cut back once, moved again and accepted, with a worker killed three times. */
export function migratedRun(): RunState {
  const whole = finishedRun();
  const timeline: TimelineEvent[] = [
    { at: at(0.3), kind: 'step', text: 'plan 3f9a1c0de4b7a852 is possible' },
    { at: at(1.2), kind: 'probe', step: 'prepare', text: 'the probe writes with 8 writers' },
    ...phases.slice(1).map((p) => ({ at: p.at, kind: 'migration' as const, text: `phase ${p.phase}` })),
    { at: at(99.4), kind: 'step', text: 'the run is completed' },
  ];
  return {
    ...whole,
    run: {
      ...whole.run,
      kind: 'StorageMigration',
      name: 'orders-to-18',
      endedAt: at(99.5),
    },
    spec: { cluster: source, destination, migration: spec },
    plan: whole.plan && {
      ...whole.plan,
      target: 'orders-18 (18.4)',
      pointOfNoReturn: 'accept',
      nodes: nodes().map(({ id, group, from, to, roleBefore }) => ({
        id,
        group,
        from,
        to,
        role: roleBefore,
      })),
      notes: ['3 tables, 125 MiB, 4 sequences: 17.10 → 18.4'],
      steps: [
        ...['prepare', 'export', 'bootstrap', 'validate/export', 'dual-write', 'validate/cutover'],
        ...['cutover', 'observe', 'accept', 'finish'],
      ].map((id) => ({
        id,
        title: done.find(([step]) => step === id)?.[1] ?? 'Accept orders-18, retire orders',
        action: { kind: 'migrate', step: id },
        reversibility: id === 'accept' ? 'none' : id === 'cutover' || id === 'observe' ? 'cut-back' : 'free',
        gates: id.startsWith('validate') ? ['copies-equal'] : [],
        approval: id === 'cutover' || id === 'accept',
        effects: [],
      })),
    },
    steps: done.map(([id, title, from, to, result = 'done']) => ({
      ...{ id, title, result, startedAt: at(from), endedAt: at(to) },
    })),
    nodes: nodes(),
    gates: [
      {
        name: 'copies-equal',
        verdict: 'pass',
        observed: '1459800 rows of 3 tables at cutover-2@0/300003E, 0 differ',
        required: 'every row of every table is the same on both sides at one position',
        at: at(63.9),
      },
    ],
    handovers: [],
    decisions: [
      { action: 'approve', by: 'mira', reason: 'compared', at: at(27.9), step: 'cutover', accepted: true },
      { action: 'rollback', by: 'mira', reason: 'a report is slow', at: at(50.9), accepted: true },
      {
        action: 'approve',
        by: 'mira',
        reason: 'it was not',
        at: at(57.9),
        step: 'cutover/2',
        accepted: true,
      },
      { action: 'approve', by: 'mira', reason: 'all is well', at: at(95.8), step: 'accept', accepted: true },
    ],
    faults: [
      { kind: 'worker killed with SIGKILL', during: 'copyRanges', at: at(6.2) },
      { kind: 'worker killed with SIGKILL', during: 'hashRanges', at: at(15) },
      { kind: 'worker killed with SIGKILL', during: 'fenceSide', at: at(28.45) },
    ],
    timeline,
    samples: [],
    writes: whole.writes && {
      ...whole.writes,
      acknowledged: 94_330,
      writeGaps: [
        { ms: 81, from: at(28.56), to: at(28.641) },
        { ms: 74, from: at(61.27), to: at(61.344) },
        { ms: 58, from: at(51.68), to: at(51.738) },
        { ms: 12, from: at(20.2), to: at(20.212) },
      ],
      readGaps: [{ ms: 90, from: at(28.55), to: at(28.64) }],
      longestWait: { ms: 96, from: at(28.55), to: at(28.646), client: 'writer-3' },
      startedAt: at(1.2),
      endedAt: at(96.4),
      buckets: Array.from({ length: 95 }, (_, i) => ({
        at: at(i + 1.2),
        acknowledged: Math.round(990 + 70 * Math.sin(i / 4) + ((i * 37) % 31) - (i > 27 && i < 50 ? 160 : 0)),
        failed: 0,
        longestGapMs: 9 + ((i * 13) % 20),
      })),
    },
    migration: {
      phase: 'accepted',
      phases: [...phases],
      authority: 'destination',
      export: { position: { offset: 50_331_744, text: '0/3000060' }, snapshot, at: at(2.6) },
      copy: { ...copy },
      validations: [...validations],
      switches: [...switches],
    },
  };
}

/** While its rows are copied: two of five ranges, 4.4 s after the first began. */
export const copyingRun = (): RunState =>
  until(migratedRun(), 7.5, {
    phase: 'bootstrapping',
    authority: 'source',
    copy: { ...copy, done: 2, rows: 480_000, bytes: 32_505_856, endedAt: undefined },
    ...{ validations: [], switches: [] },
  });

/** Blocked, because the copies were not equal before the cutover. */
export const differingRun = (): RunState => ({
  ...until(migratedRun(), 20.7, {
    ...{ phase: 'validating-cutover', authority: 'source', switches: [] },
    validations: [equal('export', 14.2), differing()],
  }),
  phase: 'blocked',
  failure: {
    code: 'COPIES_DIFFER',
    message: '3 rows of "public"."orders" differ at before-cutover-1@0/3000012',
    remedy: 'See them in the report. Find out who wrote to the destination, then roll back and begin anew.',
    step: 'validate/cutover',
    at: at(20.6),
  },
});

const asked = {
  cutover: {
    ...{ seconds: 22, title: 'Let the destination take the writes' },
    changes: { phase: 'awaiting-approval', authority: 'source', switches: [] },
  },
  'cutover/2': {
    ...{ seconds: 55, title: 'Move the writes to the destination again' },
    changes: { phase: 'cut-back', authority: 'source', switches: switches.slice(0, 2) },
  },
  accept: {
    ...{ seconds: 94, title: 'Accept the destination, retire the source' },
    changes: { phase: 'observing', authority: 'destination' },
  },
} as const satisfies Record<string, { seconds: number; title: string; changes: Partial<MigrationState> }>;

/** Asked for the cutover, for one more after a cut-back, or for the acceptance. */
export function waitingRun(step: keyof typeof asked): RunState {
  const { seconds, title, changes } = asked[step];
  const run = until(migratedRun(), seconds, changes);
  const expiresAt = at(seconds + 3600);
  return {
    ...run,
    ...{ phase: 'waiting-for-approval', step, waiting: { step, title, since: at(seconds), expiresAt } },
    timeline: [
      ...run.timeline,
      { at: at(seconds), kind: 'step', step, text: `waits for approval of ${step} until ${expiresAt}` },
    ],
  };
}

/** The run as it was then. */
function until(whole: RunState, seconds: number, changes: Partial<MigrationState>): RunState {
  const past = (time: string): boolean => Date.parse(time) <= Date.parse(at(seconds));
  const { migration, run } = whole;
  return {
    ...whole,
    run: { ...run, endedAt: undefined, outcome: 'running' },
    phase: 'migrating',
    steps: whole.steps
      .filter((s) => past(s.startedAt))
      .map((s) =>
        s.endedAt !== undefined && past(s.endedAt) ? s : { ...s, endedAt: undefined, result: undefined },
      ),
    timeline: whole.timeline.filter((e) => past(e.at)),
    gates: whole.gates.filter((g) => past(g.at)),
    faults: whole.faults.filter((f) => past(f.at)),
    decisions: whole.decisions.filter((d) => past(d.at)),
    writes: undefined,
    migration: migration && {
      ...migration,
      phases: migration.phases.filter((p) => past(p.at)),
      validations: migration.validations.filter((v) => past(v.endedAt)),
      ...changes,
    },
    resumeHint: 'rollgate watch orders',
  };
}

function nodes(): RunState['nodes'] {
  const of = (cluster: ClusterSpec, side: string, version: string): RunState['nodes'] =>
    cluster.nodes.map(({ id, group }) => ({
      ...{ id, group, from: version, to: version, version, roleBefore: side, status: 'pending' as const },
    }));
  return [...of(source, 'source', '17.10'), ...of(destination, 'destination', '18.4')];
}

function clusterOf(name: string, ids: readonly string[], port: number): ClusterSpec {
  return {
    ...{ name, system: 'postgres', artifacts: {}, routing: { kind: 'none' } },
    settings: { user: 'rollgate', password: 'env:ORDERS_PASSWORD' },
    nodes: ids.map((id, i) => ({
      ...{ id, group: 'default', address: `127.0.0.1:${port + i}` },
      host: { kind: 'local', directory: `/srv/${name}/${id}` },
    })),
  };
}
