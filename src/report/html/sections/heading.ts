import { formatAim, formatSpan } from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { time } from './facts.js';
import { html, type Markup } from '../markup.js';

export const outcomeWords: Readonly<Record<Summary['run']['outcome'], string>> = {
  completed: 'Completed',
  'rolled-back': 'Rolled back',
  aborted: 'Aborted',
  failed: 'Failed',
  running: 'In progress',
};

/** What stands above everything that is told of a run. */
export const heading = (summary: Summary): Markup =>
  html`<header>
    <p class="kicker">rollgate · ${kindOf(summary)}</p>
    <h1>${summary.run.cluster} <span class="versions">${summary.run.system} ${formatAim(summary)}</span></h1>
    ${standing(summary)}
  </header>`;

/** How it ended or where it is, when it was, and which run and plan. */
export function standing(summary: Summary): Markup {
  const { run, asOf } = summary;
  return html`<p class="outcome o-${run.outcome}">
      <b>${outcomeWords[run.outcome]}</b
      >${run.outcome === 'running' && html` <span>${summary.phase}${summary.direction === 'back' ? ', on the way back' : ''}</span>`}
    </p>
    <p class="meta">
      ${span(run, asOf)} · run <code>${run.id}</code> · plan <code>${summary.plan?.hash ?? 'none'}</code>
    </p>`;
}

/** From when to when, or since when. */
export const span = (run: { readonly startedAt: string; readonly endedAt?: string }, asOf: string): Markup =>
  run.endedAt === undefined
    ? html`since ${time(run.startedAt)}, as of ${time(asOf)} UTC`
    : html`${formatSpan(run.startedAt, run.endedAt)} UTC`;

function kindOf({ seed, migration }: Summary): string {
  if (migration) return 'storage migration';
  return seed === undefined ? 'rolling upgrade' : 'cluster formation';
}
