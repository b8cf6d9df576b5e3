import { formatClock } from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { html, type Markup } from '../markup.js';
import { table } from './table.js';

/** Everything the run has told, folded away. */
export function logSection({ timeline }: Summary): Markup | undefined {
  if (timeline.length === 0) return undefined;
  return html`<section>
    <details>
      <summary>Log, ${timeline.length} ${timeline.length === 1 ? 'entry' : 'entries'}</summary>
      ${table(
        ['at', 'step', 'event'],
        timeline.map((e) => [
          html`${formatClock(e.at)}`,
          html`<code>${e.step ?? ''}</code>`,
          html`${e.text}`,
        ]),
      )}
    </details>
  </section>`;
}
