import { expect, test } from 'vitest';
import { knownBad, versionPath } from '../../../src/planning/version-path.js';
import { versionRules } from '../../../src/systems/etcd/version-rules.js';

const path = (from: string, to: string, allowDowngrade = false) =>
  versionPath(from, to, versionRules, { allowDowngrade });

test('R-PLAN-2: one minor version at a time is direct, up and down', () => {
  for (const [from, to] of [
    ['3.5.26', '3.6.16'],
    ['3.5.35', '3.6.16'],
    ['3.6.11', '3.7.3'],
    ['3.6.16', '3.7.3'],
    ['3.5.30', '3.5.35'],
    // Waypoints below 3.5.26 are of the way to 3.6 only.
    ['3.5.19', '3.5.35'],
  ] as const) {
    expect(path(from, to), `${from} to ${to}`).toEqual({ kind: 'direct' });
  }
  expect(path('3.6.16', '3.5.35')).toEqual({ kind: 'direct' });
  expect(path('3.7.3', '3.6.16')).toEqual({ kind: 'direct' });
});

test('R-PLAN-2: below 3.5.26 the way to 3.6 is through a later 3.5', () => {
  expect(path('3.5.19', '3.6.16')).toMatchObject({
    kind: 'via',
    waypoints: ['3.5.35'],
    source: 'https://etcd.io/blog/2025/zombie_members_upgrade/',
  });
  expect(path('3.5.25', '3.6.16')).toMatchObject({ kind: 'via', waypoints: ['3.5.35'] });
});

test('R-PLAN-2: two minor versions are proposed as a way through the one between', () => {
  expect(path('3.5.35', '3.7.3')).toMatchObject({ kind: 'via', waypoints: ['3.6.16'] });
  expect(path('3.5.19', '3.7.3')).toMatchObject({ kind: 'via', waypoints: ['3.5.35', '3.6.16'] });
  expect(path('3.6.3', '3.7.3')).toMatchObject({ kind: 'via', waypoints: ['3.6.16'] });
});

test('R-PLAN-2: what is out of reach or known to be bad is refused', () => {
  expect(path('3.4.30', '3.6.16')).toMatchObject({ kind: 'refused', code: 'VERSION_TOO_FAR' });
  expect(path('3.7.3', '3.5.35')).toMatchObject({ kind: 'refused', code: 'VERSION_TOO_FAR' });
  expect(path('3.7.3', '3.5.35', true)).toMatchObject({ kind: 'refused', code: 'VERSION_TOO_FAR' });
  for (const bad of ['3.5.0', '3.5.1', '3.5.2', '3.5.5']) {
    expect(path('3.4.30', bad)).toMatchObject({ kind: 'refused', code: 'VERSION_KNOWN_BAD' });
    expect(knownBad(bad, versionRules)).toBeDefined();
  }
  expect(knownBad('3.5.6', versionRules)).toBeUndefined();
  expect(path('3.5.35', '3.4.30')).toMatchObject({ kind: 'refused', code: 'VERSION_DOWNGRADE' });
});

test('R-PLAN-2: every row says why and where it is written', () => {
  for (const row of versionRules.rows) {
    expect(row.reason.length).toBeGreaterThan(20);
    expect(row.source).toMatch(/^https:\/\//);
  }
});
