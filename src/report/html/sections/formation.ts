import { formatBytes, formatClock, formatMs, msBetween } from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { fact } from './facts.js';
import { table } from './table.js';
import { html, type Markup } from '../markup.js';

/** Where a formation stands, what it has reached and when, and what its seed came from. */
export function formationSection(summary: Summary): Markup | undefined {
  const { seed, stages = [], mode, checkpoint, checkpoints = [], snapshot, keptStandalone, run } = summary;
  if (seed === undefined) return undefined;
  return html`<section>
    <h2>Formation</h2>
    <dl class="facts">
      ${fact('seed', seed)} ${fact('mode', mode ?? 'not read')} ${fact('checkpoint', checkpoint ?? 'none')}
      ${fact('stages of this run', stages.join(', '))}
      ${snapshot && fact('snapshot', `${snapshot.content}, ${formatBytes(snapshot.bytes)}`)}
      ${snapshot && fact('compared by', snapshot.hash)}
    </dl>
    ${
      checkpoints.length > 0 &&
      table(
        ['checkpoint', 'at', 'after the one before'],
        checkpoints.map((c, i) => [
          html`<code>${c.name}</code>`,
          html`${formatClock(c.at)}`,
          html`${formatMs(msBetween(checkpoints[i - 1]?.at ?? run.startedAt, c.at))}`,
        ]),
      )
    }${snapshot && html`<p class="meta">sha256 of the snapshot: <code>${snapshot.sha256}</code></p>`}${
      keptStandalone !== undefined &&
      html`<p class="meta">The standalone's own data is kept at <code>${keptStandalone}</code>.</p>`
    }
  </section>`;
}
