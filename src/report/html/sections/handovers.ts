import type { Summary } from '../../summary-schema.js';
import { fact } from './facts.js';
import { handoverChart } from '../handover-chart.js';
import { html, type Markup } from '../markup.js';

export function handoversSection(summary: Summary): Markup | undefined {
  if (summary.handovers.length === 0) return undefined;
  return html`<section>
    <h2>${summary.handovers.length === 1 ? 'Handover' : 'Handovers'}</h2>
    ${summary.handovers.map(
      (h) =>
        html`<article class="card">
          <h3>${h.from} → ${h.to ?? '?'} <span class="chip h-${h.result}">${h.result}</span></h3>
          ${handoverChart(h, summary)}
          <dl>
            ${fact('epoch', `${h.epochBefore ?? 'unknown'} → ${h.epochAfter ?? 'unknown'}`)}${how(h)}${fact('write gap', h.writeGapMs === undefined ? 'not measured' : `${Math.round(h.writeGapMs)} ms`)}
          </dl>
        </article>`,
    )}
  </section>`;
}

const how = (h: Summary['handovers'][number]): Markup =>
  h.how === 'transfer'
    ? fact('how', 'by transfer: the new epoch is the fence')
    : html`${fact('fenced at', h.fencePosition ?? 'no fence')}${fact('candidate had applied', h.candidatePosition ?? 'none chosen')}`;
