import { formatLossWindow } from '../../format-migration.js';
import { formatClock, formatCount, formatDuring, formatMs } from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { time } from './facts.js';
import { html, type Markup } from '../markup.js';

export function violationAlarm({ writes }: Summary): Markup | undefined {
  const checked = writes?.linearizability;
  if (checked?.verdict !== 'violated') return undefined;
  return html`<section class="alarm" role="alert">
    <h2>The history of writes and reads is not linearizable</h2>
    <p>
      No order of the ${formatCount(checked.operations)} operations explains what clients have read: one of
      them saw an older value than it must have, or a value that was never there. Keep every data directory as
      it is, and the journals of the probe.
    </p>
    ${checked.reason !== undefined && html`<p>${checked.reason}</p>`}
  </section>`;
}

export function lossAlarm({ writes, migration }: Summary): Markup | undefined {
  if (!writes || writes.lost === 0) return undefined;
  const { lostBetween } = writes;
  const window = migration && formatLossWindow(migration);
  return html`<section class="alarm" role="alert">
    <h2>${formatCount(writes.lost)} acknowledged ${writes.lost === 1 ? 'write is' : 'writes are'} lost</h2>
    <p>
      Clients were told that ${writes.lost === 1 ? 'it was' : 'they were'} safe, and the cluster does not hold
      ${writes.lost === 1 ? 'it' : 'them'}. Keep every data directory as it is.
    </p>
    ${lostBetween && html`<p>Acknowledged ${time(lostBetween.from)} – ${time(lostBetween.to)} UTC.</p>`}
    ${window !== undefined && html`<p>${window}.</p>`}
    ${writes.lostKeys.length > 0 && html`<p>The first of them: ${writes.lostKeys.slice(0, 20).join(', ')}</p>`}
  </section>`;
}

export function failureBox({ failure }: Summary): Markup | undefined {
  if (!failure) return undefined;
  const where = [failure.step, failure.node].filter((t) => t !== undefined).join(', ');
  return html`<section class="failure-box">
    <h2>${failure.code}</h2>
    <p>${failure.message}</p>
    <p><b>What to do:</b> ${failure.remedy}</p>
    <p class="meta">${where !== '' && `${where}, `}${formatClock(failure.at)} UTC</p>
  </section>`;
}

/** For what the run has turned back by itself; what stopped it then has a box of its own. */
export function causeBox({ cause, run }: Summary): Markup | undefined {
  if (!cause) return undefined;
  const where = [cause.step, cause.node].filter((t) => t !== undefined).join(', ');
  return html`<section class="notice">
    <h2>${run.outcome === 'running' ? 'Turns' : 'Turned'} back because of ${cause.code}</h2>
    <p>${cause.message}</p>
    <p><b>What to do before it is tried again:</b> ${cause.remedy}</p>
    <p class="meta">${where !== '' && `${where}, `}${formatClock(cause.at)} UTC</p>
  </section>`;
}

/** What the step that waits costs to undo, once it is done. */
const prices: Readonly<Partial<Record<string, string>>> = {
  'cut-back': 'Afterwards it can be undone: the writes go back to the other copy, which is kept current.',
  restore: 'Afterwards it can be undone from a backup only.',
  none: 'Afterwards it cannot be undone.',
};

/** @param stage of a pipeline that waits, where the box does not stand in its chapter */
export function waitingBox({ waiting, plan }: Summary, stage?: Markup): Markup | undefined {
  if (!waiting) return undefined;
  // A step that is done again has a number: `cutover/2`.
  const step = plan?.steps.find((s) => s.id === waiting.step || waiting.step.startsWith(`${s.id}/`));
  const priceAfter = prices[step?.reversibility ?? ''];
  return html`<section class="notice">
    <h2>Waits for an approval${stage && html` in ${stage}`}</h2>
    <p>
      <b>${waiting.title}</b> (<code>${waiting.step}</code>) with plan <code>${plan?.hash ?? ''}</code>, until
      ${time(waiting.expiresAt)} UTC. No answer by then is a rejection.
    </p>
    ${priceAfter !== undefined && html`<p>${priceAfter}</p>`}
  </section>`;
}

export function unobservedBox({ writes }: Summary): Markup | undefined {
  if (!writes || writes.unobserved.length === 0) return undefined;
  return html`<section class="notice">
    <h2>Not observed all the time</h2>
    <p>
      No probe was alive for
      ${writes.unobserved
        .map((g) => `${formatMs(g.ms)} from ${formatClock(g.from)} UTC ${formatDuring(g.during)}`)
        .join('; ')}.
      Nothing is known of what clients saw then: no gap of that time is in the figures.
    </p>
  </section>`;
}
