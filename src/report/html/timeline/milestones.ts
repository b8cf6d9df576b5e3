import { formatClock } from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { lanesTop, px, right } from './geometry.js';
import type { Time } from './geometry.js';
import { html, type Markup } from '../markup.js';

export interface Milestone {
  readonly at: string;
  readonly kind: 'cleared' | 'reached' | 'checkpoint';
  readonly name: string;
  readonly told: string;
}

const clearedNames = {
  'by-last-node': (to: string) => `cleared for ${to}`,
  lower: (to: string) => `lowering to ${to}`,
  cancel: () => 'lowering withdrawn',
} as const;

/** What a run has reached for good: the clearing and the coming of a level, and the checkpoints of a formation. */
export function milestonesOf({ switches, checkpoints = [] }: Summary): Milestone[] {
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
  ];
  return found.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

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
const shapes = { cleared: circle, reached: circle, checkpoint: 'M-3.5-5.5H3.5V5.5L0 2.5L-3.5 5.5Z' } as const;

export const milestoneIcon = (kind: Milestone['kind']): Markup =>
  html`<svg viewBox="-7 -7 14 14" class="milestone ${kind}"><path d="${shapes[kind]}" /></svg>`;

/** A mark each; that of a switch stands on a line through the lanes of all nodes. */
export function milestonesLane(marks: readonly PlacedMilestone[], x: Time, top: number): Markup {
  return html`<g
    ><line class="lane" x1="0" x2="${right}" y1="${top - 10}" y2="${top - 10}" />${marks.map(
      ({ at, kind, name, told, row, side }) => {
        const middle = x(at);
        const y = top + 5 + row * rowHeight;
        const start = side === 'left' ? middle - 8 : middle + 8;
        return html`<g class="milestone ${kind}"
          >${kind !== 'checkpoint' && html`<line x1="${px(middle)}" x2="${px(middle)}" y1="${lanesTop - 4}" y2="${y}" />`}<path
            transform="translate(${px(middle)} ${y})"
            d="${shapes[kind]}"
          /><title>${told}, ${formatClock(at)}</title>${
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
