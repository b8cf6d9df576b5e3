import type { RunState } from '../../../contracts/index.js';
import { formatAim } from '../../format.js';
import { kindWords, type StageRow } from '../../format-pipeline.js';
import type { Summary } from '../../summary-schema.js';
import { html, type Markup } from '../markup.js';
import { runSections } from '../run-sections.js';
import { standing } from '../sections/heading.js';
import { chapterAnchor, stagesAnchor } from './anchors.js';

/** More chapters than these are folded away where nothing is to be told but that all went well. */
const allOpen = 4;

/**
 * One chapter: what the page of a single run tells, under a heading that says which stage it was.
 *
 * @param of how many stages and chapters there are
 */
export function chapterSection(
  { number, name, kind, to, chapter }: StageRow & { readonly chapter: NonNullable<StageRow['chapter']> },
  state: RunState,
  of: { readonly stages: number; readonly chapters: number },
): Markup {
  const { summary } = chapter;
  const open = of.chapters <= allOpen || chapter.number === of.chapters || !wentWell(summary);
  return html`<article class="chapter" id="${chapterAnchor(chapter.number)}">
    <details${open && html` open`}>
      <summary>
        <span class="kicker">chapter ${chapter.number} · stage ${number} of ${of.stages} · ${kindWords[kind]}</span>
        <h2>${name} <span class="versions">${to.startsWith('back to ') ? to : formatAim(summary)}</span></h2>
      </summary>
      ${standing(summary)} ${runSections(summary, state)}
      <p class="meta"><a href="#${stagesAnchor}">All stages</a></p>
    </details>
  </article>`;
}

const wentWell = ({ run, leftUndone, ledger }: Summary): boolean =>
  run.outcome === 'completed' && leftUndone.length === 0 && ledger.length === 0;
