import { scaleLinear } from 'd3-scale';
import { formatMs, msBetween } from '../format.js';
import type { Summary } from '../summary-schema.js';
import { html, type Markup } from './markup.js';

/** One handover close up: its phases in proportion, the pause in writes below them, and what each took. */
export function handoverChart(h: Summary['handovers'][number], summary: Summary): Markup {
  const end = h.endedAt ?? summary.asOf;
  const x = scaleLinear()
    .domain([Date.parse(h.startedAt), Math.max(Date.parse(end), Date.parse(h.startedAt) + 1)])
    .range([0, 1000])
    .clamp(true);
  const bar = (from: string, to: string, y: number, height: number): Markup => {
    const start = x(Date.parse(from));
    const wide = Math.max(3, x(Date.parse(to)) - start);
    return html`<rect x="${start.toFixed(1)}" y="${y}" width="${wide.toFixed(1)}" height="${height}" />`;
  };
  const byFence = [
    { name: 'ready → fence', kind: 'ready', from: h.startedAt, to: h.fencedAt ?? end },
    { name: 'fence → promote', kind: 'fenced', from: h.fencedAt, to: h.promotedAt ?? end },
    { name: 'promote → release', kind: 'promoted', from: h.promotedAt, to: end },
  ];
  const byTransfer = [
    { name: 'ready → transfer', kind: 'ready', from: h.startedAt, to: h.promotedAt ?? end },
    { name: 'transfer → verified', kind: 'promoted', from: h.promotedAt, to: end },
  ];
  const phases = (h.how === 'transfer' ? byTransfer : byFence).flatMap((p) =>
    p.from === undefined ? [] : [{ ...p, from: p.from }],
  );
  const gap = (summary.writes?.gaps ?? [])
    .filter((g) => Date.parse(g.to) > Date.parse(h.startedAt) && Date.parse(g.from) < Date.parse(end))
    .sort((a, b) => b.ms - a.ms)[0];
  return html`<svg
      class="handover-chart"
      viewBox="0 0 1000 44"
      preserveAspectRatio="none"
      role="img"
      aria-label="Phases of the handover from ${h.from}, in proportion"
    >
      ${phases.map((p) => html`<g class="p-${p.kind}">${bar(p.from, p.to, 0, 28)}</g>`)}
      ${gap && html`<g class="pause">${bar(gap.from, gap.to, 34, 8)}</g>`}
    </svg>
    <ul class="legend">
      ${phases.map(
        (p) =>
          html`<li><i class="p-${p.kind}"></i>${p.name} <b>${formatMs(msBetween(p.from, p.to))}</b></li>`,
      )}
      ${gap && html`<li><i class="l-gap"></i>no write acknowledged <b>${Math.round(gap.ms)} ms</b></li>`}
    </ul>`;
}
