import { receiverOf, senderOf } from '../contracts/index.js';
import { formatAmount, formatCount, formatTime, formatValue } from './format.js';
import type { Summary } from './summary-schema.js';

type Migration = NonNullable<Summary['migration']>;

/** Whether the cluster of a node takes the writes of clients. */
export function formatStanding(side: string, { authority, phase }: Migration): string {
  if (side === authority) return 'takes the writes';
  return phase === 'accepted' ? 'retired' : '';
}

/** `orders → orders-18`: from which cluster to which the writes move. */
export const formatMove = ({ direction }: Migration['switches'][number], pair: Migration): string =>
  `${pair[senderOf(direction)]} → ${pair[receiverOf(direction)]}`;

/** `done`, `given up`, `in progress`. */
export const moveWords: Readonly<Record<Migration['switches'][number]['result'], string>> = {
  'in-progress': 'in progress',
  done: 'done',
  undone: 'given up',
};

/** What went with a destination that was given up, and that the spec accepts such a loss by name. */
export function formatLossWindow({ lossWindow, source, destination }: Migration): string | undefined {
  if (!lossWindow) return undefined;
  const { window, from, to, lost } = lossWindow;
  const measured =
    lost === undefined
      ? `What it had confirmed before ${source} had it is lost; how much that is was not measured`
      : lost === 0
        ? `No write of the probe that it had confirmed is missing on ${source}`
        : `Of the writes of the probe that it had confirmed ${formatCount(lost)} ${lost === 1 ? 'is' : 'are'} missing on ${source}`;
  return `${window}, accepted by the spec: ${destination} took the writes from ${formatTime(from)} to ${formatTime(to)} UTC and is lost. ${measured}`;
}

/** How many rows differ, or that the copies are equal. */
export const formatEquality = ({ mismatches }: Migration['cuts'][number]): string =>
  mismatches === 0
    ? 'equal'
    : `${formatAmount(mismatches, 'row')} ${mismatches === 1 ? 'differs' : 'differ'}`;

/** `id=7, part=2`; without a key, the whole row. */
export const formatKey = (key: Readonly<Record<string, string | null>>): string =>
  Object.entries(key)
    .map(([name, value]) => `${name}=${formatCell(value)}`)
    .join(', ');

/** A value as it can be told from another: NULL is no text. */
export const formatCell = (value: string | null): string => (value === null ? 'NULL' : formatValue(value));

export const differenceWords: Readonly<
  Record<Migration['cuts'][number]['differences'][number]['kind'], string>
> = {
  missing: 'only on the source',
  extra: 'only on the destination',
  differs: 'other values',
};

export interface PhaseSpan {
  readonly phase: Migration['phase'];
  /** ISO 8601. */
  readonly from: string;
  /** Absent: it is the last one, which does not end. */
  readonly to?: string;
}

/** Each phase with its end: the next one's beginning, or that of the run. */
export const phaseSpans = ({ phases }: Migration, end: string): PhaseSpan[] =>
  phases.map(({ phase, at }, i) => {
    const next = phases[i + 1]?.at;
    const lasts = phase === 'accepted' || phase === 'discarded';
    return { phase, from: at, to: next ?? (lasts ? undefined : end) };
  });
