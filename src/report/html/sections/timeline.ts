import type { RunState } from '../../../contracts/index.js';
import type { Summary } from '../../summary-schema.js';
import { milestoneIcon, milestonesOf } from '../timeline/milestones.js';
import { timeline } from '../timeline/index.js';
import { html, type Markup } from '../markup.js';

const milestoneWords = {
  cleared: 'version switch cleared',
  reached: 'level reached by every node',
  checkpoint: 'checkpoint',
  cutover: 'the destination takes the writes',
  'cut-back': 'the source takes them again',
  'given-up': 'switch given up',
  equal: 'copies compared, equal',
  differs: 'copies differ',
} as const;

const statuses = html`${['draining', 'drained', 'upgrading', 'rejoining', 'complete', 'failed'].map(
    (s) => html`<li><i class="s-${s}"></i>${s}</li>`,
  )}
  <li><i class="l-lag"></i>lag, one scale for all</li>`;

const sides = ({ source, destination }: NonNullable<Summary['migration']>): Markup =>
  html`<li><i class="a-source"></i>writes on ${source}</li>
    <li><i class="a-destination"></i>writes on ${destination}</li>`;

export function timelineSection(summary: Summary, state: RunState): Markup | undefined {
  if (summary.nodes.length === 0) return undefined;
  const milestones = [...new Set(milestonesOf(summary).map((m) => m.kind))];
  return html`<section>
    <h2>Timeline</h2>
    ${timeline(summary, state)}
    <ul class="legend">
      ${summary.migration ? sides(summary.migration) : statuses}
      ${milestones.map((kind) => html`<li>${milestoneIcon(kind)}${milestoneWords[kind]}</li>`)}
      ${summary.handovers.length > 0 && html`<li><i class="l-handover"></i>handover: ${summary.handovers.every((h) => h.how === 'transfer') ? 'transfer, verified' : 'fence, promote, release'}</li>`}${summary.writes !== undefined && html`<li><i class="l-gap"></i>write gap</li>`}${
        summary.faults.length > 0 &&
        html`<li>
          <svg viewBox="-7 -7 14 14" class="fault"><path d="M-5-5L5 5M-5 5L5-5" /></svg>injected fault
        </li>`
      }${
        summary.decisions.length > 0 &&
        html`<li>
          <svg viewBox="-7 -7 14 14" class="decision"><path d="M0-6.5L6.5 0L0 6.5L-6.5 0Z" /></svg>decision
        </li>`
      }${
        summary.timeline.some((e) => e.kind === 'failure') &&
        html`<li>
          <svg viewBox="-7 -7 14 14" class="failure"><path d="M0-6.5L6.5 5H-6.5Z" /></svg>failure
        </li>`
      }
    </ul>
  </section>`;
}
