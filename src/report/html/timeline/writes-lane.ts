import type { ProbeBucket, RunState } from '../../../contracts/index.js';
import { formatClock, formatDuring, msBetween } from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { scaleLinear } from 'd3-scale';
import { area, curveStepAfter } from 'd3-shape';
import { left, right, writesHeight, px } from './geometry.js';
import type { Time } from './geometry.js';
import { html, type Markup } from '../markup.js';

/** ms */
const noticed = 50;

export function writesLane(summary: Summary, state: RunState, x: Time, top: number): Markup {
  const { writes } = state;
  const rule = html`<line class="lane" x1="0" x2="${right}" y1="${top - 6}" y2="${top - 6}" />`;
  if (!writes || writes.buckets.length === 0) {
    return html`<g>${rule}<text class="note" x="${left + 4}" y="${top + 14}">no record of writes</text></g>`;
  }
  const rates = ratesOf(writes.buckets, writes.endedAt);
  const most = Math.max(1, ...rates.map((r) => r.rate));
  const floor = top + writesHeight - 6;
  const y = scaleLinear()
    .domain([0, most * 1.3])
    .range([floor, top + 2]);
  const points = [...rates, { at: writes.endedAt, rate: rates.at(-1)?.rate ?? 0 }];
  const shape = area<{ at: string; rate: number }>()
    .x((p) => x(p.at))
    .y0(floor)
    .y1((p) => y(p.rate))
    .curve(curveStepAfter);
  // The longest, drawn last for its name's sake, and what a client would notice: among twenty the rest are pauses like any other second's.
  const shown = (summary.writes?.gaps ?? []).filter((gap, i) => i === 0 || gap.ms >= noticed);
  const gaps = shown.map((gap, i) => {
    const from = x(gap.from);
    const wide = Math.max(2, x(gap.to) - from);
    const named = i === 0;
    const flip = from > right - 150;
    return html`<g class="gap"
      ><rect x="${px(from)}" y="${top}" width="${px(wide)}" height="${floor - top}"
        ><title>
          no write acknowledged for ${Math.round(gap.ms)} ms (${formatDuring(gap.during)}), from
          ${formatClock(gap.from)}
        </title></rect
      >${named && html`<text x="${px(flip ? from - 6 : from + wide + 6)}" y="${top + 12}" text-anchor="${flip ? 'end' : 'start'}">longest gap ${Math.round(gap.ms)} ms</text>`}</g
    >`;
  });
  return html`<g
    >${rule}<path class="rate" d="${shape(points) ?? ''}" /><text
      class="note"
      x="${left + 4}"
      y="${px(y(most) - 3)}"
      >${Math.round(most)}/s</text
    >${gaps.reverse()}</g
  >`;
}

/** Seconds that were merged count as long as they lasted. */
function ratesOf(buckets: readonly ProbeBucket[], end: string): { at: string; rate: number }[] {
  return buckets.map((b, i) => {
    const ms = Math.max(1, msBetween(b.at, buckets[i + 1]?.at ?? end));
    // The last second is cut short: as a rate over what was left of it, it would stand out for nothing.
    return { at: b.at, rate: (b.acknowledged * 1000) / (i === buckets.length - 1 ? Math.max(1000, ms) : ms) };
  });
}
