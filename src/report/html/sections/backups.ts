import { formatBytes, formatClock } from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { table } from './table.js';
import { html, type Markup } from '../markup.js';

export function backupsSection({ backups }: Summary): Markup | undefined {
  if (backups.length === 0) return undefined;
  return html`<section>
    <h2>Backups</h2>
    <p class="meta">Each was restored into a scratch directory and compared before the run went on.</p>
    ${table(
      ['backup', 'holds', 'size', 'file and sha256', 'at'],
      backups.map((b) => [
        html`<b>${b.name}</b>`,
        html`${b.content}`,
        html`${formatBytes(b.bytes)}`,
        html`<code>${b.path}</code><br /><code class="reason">${b.sha256}</code>`,
        html`${formatClock(b.at)}`,
      ]),
    )}
  </section>`;
}
