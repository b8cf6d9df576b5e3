import { scaleLinear } from 'd3-scale';
import { formatClock, formatCount, formatMs, msBetween } from '../../format.js';
import { formatOnFailure, kindWords, type StageRow } from '../../format-pipeline.js';
import type { PipelineSummary } from '../../schema/pipeline.js';
import { html, type Markup } from '../markup.js';
import { table } from '../sections/table.js';
import { stagesAnchor } from './anchors.js';
import { linkTo } from './head.js';

/** Every stage in one line, and when each was run. */
export function stagesSection(pipeline: PipelineSummary, rows: readonly StageRow[]): Markup {
  const failures = rows.flatMap(failureOf);
  return html`<section id="${stagesAnchor}">
    <h2>Stages</h2>
    ${strip(pipeline, rows)}
    ${table(
      ['', 'stage', 'outcome', 'to', 'kind', 'took', 'acknowledged', 'lost', 'longest gap'],
      rows.map(cells),
    )}
    ${
      failures.length > 0 &&
      html`<ul class="why">
        ${failures}
      </ul>`
    }
    <p class="meta">${formatOnFailure(pipeline)}.</p>
  </section>`;
}

function cells(row: StageRow): Markup[] {
  const { number, kind, to, outcome, chapter } = row;
  const first = [
    html`${number}`,
    html`<b>${linkTo(row)}</b>`,
    html`<span class="chip ${outcomeClass(outcome)}">${outcome}</span>`,
    html`${to}`,
    html`${kindWords[kind]}`,
  ];
  if (!chapter) return [...first, html``, html``, html``, html``];
  const { run, asOf, writes } = chapter.summary;
  const gap = writes?.longestGapMs;
  return [
    ...first,
    html`${formatMs(msBetween(run.startedAt, run.endedAt ?? asOf))}`,
    html`${writes ? formatCount(writes.acknowledged) : '–'}`,
    html`${writes && writes.lost > 0 ? html`<b class="bad">${formatCount(writes.lost)}</b>` : writes ? '0' : '–'}`,
    html`${gap === undefined || gap === null ? '–' : formatMs(gap)}`,
  ];
}

const failureOf = (row: StageRow): Markup[] => {
  const failure = row.chapter?.summary.failure ?? row.chapter?.summary.cause;
  return failure ? [html`<li>${linkTo(row)}: <b>${failure.code}</b> ${failure.message}</li>`] : [];
};

const outcomeClass = (outcome: StageRow['outcome']): string => `e-${outcome.replace(' ', '-')}`;

/** The chapters in proportion to the time that they took. */
function strip({ run, asOf }: PipelineSummary, rows: readonly StageRow[]): Markup {
  const end = Date.parse(run.endedAt ?? asOf);
  const start = Date.parse(run.startedAt);
  const x = scaleLinear()
    .domain([start, Math.max(end, start + 1)])
    .range([0, 1000])
    .clamp(true);
  const bars = rows.flatMap(({ name, outcome, chapter }) => {
    if (!chapter) return [];
    const { startedAt, endedAt } = chapter.summary.run;
    const to = endedAt ?? asOf;
    const from = x(Date.parse(startedAt));
    const wide = Math.max(3, x(Date.parse(to)) - from - 1.5);
    const told = `${name}: ${outcome}, ${formatMs(msBetween(startedAt, to))} from ${formatClock(startedAt)}`;
    return [
      html`<g class="${outcomeClass(outcome)}"
        ><rect x="${from.toFixed(1)}" y="0" width="${wide.toFixed(1)}" height="22"
          ><title>${told}</title></rect
        ></g
      >`,
    ];
  });
  return html`<svg
    class="strip"
    viewBox="0 0 1000 22"
    preserveAspectRatio="none"
    role="img"
    aria-label="The chapters, in proportion to their time"
  >
    ${bars}
  </svg>`;
}
