import {
  formatAmount,
  formatCount,
  formatDuring,
  formatMs,
  msBetween,
  whyNotMeasured,
} from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { ms } from './facts.js';
import { html, type Markup } from '../markup.js';

const linearizableWord = { linearizable: 'yes', violated: 'no', unchecked: 'not checked' } as const;
const linearizableMood = { linearizable: 'good', violated: 'bad', unchecked: '' } as const;

export function figures(summary: Summary): Markup {
  const { writes, run, handovers, migration } = summary;
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
    ...(migration ? migrationTiles(migration, writes?.longestGapMs) : []),
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

/** Whether both copies were the same wherever they were compared, and the dearest move of the writes. */
function migrationTiles(
  { cuts, switches }: NonNullable<Summary['migration']>,
  longestGapMs: number | null | undefined,
): Markup[] {
  const rows = cuts.reduce((n, c) => n + c.rows, 0);
  const differ = cuts.reduce((n, c) => n + c.mismatches, 0);
  const gaps = switches.map((s) => s.measuredGapMs ?? s.writeGapMs).filter((g) => g !== undefined);
  const at = formatAmount(cuts.length, 'cut');
  const compared =
    differ === 0
      ? tile('rows compared', formatCount(rows), `all equal, ${at}`, 'good')
      : tile('rows that differ', formatCount(differ), `of ${formatCount(rows)} compared, ${at}`, 'bad');
  return [
    ...(cuts.length === 0 ? [] : [compared]),
    // The longest gap of all has a tile of its own, which says in which step it was.
    ...(gaps.length === 0 || Math.max(...gaps) === longestGapMs
      ? []
      : [
          tile(
            'write gap of a switch',
            ms(Math.max(...gaps)),
            gaps.length === 1 ? '' : `the longest of ${gaps.length}`,
          ),
        ]),
  ];
}

/** A figure with its name and a note below it. */
export function tile(name: string, value: string, note: string, mood = ''): Markup {
  return html`<div class="tile ${mood}">
    <p class="name">${name}</p>
    <p class="value">${value}</p>
    ${note !== '' && html`<p class="note">${note}</p>`}
  </div>`;
}
