import { describe, expect, test } from 'vitest';
import type { RunState } from '../../src/contracts/index.js';
import { authoritySpans } from '../../src/report/html/timeline/migration-lanes.js';
import { renderHtml } from '../../src/report/render-html.js';
import { renderText } from '../../src/report/render-text.js';
import { summarize } from '../../src/report/summarize.js';
import { Summary } from '../../src/report/summary-schema.js';
import { at, finishedRun } from './fixture.js';
import { copyingRun, differingRun, migratedRun, mismatches, waitingRun } from './migration-fixture.js';

const textOf = (state: RunState): string => renderText(summarize(state));
const htmlOf = (state: RunState): string => renderHtml(summarize(state), state);
const migrationOf = (state: RunState): NonNullable<Summary['migration']> => {
  const { migration } = summarize(state);
  if (!migration) throw new Error('the fixture is a migration');
  return migration;
};

/** The run, with something else in its migration. */
const withMigration = (run: RunState, changes: Partial<NonNullable<RunState['migration']>>): RunState => ({
  ...run,
  migration: run.migration && { ...run.migration, ...changes },
});

describe('R-MIG-1, R-PROOF-1: summary.json of a storage migration', () => {
  test('where it stands, and every phase', () => {
    const run = migratedRun();
    expect(summarize(run)).toMatchObject({
      run: { kind: 'StorageMigration', target: 'orders-18' },
      migration: {
        phase: 'accepted',
        authority: 'destination',
        source: 'orders',
        destination: 'orders-18',
        phases: run.migration?.phases,
        copy: { rows: 1_450_000, bytes: 98_566_144, ms: 10_900, ranges: 5, done: 5 },
      },
    });
  });

  test('every cut with its position, what was compared, and how long writers waited', () => {
    const { cuts } = migrationOf(migratedRun());
    expect(cuts.map((c) => c.name)).toEqual([
      'export',
      'before-cutover-1',
      'cutover-1',
      'before-cutover-2',
      'cutover-2',
    ]);
    expect(cuts[1]).toEqual({
      ...{ name: 'before-cutover-1', position: '0/3000012', tables: 3, rows: 1_451_200, mismatches: 0 },
      ...{ writePauseMs: 3.4, at: at(18.4), endedAt: at(20.6), differing: [], differences: [] },
    });
  });

  test('R-MIG-3: every row that was located, with table, kind, key and columns', () => {
    const [, cut] = migrationOf(differingRun()).cuts;
    expect(cut).toMatchObject({ name: 'before-cutover-1', mismatches: 3 });
    expect(cut?.differences).toEqual(mismatches);
    expect(cut?.differing).toEqual([
      { table: '"public"."orders"', rows: { source: 1_299_750, destination: 1_299_750 } },
    ]);
  });

  test('each switch: what the effects saw, and the longest pause of the probe in its time', () => {
    expect(migrationOf(migratedRun()).switches).toMatchObject([
      { direction: 'forward', writeGapMs: 46, measuredGapMs: 81, position: '0/40002B8', openedAt: at(28.61) },
      { direction: 'back', writeGapMs: 39, measuredGapMs: 58, result: 'done' },
      { direction: 'forward', writeGapMs: 52, measuredGapMs: 74 },
    ]);
  });

  test('R-PROOF-2: no gap is told of a switch that nobody watched, was given up, or is not over', () => {
    const run = migratedRun();
    const dark = { ms: 400, from: at(61.2), to: at(61.6) };
    const unseen: RunState = { ...run, writes: run.writes && { ...run.writes, unobserved: [dark] } };
    expect(migrationOf(unseen).switches.map((s) => s.measuredGapMs)).toEqual([81, 58, undefined]);
    expect(migrationOf({ ...run, writes: undefined }).switches[0]).toMatchObject({
      writeGapMs: 46,
      measuredGapMs: undefined,
    });
    const [first] = run.migration?.switches ?? [];
    if (!first) throw new Error('the fixture has switches');
    const begun = { direction: first.direction, validation: first.validation, startedAt: first.startedAt };
    const open = withMigration(run, {
      switches: [
        { ...begun, result: 'undone' },
        { ...begun, result: 'in-progress' },
      ],
    });
    expect(migrationOf(open).switches.map((s) => s.measuredGapMs)).toEqual([undefined, undefined]);
  });

  test('of a copy in progress no time is told, and no node is anything but what it is', () => {
    const summary = summarize(copyingRun());
    expect(summary.migration?.copy).toEqual({
      ...{ rows: 480_000, bytes: 32_505_856, ranges: 5, done: 2 },
      ms: undefined,
    });
    expect(summary.nodes.map((n) => [n.id, n.roleBefore, n.roleAfter, n.version])).toEqual([
      ['a-1', 'source', 'source', '17.10'],
      ['a-2', 'source', 'source', '17.10'],
      ['a-3', 'source', 'source', '17.10'],
      ['b-1', 'destination', 'destination', '18.4'],
      ['b-2', 'destination', 'destination', '18.4'],
    ]);
  });

  test.each([
    ['done', migratedRun()],
    ['differing', differingRun()],
    ['copying', copyingRun()],
    ['waiting', waitingRun('accept')],
  ])('a migration that is %s is what the schema says, as it is written', (_, state) => {
    expect(Summary.safeParse(JSON.parse(JSON.stringify(summarize(state)))).error).toBeUndefined();
  });

  test('other runs have none of it', () => {
    expect(summarize(finishedRun()).migration).toBeUndefined();
    expect(textOf(finishedRun())).not.toMatch(/migration|cuts|switches/);
    expect(htmlOf(finishedRun())).not.toMatch(/Migration<|Cuts<|Switches<|What differs/);
  });
});

describe('R-MIG-1: summary.txt of a storage migration', () => {
  test('from what to what, who takes the writes, and what each phase took', () => {
    const text = textOf(migratedRun());
    expect(text).toContain('orders: postgres 17.10 → 18.4 on orders-18  COMPLETED');
    expect(text).toMatch(/\na-1 +source +17\.10 +retired\n/);
    expect(text).toMatch(/\nb-2 +destination +18\.4 +takes the writes\n/);
    expect(text).toContain('migration  phase accepted, orders-18 (destination) takes the writes\n');
    expect(text).toContain('           copied: 1 450 000 rows, 94.0 MiB in 10.9 s, 5 ranges\n');
    expect(text).toMatch(/03:52:14\.000 {2}bootstrapping +11\.1 s\n/);
    expect(text).toMatch(/03:53:47\.000 {2}accepted\n/);
    expect(text).not.toMatch(/pending|NaN|undefined/);
  });

  test('each cut and each switch in a line', () => {
    const text = textOf(migratedRun());
    expect(text).toContain(
      'cuts       export  equal: 1 450 000 rows of 3 tables at 0/300000E, writers waited 0 ms\n',
    );
    expect(text).toContain(
      'switches   orders → orders-18  done at 03:52:39.610  write gap 46 ms  clients saw 81 ms\n' +
        '           orders-18 → orders  done at 03:53:02.720  write gap 39 ms  clients saw 58 ms\n',
    );
  });

  test('R-MIG-3: what differs, to the row and the column', () => {
    const text = textOf(differingRun());
    expect(text).toContain('before-cutover-1  3 rows differ: 1 450 000 rows of 3 tables');
    expect(text).toContain(
      '"public"."orders" id=4711: other values\n' +
        '                 price: 1.10 on the source, 1.100 on the destination\n' +
        '                 note: NULL on the source, (empty) on the destination\n',
    );
    expect(text).toContain('"public"."orders" id=4712: only on the source\n');
    expect(text).toContain('id=4713, note=<b>made by hand</b>: only on the destination\n');
  });

  test('while the source takes the writes nobody is retired, and the copy is told as far as it is', () => {
    const text = textOf(copyingRun());
    expect(text).toMatch(/\na-1 +source +17\.10 +takes the writes\n/);
    expect(text).toMatch(/\nb-1 +destination +18\.4\n/);
    expect(text).toContain('copied so far: 480 000 rows, 31.0 MiB, 2 of 5 ranges');
  });
});

describe('R-MIG-1: report.html of a storage migration', () => {
  test('phases and sides as lanes, switches as moments, and the three tables', () => {
    const page = htmlOf(migratedRun());
    for (const part of [
      'rollgate · storage migration',
      '17.10 → 18.4 on orders-18',
      '<title>bootstrapping, 11.1 s from 03:52:14.000</title>',
      '<title>orders-18 takes the writes, 23.1 s from 03:52:39.610</title>',
      '<title>orders takes the writes, 9.6 s from 03:53:02.720</title>',
      'class="milestone cutover"',
      'the writes moved orders → orders-18, writers waited 81 ms, 03:52:39.610',
      'class="milestone cut-back"',
      '1 450 000 rows compared at export: equal',
      'Migration<',
      'Cuts<',
      'Switches<',
      'all equal, 5 cuts',
    ]) {
      expect(page).toContain(part);
    }
    expect(page).not.toMatch(/NaN|Infinity|undefined|What differs|s-pending"><rect/);
  });

  test('R-MIG-3: a section of its own for what differs, and a mark where it was found', () => {
    const page = htmlOf(differingRun());
    expect(page).toMatch(/What differs<[^]*price[^]*1\.100/);
    expect(page).toContain('class="milestone differs"');
    expect(page).toContain('3 rows differ');
    expect(page).toContain('&lt;b&gt;made by hand&lt;/b&gt;');
    expect(page).not.toContain('<b>made by hand');
    expect(page).toMatch(/class="tile bad"[^]{0,80}rows that differ[^]{0,40}>3</);
  });

  test('a plan whose steps were done again, and whose acceptance is part of the observation', () => {
    const page = htmlOf(migratedRun());
    expect(page).toMatch(/<code>observe<\/code>[^]*?done, 2 attempts[^]*?<code>accept<\/code>/);
    expect(page).toMatch(/<code>accept<\/code>(?:(?!<\/tr>)[^])*>done</);
    expect(htmlOf(waitingRun('accept'))).not.toMatch(/<code>accept<\/code>(?:(?!<\/tr>)[^])*>done</);
  });

  test('R-PROOF-2: the switch has a figure of its own where nobody measured, or another gap was longer', () => {
    const run = migratedRun();
    const longer = { ms: 300, from: at(70), to: at(70.3) };
    const tile = /write gap of a switch[^]{0,40}>(\d+ ms)<[^]{0,60}the longest of 3/;
    expect(tile.exec(htmlOf({ ...run, writes: undefined }))?.[1]).toBe('52 ms');
    const other = run.writes && { ...run.writes, writeGaps: [longer, ...run.writes.writeGaps] };
    expect(tile.exec(htmlOf({ ...run, writes: other }))?.[1]).toBe('81 ms');
    expect(htmlOf(run)).not.toContain('write gap of a switch');
  });

  test('a switch that was given up moves nothing', () => {
    const given: NonNullable<RunState['migration']>['switches'][number] = {
      ...{ direction: 'forward' as const, validation: 'before-cutover-1@0/3000012', startedAt: at(28.3) },
      result: 'undone',
    };
    const run = withMigration(waitingRun('cutover'), { switches: [given] });
    const page = htmlOf(run);
    expect(page).toContain('class="milestone given-up"');
    expect(page).toContain('>given up<');
    expect(page).not.toContain('orders-18 takes the writes');
    expect(textOf(run)).toContain('switches   orders → orders-18  given up\n');
  });

  test('whoever is asked reads what it costs to go back', () => {
    expect(htmlOf(waitingRun('cutover'))).toContain('the writes go back to the other copy');
    expect(htmlOf(waitingRun('cutover/2'))).toContain('the writes go back to the other copy');
    expect(htmlOf(waitingRun('accept'))).toContain('Afterwards it cannot be undone.');
  });

  test('every text of a migration is escaped', () => {
    const evil = `"><img src=x onerror=alert(1)>'&`;
    const run = differingRun();
    const [first, second] = run.migration?.validations ?? [];
    const [move] = migratedRun().migration?.switches ?? [];
    if (!first || !second || !move) throw new Error('the fixture has validations');
    const page = htmlOf({
      ...withMigration(run, {
        validations: [
          { ...first, id: evil, cut: evil, position: { offset: 1, text: evil } },
          {
            ...{ ...second, cut: evil },
            tables: [
              {
                ...{ table: evil, rows: { source: 1, destination: 1 }, equal: false },
                mismatches: [
                  {
                    ...{ table: evil, kind: 'differs', key: { [evil]: evil } },
                    columns: [{ name: evil, source: evil, destination: evil }],
                  },
                ],
              },
            ],
          },
        ],
        switches: [{ ...move, validation: evil, position: { offset: 1, text: evil } }],
      }),
      spec: run.spec.migration
        ? { ...run.spec, migration: { ...run.spec.migration, source: evil, destination: evil } }
        : run.spec,
    });
    expect(page).not.toContain('<img');
  });
});

test('R-MIG-1: the side that takes the writes, from one opening to the next', () => {
  expect(authoritySpans(migrationOf(migratedRun()), at(0), at(99))).toEqual([
    { side: 'source', from: at(0), to: at(28.61) },
    { side: 'destination', from: at(28.61), to: at(51.72) },
    { side: 'source', from: at(51.72), to: at(61.33) },
    { side: 'destination', from: at(61.33), to: at(99) },
  ]);
});
