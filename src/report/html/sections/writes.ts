import {
  formatClock,
  formatCount,
  formatDuring,
  formatLinearizability,
  whyNotMeasured,
} from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { table } from './table.js';
import { fact, ms } from './facts.js';
import { html, type Markup } from '../markup.js';

export function writesSection(summary: Summary): Markup {
  const w = summary.writes;
  if (!w)
    return html`<section>
      <h2>What clients saw</h2>
      <p>Writes were ${whyNotMeasured(summary.measurement)}.</p>
    </section>`;
  return html`<section>
    <h2>What clients saw</h2>
    <dl class="facts">
      ${fact('acknowledged', formatCount(w.acknowledged))} ${fact('lost', formatCount(w.lost))}
      ${fact('unknown', `${formatCount(w.unknown)} (sent, never answered)`)}
      ${fact('resurrected', `${formatCount(w.resurrected)} (refused, yet there)`)}
      ${fact('longest write gap', spell(w.longestGapMs, w.longestGapDuring))}
      ${fact('longest read gap', spell(w.longestReadGapMs, w.longestReadGapDuring))}
      ${fact('longest wait of one client', spell(w.longestWaitMs, w.longestWaitDuring))}
      ${fact('reads', formatCount(w.reads))}
      ${w.linearizability && fact('linearizable', formatLinearizability(w.linearizability))}
    </dl>
    ${
      w.gaps.length > 0 &&
      table(
        ['write gap', 'from', 'where'],
        w.gaps
          .slice(0, 5)
          .map((g) => [
            html`${Math.round(g.ms)} ms`,
            html`${formatClock(g.from)}`,
            html`${formatDuring(g.during)}`,
          ]),
      )
    }
  </section>`;
}

const spell = (figure: number | null, step: string | null): string =>
  figure === null ? ms(figure) : `${ms(figure)} ${formatDuring(step)}`;
