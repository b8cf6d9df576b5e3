import {
  differenceWords,
  formatCell,
  formatEquality,
  formatKey,
  formatLossWindow,
  formatMove,
  moveWords,
  phaseSpans,
} from '../../format-migration.js';
import { formatAmount, formatBytes, formatClock, formatCount, formatMs, msBetween } from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { fact } from './facts.js';
import { table } from './table.js';
import { html, type Markup } from '../markup.js';

type Migration = NonNullable<Summary['migration']>;

/** Where a storage migration stands, what was compared, what each move of the writes cost, and what differs. */
export function migrationSection({ migration, run, asOf }: Summary): Markup | undefined {
  if (!migration) return undefined;
  const { phase, authority, source, destination, copy, cuts, switches } = migration;
  const spans = phaseSpans(migration, run.endedAt ?? asOf);
  const lost = formatLossWindow(migration);
  return html`<section>
      <h2>Migration</h2>
      <dl class="facts">
        ${fact('phase', phase)} ${fact('takes the writes', `${migration[authority]} (${authority})`)}
        ${fact('source', source)} ${fact('destination', destination)}${copy && fact('copied', copied(copy))}
      </dl>
      ${lost !== undefined && html`<p><b>Loss:</b> ${lost}.</p>`}
      ${table(
        ['phase', 'from', 'took'],
        spans.map(({ phase: name, from, to }) => [
          html`<span class="chip m-${name}">${name}</span>`,
          html`${formatClock(from)}`,
          html`${to === undefined ? '' : formatMs(msBetween(from, to))}`,
        ]),
      )}
    </section>
    ${cuts.length > 0 && cutsSection(cuts)} ${switches.length > 0 && movesSection(migration)}
    ${differencesSection(cuts)}`;
}

function copied({ rows, bytes, ms, ranges, done }: NonNullable<Migration['copy']>): string {
  const amount = `${formatAmount(rows, 'row')}, ${formatBytes(bytes)}`;
  return ms === undefined ? `${amount} so far, ${done} of ${ranges} ranges` : `${amount} in ${formatMs(ms)}`;
}

const cutsSection = (cuts: Migration['cuts']): Markup =>
  html`<section>
    <h2>Cuts</h2>
    <p class="meta">Every row of both copies, compared at exactly one position.</p>
    ${table(
      ['cut', 'copies', 'rows', 'tables', 'position', 'writers waited', 'compared at', 'took'],
      cuts.map((c) => [
        html`<b>${c.name}</b>`,
        html`<span class="chip v-${c.mismatches === 0 ? 'pass' : 'hold'}">${formatEquality(c)}</span>`,
        html`${formatCount(c.rows)}`,
        html`${formatCount(c.tables)}`,
        html`<code>${c.position}</code>`,
        html`${formatMs(c.writePauseMs)}`,
        html`${formatClock(c.at)}`,
        html`${formatMs(msBetween(c.at, c.endedAt))}`,
      ]),
    )}
  </section>`;

const movesSection = (migration: Migration): Markup =>
  html`<section>
    <h2>Switches</h2>
    <p class="meta">Each time the writes moved to the other side.</p>
    ${table(
      ['writes', 'result', 'write gap', 'clients saw', 'opened at', 'last position', 'allowed by'],
      migration.switches.map((s) => [
        html`<b>${formatMove(s, migration)}</b>`,
        html`<span class="chip h-${s.result === 'undone' ? 'restored' : s.result}"
          >${moveWords[s.result]}</span
        >`,
        html`${gap(s.writeGapMs)}`,
        html`${gap(s.measuredGapMs)}`,
        html`${s.openedAt === undefined ? '' : formatClock(s.openedAt)}`,
        html`${s.position !== undefined && html`<code>${s.position}</code>`}`,
        html`<code>${s.validation}</code>`,
      ]),
    )}
    <p class="meta">
      Write gap: from the first writer that waited until the other side was open. Clients saw: the longest
      pause between two acknowledged writes of the probe in that time, connecting to the other side included.
    </p>
  </section>`;

const gap = (figure: number | undefined): string =>
  figure === undefined ? 'not measured' : `${Math.round(figure)} ms`;

function differencesSection(cuts: Migration['cuts']): Markup | undefined {
  const found = cuts.filter((c) => c.mismatches > 0);
  if (found.length === 0) return undefined;
  return html`<section>
    <h2>What differs</h2>
    ${found.map(
      (cut) =>
        html`<article class="card">
          <h3>${cut.name} <span class="chip v-hold">${formatEquality(cut)}</span></h3>
          <ul>
            ${cut.differing.map(
              ({ table: name, rows }) =>
                html`<li>
                  <code>${name}</code>: ${formatAmount(rows.source, 'row')} on the source,
                  ${formatCount(rows.destination)} on the destination
                </li>`,
            )}
          </ul>
          ${
            cut.differences.length > 0 &&
            table(
              ['table', 'row', 'what', 'column', 'on the source', 'on the destination'],
              cut.differences.flatMap(differenceRows),
            )
          }
        </article>`,
    )}
  </section>`;
}

/** A line for each column; one that is missing or extra has none. */
function differenceRows(d: Migration['cuts'][number]['differences'][number]): Markup[][] {
  const row = [
    html`<code>${d.table}</code>`,
    html`<code>${formatKey(d.key)}</code>`,
    html`${differenceWords[d.kind]}`,
  ];
  const same = row.map(() => html``);
  if (d.columns.length === 0) return [[...row, ...same]];
  return d.columns.map((c, i) => [
    ...(i === 0 ? row : same),
    ...[c.name, formatCell(c.source), formatCell(c.destination)].map((text) => html`<code>${text}</code>`),
  ]);
}
