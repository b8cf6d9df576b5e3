import {
  differenceWords,
  formatCell,
  formatEquality,
  formatKey,
  formatLossWindow,
  formatMove,
  moveWords,
  phaseSpans,
} from '../format-migration.js';
import { formatAmount, formatBytes, formatClock, formatMs, msBetween } from '../format.js';
import type { Summary } from '../summary-schema.js';

type Migration = NonNullable<Summary['migration']>;

/** Where a migration stands, and each phase with what it took. */
export function migrationLines({ migration, run, asOf }: Summary): string[] {
  if (!migration) return [];
  const { phase, authority, copy } = migration;
  const spans = phaseSpans(migration, run.endedAt ?? asOf);
  const lost = formatLossWindow(migration);
  const width = Math.max(...spans.map((s) => s.phase.length));
  return [
    `phase ${phase}, ${migration[authority]} (${authority}) takes the writes`,
    ...(lost === undefined ? [] : [lost]),
    ...(copy ? [copyLine(copy)] : []),
    ...spans.map(({ phase: name, from, to }) => {
      const took = to === undefined ? '' : formatMs(msBetween(from, to));
      return `  ${formatClock(from)}  ${name.padEnd(width)}  ${took}`.trimEnd();
    }),
  ];
}

function copyLine({ rows, bytes, ms, ranges, done }: NonNullable<Migration['copy']>): string {
  const amount = `${formatAmount(rows, 'row')}, ${formatBytes(bytes)}`;
  return ms === undefined
    ? `copied so far: ${amount}, ${done} of ${ranges} ranges`
    : `copied: ${amount} in ${formatMs(ms)}, ${formatAmount(ranges, 'range')}`;
}

/** Every comparison, and what differs at it. */
export const cutLines = ({ migration }: Summary): string[] => (migration?.cuts ?? []).flatMap(cutText);

export const cutText = (cut: Migration['cuts'][number]): string[] => [
  `${cut.name}  ${formatEquality(cut)}: ${formatAmount(cut.rows, 'row')} of ${formatAmount(cut.tables, 'table')} at ${cut.position}, writers waited ${formatMs(cut.writePauseMs)}`,
  ...cut.differing.map(
    ({ table, rows }) =>
      `  ${table}: ${rows.source} rows on the source, ${rows.destination} on the destination`,
  ),
  ...cut.differences.flatMap((d) => [
    `    ${d.table} ${formatKey(d.key)}: ${differenceWords[d.kind]}`,
    ...d.columns.map(
      (c) =>
        `      ${c.name}: ${formatCell(c.source)} on the source, ${formatCell(c.destination)} on the destination`,
    ),
  ]),
];

/** Every move of the writes, and how long writers waited for it. */
export function moveLines({ migration }: Summary): string[] {
  if (!migration) return [];
  return migration.switches.map((s) =>
    [
      `${formatMove(s, migration)}  ${moveWords[s.result]}${s.openedAt === undefined ? '' : ` at ${formatClock(s.openedAt)}`}`,
      ...(s.writeGapMs === undefined ? [] : [`write gap ${Math.round(s.writeGapMs)} ms`]),
      ...(s.measuredGapMs === undefined ? [] : [`clients saw ${Math.round(s.measuredGapMs)} ms`]),
    ].join('  '),
  );
}
