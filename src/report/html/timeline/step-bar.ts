import { formatMs, msBetween } from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { stepsTop, px, fit } from './geometry.js';
import type { Time } from './geometry.js';
import { html, type Markup } from '../markup.js';

export function stepBar(step: Summary['steps'][number], x: Time, end: string): Markup {
  const from = x(step.startedAt);
  const wide = Math.max(2, x(step.endedAt ?? end) - from - 1.5);
  const label = fit(step.id, wide);
  const took = formatMs(msBetween(step.startedAt, step.endedAt ?? end));
  return html`<g class="step ${step.result ?? 'running'}"
    ><rect x="${px(from)}" y="${stepsTop}" width="${px(wide)}" height="20" rx="4"
      ><title>${step.id}: ${step.title}, ${step.result ?? 'in progress'}, ${took}</title></rect
    >${label !== '' && html`<text x="${px(from + wide / 2)}" y="${stepsTop + 14}" text-anchor="middle">${label}</text>`}</g
  >`;
}
