import type { VersionRow, VersionRules } from '../contracts/plan.js';

export type VersionPath =
  /** Nothing to do. */
  | { readonly kind: 'same' }
  | { readonly kind: 'direct' }
  /** Possible as several runs: to each waypoint in order, then to the target. */
  | {
      readonly kind: 'via';
      readonly waypoints: readonly string[];
      readonly reason: string;
      readonly source: string;
    }
  | {
      readonly kind: 'refused';
      /** The system's own for a target out of reach, else VERSION_KNOWN_BAD, VERSION_DOWNGRADE, VERSION_UNREADABLE. */
      readonly code: string;
      readonly reason: string;
      readonly remedy: string;
      readonly source: string;
    };

type KnownBad = Extract<VersionRow, { kind: 'known-bad' }>;
type Waypoint = Extract<VersionRow, { kind: 'waypoint' }>;

const ours = 'docs/guarantees.md, R-PLAN 2';

/**
 * Numeric, component by component: `17.5` < `17.10`. A missing component counts as 0.
 * NaN, which no comparison holds for, when either is not made of numbers.
 */
export function compareVersions(a: string, b: string): number {
  if (!readable(a) || !readable(b)) return Number.NaN;
  const left = components(a);
  const right = components(b);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * The way from one version to another by the system's table (R-PLAN 2). `allowDowngrade` is for rolling back:
 * the same reach downwards, and a version that is known to be bad may be returned to.
 */
export function versionPath(
  from: string,
  to: string,
  rules: VersionRules,
  options: { readonly allowDowngrade?: boolean } = {},
): VersionPath {
  const unreadable = [from, to].find((v) => !readable(v));
  if (unreadable !== undefined) {
    return {
      kind: 'refused',
      code: 'VERSION_UNREADABLE',
      reason: `"${unreadable}" is not a version of numbers and dots, so it cannot be compared`,
      remedy: 'Bring the cluster to released versions first, and name a released version as the target.',
      source: ours,
    };
  }
  const direction = compareVersions(from, to);
  if (direction === 0) return { kind: 'same' };
  return direction > 0 ? down(from, to, rules, options.allowDowngrade === true) : up(from, to, rules);
}

/** The row that says why a version is bad, if the table has one. */
export const knownBad = (version: string, rules: VersionRules): KnownBad | undefined =>
  rules.rows.find(
    (row): row is KnownBad =>
      row.kind === 'known-bad' &&
      compareVersions(version, row.from) >= 0 &&
      compareVersions(version, row.to) <= 0,
  );

function down(from: string, to: string, rules: VersionRules, allowed: boolean): VersionPath {
  if (!withinReach(from, to, rules)) return { kind: 'refused', ...rules.beyond };
  if (allowed) return { kind: 'direct' };
  if (canLower(from, to, rules)) return badTarget(to, rules) ?? { kind: 'direct' };
  return {
    kind: 'refused',
    code: 'VERSION_DOWNGRADE',
    reason: `${to} is older than ${from}`,
    remedy: `Name a target that is not older than ${from}; a run that has gone wrong is undone with rollback.`,
    source: ours,
  };
}

function up(from: string, to: string, rules: VersionRules): VersionPath {
  const row = rules.rows.find((r): r is Waypoint => r.kind === 'waypoint' && applies(r, from, to, rules));
  if (!row && !withinReach(from, to, rules)) return { kind: 'refused', ...rules.beyond };
  const bad = badTarget(to, rules);
  if (bad) return bad;
  if (!row) return { kind: 'direct' };
  // Both legs by the same table: a waypoint may itself need one. Each leg is shorter, so this ends.
  const legs = [up(from, row.via, rules), up(row.via, to, rules)] as const;
  const refused = legs.find((leg) => leg.kind === 'refused');
  if (refused) return refused;
  const [before, after] = legs.map((leg) => (leg.kind === 'via' ? leg.waypoints : []));
  const parts = [row, ...legs.filter((leg) => leg.kind === 'via')];
  return {
    kind: 'via',
    waypoints: [...(before ?? []), row.via, ...(after ?? [])],
    reason: [...new Set(parts.map((p) => p.reason))].join('; '),
    source: [...new Set(parts.map((p) => p.source))].join('; '),
  };
}

/** Whether the system itself has a way down from the series of one version to that of the other. */
const canLower = (from: string, to: string, rules: VersionRules): boolean =>
  rules.levels?.lowered === 'by-command' &&
  compareVersions(from, rules.levels.lowerFrom) >= 0 &&
  series(from, rules) !== series(to, rules);

function badTarget(to: string, rules: VersionRules): Extract<VersionPath, { kind: 'refused' }> | undefined {
  const bad = knownBad(to, rules);
  return (
    bad && {
      kind: 'refused',
      code: 'VERSION_KNOWN_BAD',
      reason: `${to} is known to be bad: ${bad.reason}`,
      remedy: `Choose a release outside ${bad.from} to ${bad.to}.`,
      source: bad.source,
    }
  );
}

/** A row that would lead out of the way between the two is no waypoint of it. */
const applies = (row: Waypoint, from: string, to: string, rules: VersionRules): boolean =>
  series(to, rules) === row.series &&
  compareVersions(from, row.from) >= 0 &&
  compareVersions(from, row.below) < 0 &&
  compareVersions(row.via, from) > 0 &&
  compareVersions(row.via, to) < 0;

function withinReach(from: string, to: string, rules: VersionRules): boolean {
  if (series(from, rules) === series(to, rules)) return true;
  if (rules.step === 'same-series') return false;
  const last = rules.seriesDepth - 1;
  const [a, b] = [components(from), components(to)];
  for (let i = 0; i < last; i++) if ((a[i] ?? 0) !== (b[i] ?? 0)) return false;
  return Math.abs((a[last] ?? 0) - (b[last] ?? 0)) === 1;
}

const readable = (version: string): boolean => /^\d+(\.\d+)*$/.test(version);
const components = (version: string): number[] => version.split('.').map(Number);

/** Whether a version is one of a series: `3.6.1` of `3.6`. */
export const isOfSeries = (version: string, level: string): boolean =>
  version === level || version.startsWith(`${level}.`);

/** Whether a version is of a later series than this one; a version that is not known may be. */
export const runsLater = (version: string | undefined, level: string): boolean =>
  version === undefined || !(isOfSeries(version, level) || compareVersions(version, level) < 0);

/** The leading components of a version that name its series, and its level where there are levels: `3.6`. */
export const series = (version: string, rules: Pick<VersionRules, 'seriesDepth'>): string => {
  const parts = components(version);
  return Array.from({ length: rules.seriesDepth }, (_, i) => parts[i] ?? 0).join('.');
};
