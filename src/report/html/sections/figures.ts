import { formatCount, formatDuring, formatMs, msBetween, whyNotMeasured } from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { ms } from './facts.js';
import { html, type Markup } from '../markup.js';

const linearizableWord = { linearizable: 'yes', violated: 'no', unchecked: 'not checked' } as const;
const linearizableMood = { linearizable: 'good', violated: 'bad', unchecked: '' } as const;

export function figures(summary: Summary): Markup {
  const { writes, run, handovers } = summary;
  const gap = handovers.map((h) => h.writeGapMs).filter((ms) => ms !== undefined);
  const tiles: (Markup | undefined)[] = [
    writes &&
      tile(
        'acknowledged writes',
        formatCount(writes.acknowledged),
        `by ${writes.writers} ${writes.writers === 1 ? 'writer' : 'writers'}`,
      ),
    writes &&
      tile(
        'lost',
        formatCount(writes.lost),
        writes.lost === 0 ? 'read back at the end' : 'see above',
        writes.lost === 0 ? 'good' : 'bad',
      ),
    writes?.linearizability &&
      tile(
        'linearizable',
        linearizableWord[writes.linearizability.verdict],
        `${formatCount(writes.linearizability.operations)} operations`,
        linearizableMood[writes.linearizability.verdict],
      ),
    writes &&
      tile(
        'longest write gap',
        ms(writes.longestGapMs),
        writes.longestGapMs === null ? '' : formatDuring(writes.longestGapDuring),
      ),
    writes &&
      tile(
        'longest wait of a client',
        ms(writes.longestWaitMs),
        writes.longestWaitMs === null ? '' : formatDuring(writes.longestWaitDuring),
      ),
    !writes && tile('writes', '—', whyNotMeasured(summary.measurement)),
    !writes && gap.length > 0 ? tile('write gap of the handover', ms(Math.max(...gap)), '') : undefined,
    tile(
      'duration',
      formatMs(msBetween(run.startedAt, run.endedAt ?? summary.asOf)),
      run.endedAt === undefined ? 'so far' : '',
    ),
  ].map((t) => (t === false ? undefined : t));
  return html`<section class="figures" aria-label="Key figures">
    ${tiles.filter((t) => t !== undefined)}
  </section>`;
}

function tile(name: string, value: string, note: string, mood = ''): Markup {
  return html`<div class="tile ${mood}">
    <p class="name">${name}</p>
    <p class="value">${value}</p>
    ${note !== '' && html`<p class="note">${note}</p>`}
  </div>`;
}
