import type { Summary } from '../../summary-schema.js';
import { table } from './table.js';
import { html, type Markup } from '../markup.js';

export function planSection({ plan, steps, migration }: Summary): Markup | undefined {
  if (!plan) return undefined;
  const resultOf = (id: string): string => {
    // What is done again by an operator's wish has a number: `observe/2`.
    const done = steps.filter(
      (s) => s.id === id || (/^\/\d+$/.test(s.id.slice(id.length)) && s.id.startsWith(id)),
    );
    const last = done.at(-1);
    // It ends the observation, as a part of that.
    if (id === 'accept' && migration?.phase === 'accepted') return 'done';
    if (!last) return '';
    return `${last.result ?? 'in progress'}${done.length > 1 ? `, ${done.length} attempts` : ''}`;
  };
  return html`<section>
    <h2>Plan <code>${plan.hash}</code></h2>
    ${
      plan.steps.length > 0 &&
      table(
        ['step', 'title', 'to undo it', 'approval', 'result'],
        plan.steps.map((s) => [
          html`<code>${s.id}</code>`,
          html`${s.title}`,
          html`${s.reversibility}${s.id === plan.pointOfNoReturn && ' (point of no return)'}`,
          html`${s.approval ? 'asked' : ''}`,
          html`${resultOf(s.id)}`,
        ]),
      )
    }${
      plan.refusals.length > 0 &&
      html`<ul>
        ${plan.refusals.map((r) => html`<li><b>${r.code}</b> ${r.message} <br />${r.remedy}</li>`)}
      </ul>`
    }${
      plan.notes.length > 0 &&
      html`<ul>
        ${plan.notes.map((n) => html`<li>${n}</li>`)}
      </ul>`
    }
  </section>`;
}
