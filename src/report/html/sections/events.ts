import { formatClock } from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { table } from './table.js';
import { html, type Markup } from '../markup.js';

export function eventsSection({ decisions, faults }: Summary): Markup | undefined {
  if (decisions.length + faults.length === 0) return undefined;
  const rows = [
    ...decisions.map((d) => ({
      at: d.at,
      cells: [
        html`<b>${d.action}</b> ${d.step ?? ''}`,
        html`${d.by}`,
        html`${d.reason}${!d.accepted && html` <b>not accepted</b>`}${d.note !== undefined && html` <span class="reason">${d.note}</span>`}`,
      ],
    })),
    ...faults.map((f) => ({
      at: f.at,
      cells: [html`<b>${f.kind}</b>`, html`injected`, html`during ${f.during}`],
    })),
  ].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return html`<section>
    <h2>Decisions${faults.length > 0 && ' and faults'}</h2>
    ${table(
      ['at', 'what', 'by', 'why'],
      rows.map((r) => [html`${formatClock(r.at)}`, ...r.cells]),
    )}
  </section>`;
}
