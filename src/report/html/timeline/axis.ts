import type { scaleUtc } from 'd3-scale';
import { left, right, stepsTop } from './geometry.js';
import { html, join, type Markup } from '../markup.js';

export function axis(scale: ReturnType<typeof scaleUtc<number, number>>, bottom: number): Markup {
  const found = scale.ticks(9);
  const seconds = found.filter((t) => t.getTime() % 1000 === 0);
  // The labels end at seconds: two within one would read the same.
  const all = seconds.length > 1 ? seconds : found;
  // d3 chooses a round number near the wish, which may be twice as many.
  const ticks = all.filter((_, i) => i % Math.ceil(all.length / 11) === 0);
  const first = ticks[0]?.getTime() ?? 0;
  const short = (ticks[1]?.getTime() ?? 0) - first < 60_000;
  return join(
    ticks.map((t) => {
      const at = scale(t).toFixed(1);
      const text = t.toISOString().slice(11, short ? 19 : 16);
      return html`<line class="grid" x1="${at}" x2="${at}" y1="${stepsTop}" y2="${bottom + 4}" /><text
          class="tick"
          x="${at}"
          y="${bottom + 20}"
          text-anchor="${scale(t) < left + 24 ? 'start' : scale(t) > right - 10 ? 'end' : 'middle'}"
          >${text}</text
        >`;
    }),
  );
}
