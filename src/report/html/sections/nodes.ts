import { formatMs, formatRole, formatWay, msBetween } from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { table } from './table.js';
import { html, type Markup } from '../markup.js';

export function nodesSection(summary: Summary): Markup | undefined {
  if (summary.nodes.length === 0) return undefined;
  return html`<section>
    <h2>Nodes</h2>
    ${table(
      ['node', 'role', 'version', 'reports', 'status', 'took'],
      summary.nodes.map((n) => [
        html`<b>${n.id}</b>`,
        html`${formatRole(n)}`,
        html`${formatWay(n, summary.direction)}`,
        html`${n.version ?? (formatRole(n) === 'none' ? '' : 'unknown')}`,
        html`<span class="chip s-${n.status}">${n.status}</span
          >${n.reason !== undefined && html` <span class="reason">${n.reason}</span>`}`,
        html`${n.startedAt === undefined ? '' : formatMs(msBetween(n.startedAt, n.endedAt ?? summary.asOf))}`,
      ]),
    )}
  </section>`;
}
