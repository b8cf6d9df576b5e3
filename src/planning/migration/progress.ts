import type { TableSize } from '../../contracts/migration.js';
import type { MigrationState, Progress, RunState } from '../../contracts/run.js';
import { rangesOf, weigh } from './ranges.js';

/** How fast something goes that takes long, and how long it will still take. */
export interface Outlook {
  readonly rowsPerSecond: number;
  /** Absent: it does not count bytes. */
  readonly bytesPerSecond?: number;
  readonly leftMs: number;
}

/**
 * From the measured rate; `undefined` before the first range is done, and once all are.
 *
 * @param at now, ISO 8601
 * @param weights what each range is expected to take, in their order; absent: one like the other
 */
export function outlookOf(
  progress: Progress,
  at: string,
  weights: readonly number[] = [],
): Outlook | undefined {
  const { ranges, done, rows, bytes, startedAt } = progress;
  const elapsed = Date.parse(at) - Date.parse(startedAt);
  if (progress.endedAt !== undefined || done === 0 || done >= ranges || elapsed <= 0) return undefined;
  const share = shareOf(done / ranges, weights);
  return {
    rowsPerSecond: (rows * 1000) / elapsed,
    ...(bytes > 0 ? { bytesPerSecond: (bytes * 1000) / elapsed } : {}),
    leftMs: elapsed * (1 / share - 1),
  };
}

/** The part of the whole work that lies in this part of the ranges. */
function shareOf(part: number, weights: readonly number[]): number {
  const total = weights.reduce((sum, w) => sum + w, 0);
  if (total <= 0) return part;
  const at = part * weights.length;
  const whole = weights.slice(0, Math.floor(at)).reduce((sum, w) => sum + w, 0);
  return (whole + (at % 1) * (weights[Math.floor(at)] ?? 0)) / total;
}

/** What each range of a copy takes, by its size, in the order in which they are taken: large ones come first. */
export const weightsOf = (tables: readonly TableSize[]): number[] => weigh(rangesOf(tables), tables);

/** The copy or the comparison that is in progress, in one line for people; `undefined`: neither is. */
export function progressText(state: Pick<RunState, 'migration' | 'phase'>, at: string): string | undefined {
  const { migration } = state;
  const current = migration && underWay(migration);
  if (!current) return undefined;
  const { what, progress, weights, then } = current;
  const { rows, bytes, done, ranges, totalBytes } = progress;
  const amounts = [
    `${done} of ${ranges} ranges`,
    `${count(rows)} rows`,
    ...(bytes > 0 ? [size(bytes)] : []),
    `the tables have ${size(totalBytes)}`,
  ];
  if (done >= ranges) return `${what}: ${amounts.join(', ')}; ${then}`;
  // While it stands still time goes on and tells nothing.
  const outlook = state.phase === 'migrating' ? outlookOf(progress, at, weights) : undefined;
  return [`${what}: ${amounts.join(', ')}`, ...(outlook ? [rates(outlook), left(outlook)] : [])].join('; ');
}

/** What takes long and is in progress. */
export interface UnderWay {
  readonly what: string;
  readonly progress: Progress;
  /** See {@link outlookOf}. */
  readonly weights: readonly number[];
  /** What follows when all ranges are done. */
  readonly then: string;
}

/** The copy or the comparison that is in progress; `undefined`: neither is. */
export function underWay(migration: MigrationState): UnderWay | undefined {
  const { phase, phases, copy, comparison } = migration;
  const entered = phases.at(-1)?.at ?? '';
  const weights = weightsOf(migration.export?.snapshot.tables ?? []);
  if (phase === 'bootstrapping' && copy && copy.endedAt === undefined) {
    // An export that was begun anew counts from there.
    const startedAt = Date.parse(copy.startedAt) < Date.parse(entered) ? entered : copy.startedAt;
    return {
      ...{ what: 'copy', progress: { ...copy, startedAt }, weights },
      then: 'builds keys, indexes and constraints',
    };
  }
  const current = comparison && Date.parse(comparison.startedAt) >= Date.parse(entered);
  if (!current || comparison.endedAt !== undefined) return undefined;
  return {
    what: `comparison at ${comparison.cut}`,
    progress: comparison,
    // Both sides at once; the sizes at the export do for both.
    weights: weights.flatMap((weight) => [weight, weight]),
    then: 'finds what differs',
  };
}

const rates = ({ rowsPerSecond, bytesPerSecond }: Outlook): string =>
  [
    `${count(Math.round(rowsPerSecond))} rows/s`,
    ...(bytesPerSecond === undefined ? [] : [`${size(bytesPerSecond)}/s`]),
  ].join(', ');

function left({ leftMs }: Outlook): string {
  const seconds = Math.max(1, Math.round(leftMs / 1000));
  if (seconds < 90) return `about ${seconds} s left`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `about ${minutes} min left` : `about ${(minutes / 60).toFixed(1)} h left`;
}

const count = (n: number): string => String(n).replaceAll(/\B(?=(\d{3})+(?!\d))/g, ' ');

function size(bytes: number): string {
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KiB`;
  return bytes < 1024 ** 3
    ? `${(bytes / 1024 ** 2).toFixed(1)} MiB`
    : `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
