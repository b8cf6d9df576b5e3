import type { RunState } from '../../../contracts/index.js';
import { msBetween } from '../../format.js';
import { scaleLinear } from 'd3-scale';
import { area, curveMonotoneX, line } from 'd3-shape';
import { left, right, laneHeight, barHeight, px } from './geometry.js';
import type { Time } from './geometry.js';
import { html, type Markup } from '../markup.js';

/** Lag is a distance; its scale is the same in every lane, and pauses in observation are pauses in the curve. */
export function lagCurve(
  state: RunState,
  node: string,
  { top, x, maxLag }: { top: number; x: Time; maxLag: number },
): Markup {
  const samples = state.samples.filter((s) => s.node === node);
  const floor = top + laneHeight - 12;
  const y = scaleLinear()
    .domain([0, maxLag])
    .range([floor, top + barHeight + 14]);
  const usual = median(
    samples.flatMap((s, i) => (i === 0 ? [] : [msBetween(samples[i - 1]?.at ?? s.at, s.at)])),
  );
  const runs: { at: string; lag: number }[][] = [];
  for (const sample of samples) {
    const run = runs.at(-1);
    const before = run?.at(-1);
    if (run && before && msBetween(before.at, sample.at) <= Math.max(1500, 4 * usual)) run.push(sample);
    else runs.push([sample]);
  }
  const peak = samples.reduce<(typeof samples)[number] | undefined>(
    (a, b) => (a && a.lag >= b.lag ? a : b),
    undefined,
  );
  const shape = area<{ at: string; lag: number }>()
    .x((s) => x(s.at))
    .y0(floor)
    .y1((s) => y(s.lag))
    .curve(curveMonotoneX);
  const outline = line<{ at: string; lag: number }>()
    .x((s) => x(s.at))
    .y((s) => y(s.lag))
    .curve(curveMonotoneX);
  const peakLabel =
    peak && peak.lag > maxLag * 0.15
      ? html`<text
          class="note halo"
          x="${px(Math.min(right - 70, x(peak.at) + 14))}"
          y="${px(y(peak.lag) + 9)}"
          >lag ${formatLag(peak.lag)}</text
        >`
      : undefined;
  return html`<g class="lag"
    ><line class="floor" x1="${left}" x2="${right}" y1="${floor}" y2="${floor}" />${runs.map(
      (r) =>
        html`<path class="lag-area" d="${shape(r) ?? ''}" /><path
            class="lag-line"
            d="${outline(r) ?? ''}"
          />`,
    )}${peakLabel}</g
  >`;
}

export function formatLag(lag: number): string {
  if (lag < 1000) return String(lag);
  if (lag < 1_000_000) return `${(lag / 1000).toFixed(1)} k`;
  return `${(lag / 1_000_000).toFixed(1)} M`;
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
