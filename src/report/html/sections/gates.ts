import { formatClock } from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { table } from './table.js';
import { html, type Markup } from '../markup.js';

export function gatesSection({ gates }: Summary): Markup | undefined {
  if (gates.length === 0) return undefined;
  const order = { hold: 0, unknown: 1, pass: 2 };
  const sorted = [...gates].sort((a, b) => order[a.verdict] - order[b.verdict]);
  return html`<section>
    <h2>Gates</h2>
    <p class="meta">The latest verdict of each. What is unknown or stale never passes.</p>
    ${table(
      ['gate', 'node', 'verdict', 'observed', 'required', 'at'],
      sorted.map((g) => [
        html`<code>${g.name}</code>`,
        html`${g.node ?? ''}`,
        html`<span class="chip v-${g.verdict}">${g.verdict}</span>`,
        html`${g.observed}`,
        html`${g.required}`,
        html`${formatClock(g.at)}`,
      ]),
    )}
  </section>`;
}
