import { formatEquality, formatMove } from '../../format-migration.js';
import { formatAmount, formatClock } from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { lanesTop, px, right } from './geometry.js';
import type { Time } from './geometry.js';
import { html, type Markup } from '../markup.js';

export interface Milestone {
  readonly at: string;
  readonly kind:
    'cleared' | 'reached' | 'checkpoint' | 'cutover' | 'cut-back' | 'given-up' | 'equal' | 'differs';
  readonly name: string;
  readonly told: string;
}

const clearedNames = {
  'by-last-node': (to: string) => `cleared for ${to}`,
  lower: (to: string) => `lowering to ${to}`,
  cancel: () => 'lowering withdrawn',
} as const;

/**
 * What a run has reached for good: the clearing and the coming of a level, the checkpoints of a formation, the
 * comparisons of a migration and the moments in which its writes moved.
 */
export function milestonesOf({ switches, checkpoints = [], migration }: Summary): Milestone[] {
  const found = [
    ...switches.flatMap(({ clearedAt, at, to, from, how, nodesAtLevel }): Milestone[] => [
      ...(clearedAt === undefined
        ? []
        : [
            {
              at: clearedAt,
              kind: 'cleared' as const,
              name: clearedNames[how](to),
              told: `the switch ${from} → ${to} is cleared`,
            },
          ]),
      ...(at === undefined
        ? []
        : [
            {
              at,
              kind: 'reached' as const,
              name: `level ${to}`,
              told: `level ${to} on ${nodesAtLevel.join(', ')}`,
            },
          ]),
    ]),
    ...checkpoints.map(({ at, name }): Milestone => ({
      at,
      kind: 'checkpoint',
      name,
      told: `checkpoint ${name}`,
    })),
    ...(migration ? [...movesOf(migration), ...cutsOf(migration)] : []),
  ];
  return found.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

type Migration = NonNullable<Summary['migration']>;

const movesOf = (migration: Migration): Milestone[] =>
  migration.switches.flatMap((s): Milestone[] => {
    const move = formatMove(s, migration);
    if (s.result === 'undone') {
      return [{ at: s.startedAt, kind: 'given-up', name: 'given up', told: `${move} given up` }];
    }
    if (s.openedAt === undefined) return [];
    const gap = s.measuredGapMs ?? s.writeGapMs;
    const waited = gap === undefined ? '' : `, ${Math.round(gap)} ms`;
    return [
      {
        at: s.openedAt,
        kind: s.direction === 'forward' ? 'cutover' : 'cut-back',
        name: `${s.direction === 'forward' ? 'cutover' : 'cut-back'}${waited}`,
        told: `the writes moved ${move}${gap === undefined ? '' : `, writers waited ${Math.round(gap)} ms`}`,
      },
    ];
  });

const cutsOf = ({ cuts }: Migration): Milestone[] =>
  cuts.map((cut): Milestone => ({
    at: cut.endedAt,
    kind: cut.mismatches === 0 ? 'equal' : 'differs',
    name: formatEquality(cut),
    told: `${formatAmount(cut.rows, 'row')} compared at ${cut.name}: ${formatEquality(cut)}`,
  }));

const maxRows = 6;
const rowHeight = 15;

export const heightOf = (placed: readonly PlacedMilestone[]): number =>
  placed.length === 0 ? 0 : (Math.max(...placed.map((p) => p.row)) + 1) * rowHeight + 14;

export interface PlacedMilestone extends Milestone {
  readonly row: number;
  /** Where its name stands; absent: there is no room for it. */
  readonly side: 'left' | 'right' | undefined;
}

/** What would cover another one's name goes a row lower; when all rows are taken, it is a mark without a name. */
export function placed(milestones: readonly Milestone[], x: Time): PlacedMilestone[] {
  const taken = Array.from({ length: maxRows }, () => 0);
  return milestones.map((milestone) => {
    const middle = x(milestone.at);
    const wide = 9 + milestone.name.length * 6.1;
    const side = middle + wide > right ? 'left' : 'right';
    const [from, to] = side === 'left' ? [middle - wide, middle + 6] : [middle - 6, middle + wide];
    const free = taken.findIndex((end) => end <= from);
    const row = free >= 0 ? free : Math.max(0, taken.indexOf(Math.min(...taken)));
    taken[row] = Math.max(taken[row] ?? 0, free >= 0 ? to : middle + 6);
    return { ...milestone, row, side: free >= 0 ? side : undefined };
  });
}

const circle = 'M-4.5 0A4.5 4.5 0 1 0 4.5 0A4.5 4.5 0 1 0-4.5 0Z';
const shapes: Readonly<Record<Milestone['kind'], string>> = {
  cleared: circle,
  reached: circle,
  checkpoint: 'M-3.5-5.5H3.5V5.5L0 2.5L-3.5 5.5Z',
  cutover: 'M-4-5.5L5.5 0L-4 5.5Z',
  'cut-back': 'M4-5.5L-5.5 0L4 5.5Z',
  'given-up': 'M-4.5-4.5L4.5 4.5M-4.5 4.5L4.5-4.5',
  equal: 'M-4.5-3.5H4.5V-1H-4.5ZM-4.5 1H4.5V3.5H-4.5Z',
  differs: 'M-4.5-4.5H4.5V4.5H-4.5Z',
};

/** What happens at one moment to every node. */
const crossing: readonly Milestone['kind'][] = ['cleared', 'reached', 'cutover', 'cut-back', 'given-up'];

export const milestoneIcon = (kind: Milestone['kind']): Markup =>
  html`<svg viewBox="-7 -7 14 14" class="milestone ${kind}"><path d="${shapes[kind]}" /></svg>`;

/** A mark each; that of a switch stands on a line through all lanes, which goes below every name. */
export function milestonesLane(marks: readonly PlacedMilestone[], x: Time, top: number): Markup {
  const heightAt = (row: number): number => top + 5 + row * rowHeight;
  const lines = marks
    .filter(({ kind }) => crossing.includes(kind))
    .map(({ at, kind, row }) => {
      const middle = px(x(at));
      return html`<g class="milestone ${kind}"
        ><line x1="${middle}" x2="${middle}" y1="${lanesTop - 4}" y2="${heightAt(row)}"
      /></g>`;
    });
  return html`<g
    ><line class="lane" x1="0" x2="${right}" y1="${top - 10}" y2="${top - 10}" />${lines}${marks.map(
      ({ at, kind, name, told, row, side }) => {
        const middle = x(at);
        const y = heightAt(row);
        const start = side === 'left' ? middle - 8 : middle + 8;
        return html`<g class="milestone ${kind}"
          ><path transform="translate(${px(middle)} ${y})" d="${shapes[kind]}" /><title>
            ${told}, ${formatClock(at)}</title
          >${
            side !== undefined &&
            html`<text x="${px(start)}" y="${y + 4}" text-anchor="${side === 'left' ? 'end' : 'start'}"
              >${name}</text
            >`
          }</g
        >`;
      },
    )}</g
  >`;
}
