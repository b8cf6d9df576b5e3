import { receiverOf, type Side } from '../../../contracts/index.js';
import { phaseSpans } from '../../format-migration.js';
import { formatClock, formatMs, msBetween } from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { barHeight, fit, px, right } from './geometry.js';
import type { Time } from './geometry.js';
import { html, type Markup } from '../markup.js';

type Migration = NonNullable<Summary['migration']>;

/** Of each of the two lanes of a migration. */
export const migrationLaneHeight = 36;

/** The phases of a migration, and below them the side that takes the writes. */
export function migrationLanes(migration: Migration, run: Summary['run'], at: LanesAt): Markup {
  const { x, end, top } = at;
  const phases = phaseSpans(migration, end).map((span) => ({
    from: span.from,
    to: span.to ?? end,
    name: span.phase,
    kind: `m-${span.phase}`,
  }));
  const sides = authoritySpans(migration, run.startedAt, end).map(({ side, from, to }) => ({
    ...{ from, to, name: migration[side] },
    kind: `a-${side}`,
    told: `${migration[side]} takes the writes`,
  }));
  return html`<g>${bars(phases, x, top)}${bars(sides, x, top + migrationLaneHeight)}</g>`;
}

interface LanesAt {
  readonly x: Time;
  readonly end: string;
  readonly top: number;
}

interface Bar {
  readonly from: string;
  readonly to: string;
  readonly name: string;
  readonly kind: string;
  readonly told?: string;
}

const bars = (shown: readonly Bar[], x: Time, top: number): Markup =>
  html`<line class="lane" x1="0" x2="${right}" y1="${top - 4}" y2="${top - 4}" />${shown.map(
      ({ from, to, name, kind, told }) => {
        const start = x(from);
        const wide = Math.max(1.5, x(to) - start);
        const label = fit(name, wide);
        return html`<g class="span ${kind}"
          ><rect x="${px(start)}" y="${top + 4}" width="${px(wide)}" height="${barHeight}"
            ><title>${told ?? name}, ${formatMs(msBetween(from, to))} from ${formatClock(from)}</title></rect
          >${label !== '' && html`<text x="${px(start + wide / 2)}" y="${top + 18}" text-anchor="middle">${label}</text>`}</g
        >`;
      },
    )}`;

export interface AuthoritySpan {
  readonly side: Side;
  /** ISO 8601. */
  readonly from: string;
  readonly to: string;
}

/** Who took the writes when: the source at first, and from every opening on the side that was opened. */
export function authoritySpans({ switches }: Migration, start: string, end: string): AuthoritySpan[] {
  const turns = switches.flatMap((s): { side: Side; at: string }[] =>
    s.openedAt === undefined ? [] : [{ side: receiverOf(s.direction), at: s.openedAt }],
  );
  const points: { side: Side; at: string }[] = [{ side: 'source', at: start }, ...turns];
  return points.map(({ side, at }, i) => ({ side, from: at, to: points[i + 1]?.at ?? end }));
}
