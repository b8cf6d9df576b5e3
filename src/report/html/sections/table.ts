import { html, type Markup } from '../markup.js';

/** Columns that hold sentences may break; the others do not, and the table scrolls in itself. */
const wide = [
  'observed',
  'required',
  'event',
  'why',
  'where',
  'title',
  'status',
  'to give it back',
  'value before',
  'holds',
  'file and sha256',
  'row',
  'on the source',
  'on the destination',
];

export function table(head: readonly string[], rows: readonly (readonly Markup[])[]): Markup {
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${head.map((h) => html`<th scope="col">${h}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (r) =>
            html`<tr>
              ${r.map((c, i) => html`<td class="${wide.includes(head[i] ?? '') && 'wide'}">${c}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
