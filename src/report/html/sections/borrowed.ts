import { formatValue } from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { table } from './table.js';
import { html, type Markup } from '../markup.js';

export function borrowedSection({ ledger, leftUndone, run }: Summary): Markup {
  const settled = run.outcome !== 'running' && leftUndone.length === 0;
  const nothing = settled
    ? 'Nothing: whatever the run had changed for a while is given back.'
    : 'Nothing stands in the ledger now.';
  return html`<section>
    <h2>Borrowed</h2>
    ${
      ledger.length === 0
        ? html`<p>${nothing}</p>`
        : table(
            ['what', 'node', 'value now', 'value before', 'to give it back'],
            ledger.map((b) => [
              html`<b>${b.name}</b>`,
              html`${b.node ?? ''}`,
              html`<code>${formatValue(b.value)}</code>`,
              html`${b.formerValue === undefined ? 'was not there' : html`<code>${formatValue(b.formerValue)}</code>`}`,
              html`${b.giveBack}`,
            ]),
          )
    }${
      leftUndone.length > 0 &&
      html`<div class="failure-box">
        <h3>Left undone</h3>
        <ul>
          ${leftUndone.map((l) => html`<li><b>${l.what}</b>: ${l.error}<br />To undo it: ${l.command}</li>`)}
        </ul>
      </div>`
    }
  </section>`;
}
