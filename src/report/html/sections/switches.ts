import { formatClock, formatLevels, switchStage, switchWords } from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { fact } from './facts.js';
import { table } from './table.js';
import { html, type Markup } from '../markup.js';

/** Each version switch: where it stands, who said so, and what was true before it. */
export function switchesSection(summary: Summary): Markup | undefined {
  const { switches } = summary;
  if (switches.length === 0) return undefined;
  return html`<section>
    <h2>${switches.length === 1 ? 'Version switch' : 'Version switches'}</h2>
    ${switches.map((s) => {
      const stage = switchStage(s);
      return html`<article class="card">
        <h3>${formatLevels(s, summary)} <span class="chip w-${stage.replace(' ', '-')}">${stage}</span></h3>
        <dl class="facts">
          ${fact('how', switchWords[s.how])}
          ${fact('cleared', s.clearedAt === undefined ? 'not yet' : `${formatClock(s.clearedAt)} UTC`)}
          ${fact('every node on it', s.at === undefined ? 'not seen' : `${formatClock(s.at)} UTC`)}
          ${fact('nodes that say so', s.nodesAtLevel.length === 0 ? 'none' : s.nodesAtLevel.join(', '))}
        </dl>
        ${
          s.predicates.length > 0 &&
          table(
            ['true before it', 'observed', 'at'],
            s.predicates.map((p) => [
              html`<code>${p.name}</code>`,
              html`${p.observed}`,
              html`${formatClock(p.at)}`,
            ]),
          )
        }
      </article>`;
    })}
  </section>`;
}
