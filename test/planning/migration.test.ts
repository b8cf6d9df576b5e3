import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  passedFrom,
  type Cut,
  type MigrationView,
  type RangeHash,
  type Side,
  type TableSize,
  type Validation,
} from '../../src/contracts/migration.js';
import type { TableHash } from '../../src/contracts/migration-activities.js';
import {
  migrationPhases,
  type MigrationPhase,
  type MigrationState,
  type SideSwitch,
} from '../../src/contracts/run.js';
import { ClusterSpec, StorageMigrationSpec } from '../../src/contracts/spec.js';
import { compareSums } from '../../src/planning/migration/comparison.js';
import { cutoverCut, cutovers, fenceCut, objectionToPhase } from '../../src/planning/migration/phases.js';
import { momentOfCutover } from '../../src/planning/migration/moment.js';
import { planMigration, type MigrationPlanInput } from '../../src/planning/migration/plan.js';
import { batchesOf, bytesOf, rangesOf, weigh } from '../../src/planning/migration/ranges.js';
import { untilOpen } from '../../src/planning/migration/window.js';

const at = '2026-03-01T12:00:00.000Z';
const position = { offset: 7, text: '0/7' };

const validation = (cut: string, mismatches = 0, text = position.text): Validation => ({
  ...{ id: `${cut}@${text}`, cut, position: { offset: 7, text }, rows: 5, mismatches, writePauseMs: 2 },
  tables: [{ table: 't', rows: { source: 5, destination: 5 }, equal: mismatches === 0, mismatches: [] }],
  ...{ startedAt: at, endedAt: at },
});

const moved = (direction: SideSwitch['direction'], result: SideSwitch['result'] = 'done'): SideSwitch => ({
  ...{ direction, result, validation: 'v', startedAt: at },
});

const backAgain = [moved('forward'), moved('back')];

/** Everything has been shown that any phase asks for. */
function shown(phase: MigrationPhase): MigrationState {
  const onDestination = phase === 'observing' || phase === 'accepted';
  return {
    ...{ phase, phases: [], authority: onDestination ? 'destination' : 'source' },
    export: { position, snapshot: { id: 's', tables: [] }, at },
    copy: { ranges: 4, done: 4, rows: 5, bytes: 10, totalBytes: 10, startedAt: at, endedAt: at },
    validations: [
      ...['at-export', 'before-cutover-1', 'cutover-1'],
      ...['cut-back-1', 'before-cutover-2'],
    ].map((c) => validation(c)),
    switches: onDestination ? [moved('forward')] : phase === 'cut-back' ? backAgain : [],
  };
}

const allowed: Readonly<Record<MigrationPhase, readonly MigrationPhase[]>> = {
  preflight: ['exporting', 'discarded'],
  exporting: ['bootstrapping', 'discarded'],
  bootstrapping: ['exporting', 'validating-export', 'discarded'],
  'validating-export': ['exporting', 'dual-writing', 'discarded'],
  'dual-writing': ['exporting', 'validating-cutover', 'discarded'],
  'validating-cutover': ['awaiting-approval', 'discarded'],
  'awaiting-approval': ['validating-cutover', 'cutting-over', 'discarded'],
  'cutting-over': ['validating-cutover', 'discarded'],
  observing: ['accepted'],
  accepted: [],
  'cut-back': ['validating-cutover', 'discarded'],
  discarded: [],
};

describe('R-MIG-1: a phase is entered only when the one before was accepted', () => {
  const transitions = migrationPhases.flatMap((from) => migrationPhases.map((to) => [from, to] as const));

  it.each(transitions)('%s → %s', (from, to) => {
    const objection = objectionToPhase(shown(from), to);
    if (allowed[from].includes(to)) expect(objection).toBeUndefined();
    else expect(objection).toMatch(/does not follow on|takes? the writes/);
  });

  it('the side that takes the writes decides between observing, cut-back and discarded', () => {
    const destination = { ...shown('cutting-over'), authority: 'destination' as const };
    expect(objectionToPhase(destination, 'observing')).toBeUndefined();
    expect(objectionToPhase(destination, 'discarded')).toContain('cut back first');
    expect(objectionToPhase(shown('observing'), 'cut-back')).toContain('the source does not take the writes');
    expect(objectionToPhase({ ...shown('observing'), authority: 'source' }, 'cut-back')).toBeUndefined();
    expect(objectionToPhase({ ...shown('observing'), authority: 'source' }, 'accepted')).toContain(
      'the destination does not take the writes',
    );
    expect(
      objectionToPhase({ ...shown('cut-back'), authority: 'destination' }, 'validating-cutover'),
    ).toContain('the destination takes the writes');
  });

  it('a copy needs an export, and a comparison a whole copy', () => {
    const exporting = { ...shown('exporting'), export: undefined };
    expect(objectionToPhase(exporting, 'bootstrapping')).toBe('nothing has been exported');
    const { copy, ...nothing } = shown('bootstrapping');
    if (!copy) throw new Error('no copy');
    expect(objectionToPhase(nothing, 'validating-export')).toContain('not every range');
    for (const part of [{ done: 3 }, { endedAt: undefined }]) {
      const state = { ...nothing, copy: { ...copy, ...part } };
      expect(objectionToPhase(state, 'validating-export')).toContain('not every range');
    }
  });

  const gated: readonly (readonly [MigrationPhase, MigrationPhase, string])[] = [
    ['validating-export', 'dual-writing', 'at-export'],
    ['validating-cutover', 'awaiting-approval', 'before-cutover-1'],
    ['awaiting-approval', 'cutting-over', 'before-cutover-1'],
    ['observing', 'accepted', 'cutover-1'],
    ['cut-back', 'validating-cutover', 'cut-back-1'],
  ];

  it.each(gated)('%s → %s needs a passed comparison at its own cut', (from, to, cut) => {
    const state = shown(from);
    const others = state.validations.filter((v) => v.cut !== cut);
    expect(objectionToPhase({ ...state, validations: others }, to)).toContain(
      `have not been compared at the cut ${cut}`,
    );
    // The latest counts, in both directions.
    const [good, bad] = [validation(cut), validation(cut, 2)];
    expect(objectionToPhase({ ...state, validations: [...others, good, bad] }, to)).toContain(
      'differ at the cut',
    );
    expect(objectionToPhase({ ...state, validations: [...others, bad, good] }, to)).toBeUndefined();
  });

  it('a comparison at an export that was made anew since says nothing', () => {
    const state = shown('validating-export');
    const stale = { ...state, validations: [validation('at-export', 0, '0/3')] };
    expect(objectionToPhase(stale, 'dual-writing')).toContain('another export');
  });

  it('each cutover asks for a comparison of its own, also after one that was undone', () => {
    const switches = [moved('forward'), moved('back'), moved('forward', 'undone')];
    expect([cutovers({ switches }), cutoverCut({ switches }), fenceCut({ switches })]).toEqual([
      ...[1, 'before-cutover-2', 'cutover-1'],
    ]);
    const state = { ...shown('awaiting-approval'), switches };
    const after = (...validations: Validation[]): string | undefined =>
      objectionToPhase({ ...state, validations }, 'cutting-over');
    expect(after(validation('before-cutover-1'))).toContain('before-cutover-2');
    expect(after(validation('before-cutover-2'))).toBeUndefined();
    // Both copies as they were when the writes came back are of the same account; the latest counts.
    expect(after(validation('before-cutover-1'), validation('cut-back-1'))).toBeUndefined();
    expect(after(validation('cut-back-1'), validation('before-cutover-2', 3))).toContain('differ at the cut');
    expect(after(validation('cut-back-2'))).toContain('have not been compared');
  });
});

describe('R-MIG-3: what a comparison says', () => {
  it('only tables that were compared, all of them equal, make a pass', () => {
    expect(passedFrom(validation('c'))).toMatchObject({ id: 'c@0/7' });
    expect(passedFrom(validation('c', 1))).toBeUndefined();
    expect(passedFrom({ ...validation('c'), tables: [] })).toBeUndefined();
    const [table] = validation('c').tables;
    if (!table) throw new Error('no table');
    expect(passedFrom({ ...validation('c'), tables: [{ ...table, equal: false }] })).toBeUndefined();
    expect(passedFrom({ ...validation('c'), mismatches: 1 })).toBeUndefined();
  });

  const sizes = (...tables: string[]): TableSize[] =>
    tables.map((table) => ({ table, pages: 1, bytes: 8192 }));
  const cut = (source: string[], destination: string[]): Cut => ({
    ...{ name: 'c', position, writePauseMs: 1, at },
    snapshots: {
      source: { id: 'a', tables: sizes(...source) },
      destination: { id: 'b', tables: sizes(...destination) },
    },
  });
  const hash = (
    table: string,
    side: Side,
    rows: number,
    sum: bigint,
    more?: Partial<RangeHash>,
  ): TableHash => ({
    ...{ table, side, rows, sum: sum.toString(), void: false },
    ...more,
  });
  const both = cut(['t'], ['t']);

  it('parts are added up, whatever they are and in whatever order', () => {
    const huge = 2n ** 63n;
    const { tables, unread } = compareSums(both, [
      hash('t', 'destination', 1, -huge),
      hash('t', 'source', 2, huge + 5n),
      hash('t', 'source', 3, -2n * huge),
      hash('t', 'destination', 4, 5n),
    ]);
    expect(unread).toEqual([]);
    expect(tables).toEqual([{ table: 't', rows: { source: 5, destination: 5 }, equal: true }]);
  });

  it.each([
    ['another sum', 1, 6n],
    ['another number of rows', 2, 5n],
  ])('%s differs', (_, rows, sum) => {
    const { tables } = compareSums(both, [hash('t', 'source', 1, 5n), hash('t', 'destination', rows, sum)]);
    expect(tables.map((t) => t.equal)).toEqual([false]);
  });

  it('a table of which a part cannot be read on either side is neither equal nor different', () => {
    const a = hash('t', 'source', 1, 5n);
    const b = hash('t', 'destination', 1, 5n);
    for (const hashes of [
      [a],
      [b],
      [{ ...a, void: true }, b],
      [a, { ...b, void: true }],
      [a, b, { ...b, void: true }],
    ])
      expect(compareSums(both, hashes)).toEqual({ tables: [], unread: ['t'] });
  });

  it('a table that only one side has differs, also without rows, and is never taken for unread', () => {
    const { tables, unread } = compareSums(cut(['t'], ['u']), [
      hash('t', 'source', 0, 0n),
      hash('u', 'destination', 2, 9n),
    ]);
    expect(unread).toEqual([]);
    expect(tables).toEqual([
      { table: 't', rows: { source: 0, destination: 0 }, equal: false, only: 'source' },
      { table: 'u', rows: { source: 0, destination: 2 }, equal: false, only: 'destination' },
    ]);
  });
});

describe('R-MIG-3: ranges and batches', () => {
  const size = (table: string, pages: number): TableSize => ({ table, pages, bytes: pages * 8192 });

  it('a table is in ranges without gap or overlap, the last one open-ended; the largest table first', () => {
    expect(rangesOf([size('small', 0), size('big', 10_000)])).toEqual([
      { table: 'big', from: 0, below: 4096 },
      { table: 'big', from: 4096, below: 8192 },
      { table: 'big', from: 8192 },
      { table: 'small', from: 0 },
    ]);
    expect(rangesOf([size('t', 4096)])).toEqual([{ table: 't', from: 0 }]);
    expect(rangesOf([size('t', 4097)])).toHaveLength(2);
  });

  it('with more data the ranges grow, not the history of the run', () => {
    // 32 TiB.
    const ranges = rangesOf([size('huge', 2 ** 32), size('big', 2 ** 20)]);
    expect(ranges.length).toBeLessThan(4200);
    expect(batchesOf(ranges).length).toBeLessThan(300);
    for (const [i, { below }] of ranges.entries())
      if (below !== undefined) expect(ranges[i + 1]?.from).toBe(below);
  });

  it('the same sizes make the same ranges: what was copied before a crash is found again', () => {
    const sizes = [size('b', 5), size('a', 5), size('c', 9000)];
    expect(rangesOf([...sizes].reverse())).toEqual(rangesOf(sizes));
  });

  it('batches have every range once, in order, at most 16 whole ones or 100 in all', () => {
    const sizes = [
      size('big', 100 * 4096),
      ...Array.from({ length: 250 }, (_, i) => size(`t${i + 1000}`, 1)),
    ];
    const ranges = rangesOf(sizes);
    const batches = batchesOf(ranges);
    expect(batches.flat()).toEqual(ranges);
    expect(batches.every((b) => b.length > 0 && b.length <= 100)).toBe(true);
    expect(Math.max(...batches.map((b) => b.filter((r) => r.below !== undefined).length))).toBe(16);
    expect(batchesOf([])).toEqual([]);
  });

  it('a few tables of some hundred MiB keep every lane busy, and none is left alone with much at the end', () => {
    const sizes = [size('a', 10_000), size('b', 10_000), size('c', 4000), size('d', 3000), size('e', 1)];
    for (const lanes of [2, 3, 8]) {
      const ranges = rangesOf(sizes, lanes);
      const batches = batchesOf(ranges, sizes, lanes);
      expect(batches.flat()).toEqual(ranges);
      const free = Array.from({ length: lanes }, () => 0);
      for (const batch of batches) {
        const next = free.indexOf(Math.min(...free));
        free[next] = (free[next] ?? 0) + weigh(batch, sizes).reduce((sum, w) => sum + w, 0);
      }
      expect(Math.min(...free) / Math.max(...free)).toBeGreaterThan(0.7);
    }
    // One lane has nobody to share with, and what is tiny is one call whoever shares it.
    expect(batchesOf(rangesOf(sizes), sizes)).toHaveLength(1);
    expect(
      batchesOf(rangesOf([size('x', 5), size('y', 3)], 3), [size('x', 5), size('y', 3)], 3),
    ).toHaveLength(1);
  });

  it('the bytes of all ranges of a table are those of the table, whatever its size', () => {
    const sizes = [
      { table: 'odd', pages: 9001, bytes: 73_740_001 },
      { table: 'empty', pages: 0, bytes: 8192 },
    ];
    const ranges = rangesOf(sizes, 3);
    expect(ranges.length).toBeGreaterThan(3);
    const bytes = ranges.map((range) => bytesOf([range], sizes));
    expect(bytes.reduce((sum, b) => sum + b, 0)).toBe(73_740_001 + 8192);
    expect(bytesOf(ranges, sizes)).toBe(73_740_001 + 8192);
    expect(Math.min(...bytes)).toBeGreaterThan(0);
  });
});

describe('R-MIG-1: the window of the cutover', () => {
  const wait = (from: string, to: string, time: string): number =>
    untilOpen({ from, to }, `2026-03-01T${time}Z`) / 1000;

  it.each([
    ['02:00', '04:00', '02:00:00.000', 0],
    ['02:00', '04:00', '04:00:59.999', 0],
    ['02:00', '04:00', '04:01:00.000', 21 * 3600 + 59 * 60],
    ['02:00', '04:00', '01:59:30.000', 30],
    ['02:00', '04:00', '01:59:59.750', 0.25],
    ['02:00', '04:00', '23:00:00.000', 3 * 3600],
    ['22:00', '01:00', '23:30:00.000', 0],
    ['22:00', '01:00', '00:30:00.000', 0],
    ['22:00', '01:00', '01:00:59.000', 0],
    ['22:00', '01:00', '01:01:00.000', 20 * 3600 + 59 * 60],
    ['22:00', '01:00', '21:00:00.000', 3600],
    ['00:00', '23:59', '12:00:00.000', 0],
    ['03:00', '03:00', '03:00:30.000', 0],
    ['03:00', '03:00', '03:01:00.000', 23 * 3600 + 59 * 60],
  ])('%s–%s at %s: %d s', (from, to, time, seconds) => {
    expect(wait(from, to, time)).toBe(seconds);
  });

  it('without one it is always open', () => {
    expect(untilOpen(undefined, at)).toBe(0);
  });
});

describe('R-MIG-1: the moment of an approved cutover', () => {
  const on = (time: string): string => `2026-03-01T${time}:00.000Z`;
  const compared = { startedAt: on('08:00'), endedAt: on('10:00') };
  const minutes = (n: number): number => n * 60_000;

  it.each([
    ['within the hour', undefined, on('11:00'), { kind: 'now' }],
    ['after it', undefined, '2026-03-01T11:00:00.001Z', { kind: 'compare' }],
    ['in the window', { from: '10:00', to: '12:00' }, on('10:30'), { kind: 'now' }],
    [
      'before it, and young enough then',
      { from: '10:50', to: '12:00' },
      on('10:30'),
      { kind: 'wait', ms: minutes(20) },
    ],
    // The comparison took two hours: it is begun two hours before the window.
    [
      'before it, and too old then',
      { from: '20:00', to: '21:00' },
      on('10:30'),
      { kind: 'wait', ms: minutes(450) },
    ],
    ['when that time has come', { from: '20:00', to: '21:00' }, on('18:00'), { kind: 'compare' }],
    [
      'when there is less left than it takes',
      { from: '20:00', to: '21:00' },
      on('19:00'),
      { kind: 'compare' },
    ],
  ] as const)('%s', (_, window, now, moment) => {
    expect(momentOfCutover(compared, window, now)).toEqual(moment);
  });

  it('without a comparison there is none', () => {
    expect(momentOfCutover(undefined, undefined, at)).toEqual({ kind: 'compare' });
  });
});

describe('R-PLAN: the plan of a migration', () => {
  const cluster = (name: string, ...ids: string[]): ClusterSpec =>
    ClusterSpec.parse({
      ...{ name, system: 'model' },
      nodes: ids.map((id) => ({ id, address: `${id}:1`, host: { kind: 'model' } })),
    });
  const view: MigrationView = {
    ...{ versions: { source: '17.10', destination: '18.4' }, obstacles: [], sequences: 2, observedAt: at },
    tables: [{ table: 't', pages: 256, bytes: 2 ** 21 }],
    residue: { source: [], destination: [] },
  };
  const spec = (more: Record<string, unknown> = {}): StorageMigrationSpec =>
    StorageMigrationSpec.parse({ name: 'm', source: 'a', destination: 'b', ...more });
  const input = (more: Partial<MigrationPlanInput> = {}): MigrationPlanInput => ({
    pair: { source: cluster('a', 'a1', 'a2'), destination: cluster('b', 'b1') },
    ...{ migration: spec(), view, obstacles: [], observedAt: at },
    digest: (text) => createHash('sha256').update(text).digest('hex'),
    ...more,
  });

  it('has the steps in order, the nodes of both sides, and says where there is no way back', () => {
    const plan = planMigration(input());
    expect(plan.kind).toBe('possible');
    expect(plan.steps.map((s) => [s.id, s.reversibility, s.approval])).toEqual([
      ['prepare', 'free', false],
      ['export', 'free', false],
      ['bootstrap', 'free', false],
      ['validate/export', 'free', false],
      ['dual-write', 'free', false],
      ['validate/cutover', 'free', false],
      ['cutover', 'cut-back', true],
      ['observe', 'cut-back', false],
      ['accept', 'none', true],
      ['finish', 'free', false],
    ]);
    expect(plan.pointOfNoReturn).toBe('accept');
    expect(plan.nodes.map((n) => [n.id, n.role, n.from])).toEqual([
      ...[
        ['a1', 'source', '17.10'],
        ['a2', 'source', '17.10'],
      ],
      ['b1', 'destination', '18.4'],
    ]);
    expect(plan.target).toBe('b (18.4)');
    expect(plan.windows).toEqual([]);
  });

  it('asks where the spec says so', () => {
    const migration = spec({
      ...{ cutover: { approval: false }, observe: { acceptance: false } },
      approvals: { before: ['start', 'dual-write'] },
    });
    const asked = planMigration(input({ migration })).steps.filter((s) => s.approval);
    expect(asked.map((s) => s.id)).toEqual(['prepare', 'dual-write']);
  });

  const obstacle = { code: 'NO_KEY', message: 't has no key', remedy: 'Give it one.' };
  const refusals: readonly (readonly [string, Partial<MigrationPlanInput>, string])[] = [
    ['a system without a migration', { view: undefined }, 'NO_MIGRATION'],
    [
      'two systems',
      { pair: { source: cluster('a', 'a1'), destination: { ...cluster('b', 'b1'), system: 'other' } } },
      'NO_MIGRATION',
    ],
    ['one cluster', { pair: { source: cluster('a', 'a1'), destination: cluster('a', 'b1') } }, 'SAME_NODES'],
    ['a node of both', { pair: { source: cluster('a', 'x'), destination: cluster('b', 'x') } }, 'SAME_NODES'],
    [
      'an asynchronous way back',
      { migration: spec({ observe: { synchronousReverse: false } }) },
      'WINDOW_NOT_ACCEPTED',
    ],
    ['an obstacle on either side', { view: { ...view, obstacles: [obstacle] } }, 'NO_KEY'],
    ['a cluster that is not well', { obstacles: [obstacle] }, 'NO_KEY'],
    [
      'something left on the source',
      { view: { ...view, residue: { source: ['slot x'], destination: [] } } },
      'LEFT_OVER',
    ],
    [
      'something left on the destination',
      { view: { ...view, residue: { source: [], destination: ['slot y'] } } },
      'LEFT_OVER',
    ],
    ['an unknown step', { migration: spec({ approvals: { before: ['handover'] } }) }, 'UNKNOWN_STEP'],
    [
      'an approval after the point of no return',
      { migration: spec({ approvals: { before: ['finish'] } }) },
      'UNKNOWN_STEP',
    ],
  ];

  it.each(refusals)('%s is refused, with a remedy', (_, more, code) => {
    const plan = planMigration(input(more));
    expect(plan.kind).toBe('refused');
    expect(plan.refusals.map((r) => r.code)).toEqual([code]);
    expect(plan.refusals[0]?.remedy.length).toBeGreaterThan(5);
    expect(plan.steps).toEqual([]);
    expect(plan.pointOfNoReturn).toBeUndefined();
  });

  it('what may be accepted by name is accepted by that name alone', () => {
    const obstacles = [{ ...obstacle, acceptAs: 'no-key' }];
    const plan = (accept: string[]) => planMigration(input({ obstacles, migration: spec({ accept }) }));
    expect(plan(['something-else']).kind).toBe('refused');
    expect(plan(['no-key']).kind).toBe('possible');
  });

  it('R-MIG-4: what forbids a synchronous way back stands where the spec wants one, whatever it accepts', () => {
    const obstacles = [{ ...obstacle, acceptAs: 'reverse-asynchronous' }];
    const plan = (synchronousReverse: boolean) =>
      planMigration(
        input({
          obstacles,
          migration: spec({ observe: { synchronousReverse }, accept: ['reverse-asynchronous'] }),
        }),
      );
    expect(plan(true).refusals.map((r) => r.code)).toEqual([obstacle.code]);
    expect(plan(false).kind).toBe('possible');
  });

  it('an asynchronous way back that is accepted is a window of the plan', () => {
    const migration = spec({ observe: { synchronousReverse: false }, accept: ['reverse-asynchronous'] });
    expect(planMigration(input({ migration })).windows.map((w) => w.name)).toEqual(['reverse-asynchronous']);
  });

  it('R-PLAN-1: the hash is the same for the same decisions, and another for others', () => {
    const { hash } = planMigration(input());
    const pair = input().pair;
    const same: Partial<MigrationPlanInput>[] = [
      { observedAt: '2027-01-01T00:00:00.000Z' },
      { view: { ...view, tables: [], sequences: 9, observedAt: 'later' } },
      { pair: { ...pair, source: { ...pair.source, nodes: [...pair.source.nodes].reverse() } } },
    ];
    for (const more of same) expect(planMigration(input(more)).hash).toBe(hash);
    const other: Partial<MigrationPlanInput>[] = [
      { view: { ...view, versions: { ...view.versions, destination: '18.5' } } },
      { migration: spec({ cutover: { maxWritePause: '2s' } }) },
      { pair: { ...pair, destination: cluster('b', 'b1', 'b2') } },
      { obstacles: [obstacle] },
    ];
    const hashes = other.map((more) => planMigration(input(more)).hash);
    expect(new Set([hash, ...hashes]).size).toBe(1 + other.length);
  });
});
