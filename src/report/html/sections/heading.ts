import { formatAim, formatSpan } from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { time } from './facts.js';
import { html, type Markup } from '../markup.js';

const outcomeWords: Readonly<Record<Summary['run']['outcome'], string>> = {
  completed: 'Completed',
  'rolled-back': 'Rolled back',
  aborted: 'Aborted',
  failed: 'Failed',
  running: 'In progress',
};

export function heading(summary: Summary): Markup {
  const { run, asOf } = summary;
  const when =
    run.endedAt === undefined
      ? html`since ${time(run.startedAt)}, as of ${time(asOf)} UTC`
      : html`${formatSpan(run.startedAt, run.endedAt)} UTC`;
  return html`<header>
    <p class="kicker">rollgate · ${kindOf(summary)}</p>
    <h1>${run.cluster} <span class="versions">${run.system} ${formatAim(summary)}</span></h1>
    <p class="outcome o-${run.outcome}">
      <b>${outcomeWords[run.outcome]}</b
      >${run.outcome === 'running' && html` <span>${summary.phase}${summary.direction === 'back' ? ', on the way back' : ''}</span>`}
    </p>
    <p class="meta">
      ${when} · run <code>${run.id}</code> · plan <code>${summary.plan?.hash ?? 'none'}</code>
    </p>
  </header>`;
}

function kindOf({ seed, migration }: Summary): string {
  if (migration) return 'storage migration';
  return seed === undefined ? 'rolling upgrade' : 'cluster formation';
}
