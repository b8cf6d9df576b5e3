import { describe, expect, it } from 'vitest';
import type { Progress, RunState } from '../../../src/contracts/index.js';
import { outlookOf, progressText, weightsOf } from '../../../src/planning/migration/progress.js';
import { rangesOf } from '../../../src/planning/migration/ranges.js';
import { at } from '../../report/fixture.js';
import { copyingRun, differingRun, migratedRun } from '../../report/migration-fixture.js';

const progress = (changes: Partial<Progress> = {}): Progress => ({
  ...{ ranges: 10, done: 4, rows: 8000, bytes: 4096, totalBytes: 81_920, startedAt: at(0) },
  ...changes,
});

describe('R-MIG-3: the time left of a copy or a comparison, from its measured rate', () => {
  it('is as long as the ranges that are left take at the rate so far', () => {
    expect(outlookOf(progress(), at(20))).toEqual({
      rowsPerSecond: 400,
      bytesPerSecond: 204.8,
      leftMs: 30_000,
    });
  });

  it.each<[string, Progress, number]>([
    ['before the first range is done', progress({ done: 0, rows: 0, bytes: 0 }), 20],
    ['when all are', progress({ done: 10 }), 20],
    ['when it has ended', progress({ endedAt: at(20) }), 21],
    ['when no time has passed', progress(), 0],
  ])('is not known %s', (_, found, seconds) => {
    expect(outlookOf(found, at(seconds))).toBeUndefined();
  });

  it('says nothing of bytes that nobody counts', () => {
    expect(outlookOf(progress({ bytes: 0 }), at(20))).toEqual({ rowsPerSecond: 400, leftMs: 30_000 });
  });

  it('weighs a range by its size: a hundred tiny tables are not most of the work', () => {
    const tables = [
      { table: 'large', pages: 4 * 4096, bytes: 0 },
      ...Array.from({ length: 96 }, (_, i) => ({ table: `tiny-${i}`, pages: 1, bytes: 0 })),
    ];
    const weights = weightsOf(tables);
    expect(weights).toHaveLength(rangesOf(tables).length);
    expect(weights.slice(0, 5)).toEqual([4096, 4096, 4096, 4096, 64]);
    const half = progress({ ranges: 100, done: 2 });
    // 8192 of 22 528 pages are done.
    expect(outlookOf(half, at(8192), weights)?.leftMs).toBeCloseTo(14_336_000, 0);
    expect(outlookOf(half, at(8192))?.leftMs).toBeCloseTo(401_408_000, 0);
  });

  it('takes the sizes of the export for those of a comparison with other ranges', () => {
    const weights = [300, 100];
    expect(outlookOf(progress({ ranges: 8, done: 2 }), at(100), weights)?.leftMs).toBeCloseTo(
      (100_000 * 250) / 150,
      3,
    );
  });
});

describe('R-SAGA-6: what is in progress, in one line', () => {
  const comparing = (changes: Partial<Progress> = {}, phase: RunState['phase'] = 'migrating') => {
    const run = differingRun();
    return {
      phase,
      migration: run.migration && {
        ...run.migration,
        comparison: {
          cut: 'before-cutover-1',
          ...progress({ ranges: 10, done: 5, rows: 1_450_000, bytes: 0, startedAt: at(18.4), ...changes }),
        },
      },
    };
  };

  it('a copy: ranges, rows, bytes, rates and the time left', () => {
    expect(progressText(copyingRun(), at(7.5))).toBe(
      'copy: 2 of 5 ranges, 480 000 rows, 31.0 MiB, the tables have 125.0 MiB; ' +
        '109 091 rows/s, 7.0 MiB/s; about 4 s left',
    );
  });

  it('before the first range is done no rate and no time', () => {
    const run = copyingRun();
    const copy = run.migration?.copy && { ...run.migration.copy, done: 0, rows: 0, bytes: 0 };
    expect(progressText({ ...run, migration: run.migration && { ...run.migration, copy } }, at(7.5))).toBe(
      'copy: 0 of 5 ranges, 0 rows, the tables have 125.0 MiB',
    );
  });

  it('a run that is held tells how far it is, and no rate', () => {
    const text = progressText({ ...copyingRun(), phase: 'blocked' }, at(900));
    expect(text).toBe('copy: 2 of 5 ranges, 480 000 rows, 31.0 MiB, the tables have 125.0 MiB');
  });

  it('a copy that was begun anew is measured from there', () => {
    const run = copyingRun();
    const phases = [...(run.migration?.phases ?? []), { phase: 'bootstrapping' as const, at: at(106.5) }];
    const again = { ...run, migration: run.migration && { ...run.migration, phases } };
    expect(progressText(again, at(108.5))).toContain('240 000 rows/s');
  });

  it('when every row is there: what it does now', () => {
    const run = copyingRun();
    const copy = run.migration?.copy && { ...run.migration.copy, done: 5 };
    expect(progressText({ ...run, migration: run.migration && { ...run.migration, copy } }, at(14))).toMatch(
      /^copy: 5 of 5 ranges.*; builds keys, indexes and constraints$/,
    );
  });

  it('a comparison: at which cut', () => {
    expect(progressText(comparing(), at(20.4))).toMatch(
      /^comparison at before-cutover-1: 5 of 10 ranges, 1 450 000 rows, the tables .*; 725 000 rows\/s; about 1 s left$/,
    );
    expect(progressText(comparing({ done: 10 }), at(21))).toContain('; finds what differs');
  });

  it('nothing when nothing is, also where one was broken off in an earlier phase', () => {
    expect(progressText(migratedRun(), at(99))).toBeUndefined();
    expect(progressText(comparing({ endedAt: at(19) }), at(20))).toBeUndefined();
    expect(progressText(comparing({ startedAt: at(10) }), at(20))).toBeUndefined();
    expect(progressText({ phase: 'rolling' }, at(20))).toBeUndefined();
  });
});
