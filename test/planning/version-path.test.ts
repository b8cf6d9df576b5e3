import { describe, expect, it } from 'vitest';
import type { VersionRules } from '../../src/contracts/plan.js';
import {
  compareVersions,
  isOfSeries,
  knownBad,
  runsLater,
  versionPath,
} from '../../src/planning/version-path.js';
import { sampleRules } from './sample.js';

const source = 'https://example.org/rules';

/** Two components name a series, and one series may be taken at a time. */
const stepwise: VersionRules = {
  seriesDepth: 2,
  step: 'adjacent-series',
  beyond: { code: 'TOO_FAR', reason: 'one minor at a time', remedy: 'Go step by step.', source },
  rows: [
    {
      kind: 'waypoint',
      from: '3.5.0',
      below: '3.5.26',
      series: '3.6',
      via: '3.5.26',
      reason: 'members die',
      source,
    },
    {
      kind: 'waypoint',
      from: '3.4.0',
      below: '3.5.0',
      series: '3.6',
      via: '3.5.4',
      reason: 'two minors',
      source: 'https://example.org/two',
    },
    { kind: 'known-bad', from: '3.5.0', to: '3.5.2', reason: 'corrupts data', source },
    { kind: 'known-bad', from: '3.6.3', to: '3.6.5', reason: 'leaks', source },
  ],
};

describe('R-PLAN-2: versions are compared by number', () => {
  it.each([
    ['17.5', '17.10', -1],
    ['17.10', '17.5', 1],
    ['17', '17.0', 0],
    ['17.0.1', '17', 1],
    ['9.6.24', '10.1', -1],
    ['3.5.09', '3.5.9', 0],
  ])('%s against %s', (a, b, sign) => {
    expect(Math.sign(compareVersions(a, b))).toBe(sign);
    expect(Math.sign(compareVersions(b, a))).toBe(sign === 0 ? 0 : -sign);
  });

  it.each([
    ['18beta1', '18.0'],
    ['', '17'],
    ['17.', '17'],
    ['17.x', '17.1'],
    ['17', '-1'],
  ])('nothing holds between %j and %j', (a, b) => {
    const order = compareVersions(a, b);
    expect([order < 0, order === 0, order > 0]).toEqual([false, false, false]);
  });
});

describe('R-PLAN-2: the way from one version to another is data', () => {
  it.each([
    { from: '17.5', to: '17.5', kind: 'same' },
    { from: '17.5', to: '17.5.0', kind: 'same' },
    { from: '17.5', to: '17.10', kind: 'direct' },
    { from: '17.1', to: '17.10', kind: 'direct', why: 'a bad version may be left' },
    { from: '17.0', to: '17.1', kind: 'refused', code: 'VERSION_KNOWN_BAD' },
    { from: '17.5', to: '18.0', kind: 'refused', code: 'MAJOR_NEEDS_MIGRATION' },
    { from: '17.5', to: '16.9', kind: 'refused', code: 'MAJOR_NEEDS_MIGRATION' },
    { from: '17.10', to: '17.5', kind: 'refused', code: 'VERSION_DOWNGRADE' },
    { from: '18beta1', to: '18.0', kind: 'refused', code: 'VERSION_UNREADABLE' },
    { from: '17.5', to: 'latest', kind: 'refused', code: 'VERSION_UNREADABLE' },
  ])('same series: $from → $to is $kind $code', ({ from, to, kind, code }) => {
    expect(versionPath(from, to, sampleRules)).toMatchObject(code ? { kind, code } : { kind });
  });

  it.each([
    { from: '3.5.26', to: '3.6.1', expected: { kind: 'direct' } },
    { from: '3.5.3', to: '3.5.26', expected: { kind: 'direct' } },
    {
      from: '3.5.19',
      to: '3.6.1',
      expected: { kind: 'via', waypoints: ['3.5.26'], reason: 'members die', source },
    },
    {
      from: '3.4.9',
      to: '3.6.1',
      expected: { kind: 'via', waypoints: ['3.5.4', '3.5.26'], reason: 'two minors; members die' },
    },
    { from: '3.4.9', to: '3.5.5', expected: { kind: 'direct' } },
    { from: '3.3.1', to: '3.6.1', expected: { kind: 'refused', code: 'TOO_FAR' } },
    { from: '3.5.26', to: '3.7.0', expected: { kind: 'refused', code: 'TOO_FAR' } },
    { from: '3.5.26', to: '4.6.0', expected: { kind: 'refused', code: 'TOO_FAR' } },
    { from: '3.5.26', to: '3.6.3', expected: { kind: 'refused', code: 'VERSION_KNOWN_BAD' } },
    { from: '3.5.26', to: '3.6.5', expected: { kind: 'refused', code: 'VERSION_KNOWN_BAD' } },
    { from: '3.5.26', to: '3.6.6', expected: { kind: 'direct' } },
    { from: '3.4.9', to: '3.6.4', expected: { kind: 'refused', code: 'VERSION_KNOWN_BAD' } },
    { from: '3.6.1', to: '3.5.26', expected: { kind: 'refused', code: 'VERSION_DOWNGRADE' } },
  ])('adjacent series: $from → $to', ({ from, to, expected }) => {
    expect(versionPath(from, to, stepwise)).toMatchObject(expected);
  });

  it('a waypoint that is itself bad is not proposed', () => {
    const rules: VersionRules = {
      ...stepwise,
      rows: [
        ...stepwise.rows,
        { kind: 'known-bad', from: '3.5.26', to: '3.5.26', reason: 'bad too', source },
      ],
    };
    expect(versionPath('3.5.19', '3.6.1', rules)).toMatchObject({ code: 'VERSION_KNOWN_BAD' });
  });

  it.each([
    { from: '17.10', to: '17.5', kind: 'direct' },
    { from: '17.10', to: '17.1', kind: 'direct', why: 'the run came from there' },
    { from: '17.10', to: '16.1', kind: 'refused' },
  ])('rolling back: $from → $to is $kind', ({ from, to, kind }) => {
    expect(versionPath(from, to, sampleRules, { allowDowngrade: true })).toMatchObject({ kind });
  });

  it('allowing a downgrade allows nothing upwards', () => {
    expect(versionPath('17.0', '17.1', sampleRules, { allowDowngrade: true })).toMatchObject({
      code: 'VERSION_KNOWN_BAD',
    });
  });

  const lowering: VersionRules = {
    ...stepwise,
    levels: { lowered: 'by-command', lowerFrom: '3.6.0', source },
  };

  it.each([
    { from: '3.6.1', to: '3.5.26', rules: lowering, expected: { kind: 'direct' } },
    { from: '3.7.0', to: '3.6.6', rules: lowering, expected: { kind: 'direct' } },
    {
      from: '3.6.1',
      to: '3.5.2',
      rules: lowering,
      expected: { kind: 'refused', code: 'VERSION_KNOWN_BAD', source },
    },
    { from: '3.7.0', to: '3.5.26', rules: lowering, expected: { kind: 'refused', code: 'TOO_FAR' } },
    // Within a series there is no level to lower, and nothing that a command would change.
    { from: '3.6.7', to: '3.6.6', rules: lowering, expected: { kind: 'refused', code: 'VERSION_DOWNGRADE' } },
    // The version that runs must know the way itself.
    {
      from: '3.5.26',
      to: '3.4.9',
      rules: lowering,
      expected: { kind: 'refused', code: 'VERSION_DOWNGRADE' },
    },
    {
      from: '3.6.1',
      to: '3.5.26',
      rules: { ...stepwise, levels: { lowered: 'never', lowerFrom: '3.6.0', source } } as const,
      expected: { kind: 'refused', code: 'VERSION_DOWNGRADE' },
    },
    {
      from: '3.6.1',
      to: '3.5.26',
      rules: { ...stepwise, levels: { lowered: 'by-command', lowerFrom: '3.6.2', source } } as const,
      expected: { kind: 'refused', code: 'VERSION_DOWNGRADE' },
    },
  ])('R-SWITCH-3: down by a lowering of the level: $from → $to', ({ from, to, rules, expected }) => {
    expect(versionPath(from, to, rules)).toMatchObject(expected);
  });

  it('R-SWITCH-3: rolling back may return to a bad version even where the level is lowered', () => {
    expect(versionPath('3.6.1', '3.5.2', lowering, { allowDowngrade: true })).toEqual({ kind: 'direct' });
  });

  it.each([
    ['3.6.1', '3.6', true, false],
    ['3.6', '3.6', true, false],
    ['3.5.9', '3.6', false, false],
    ['3.60.1', '3.6', false, true],
    ['3.7.0', '3.6', false, true],
    [undefined, '3.6', false, true],
    ['main', '3.6', false, true],
  ])('R-SWITCH-3: %s of level %s: of it %s, later %s', (version, level, of, later) => {
    if (version !== undefined) expect(isOfSeries(version, level)).toBe(of);
    // What is not known may be later.
    expect(runsLater(version, level)).toBe(later);
  });

  it('every refusal says why, what to do and who says so', () => {
    for (const [from, to] of [
      ['17.5', '18.0'],
      ['17.0', '17.1'],
      ['17.9', '17.5'],
      ['17.5', 'x'],
    ] as const) {
      const path = versionPath(from, to, sampleRules);
      if (path.kind !== 'refused') throw new Error(`${from} → ${to} is ${path.kind}`);
      for (const text of [path.reason, path.remedy, path.source]) expect(text.length).toBeGreaterThan(3);
    }
  });

  it('finds the row of a bad version, bounds included', () => {
    expect(['3.6.2', '3.6.3', '3.6.4', '3.6.5', '3.6.6'].map((v) => knownBad(v, stepwise)?.reason)).toEqual([
      undefined,
      'leaks',
      'leaks',
      'leaks',
      undefined,
    ]);
  });
});
