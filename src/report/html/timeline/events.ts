import { formatClock } from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { right, lanesTop, px } from './geometry.js';
import type { Time } from './geometry.js';
import { html, type Markup } from '../markup.js';

/** Faults are crosses and decisions are diamonds, so that they differ without colour as well. */
export function events(summary: Summary, x: Time, top: number, bottom: number): Markup {
  const y = top + 9;
  const faults = summary.faults.map((f) => {
    const at = px(x(f.at));
    return html`<g class="fault"
      ><line x1="${at}" x2="${at}" y1="${y}" y2="${bottom}" /><path
        transform="translate(${at} ${y})"
        d="M-5-5L5 5M-5 5L5-5"
      /><title>${f.kind} during ${f.during}, ${formatClock(f.at)}</title></g
    >`;
  });
  const decisions = summary.decisions.map((d) => {
    const at = px(x(d.at));
    return html`<g class="decision"
      ><path transform="translate(${at} ${y})" d="M0-6.5L6.5 0L0 6.5L-6.5 0Z" /><title>
        ${d.action} by ${d.by}: ${d.reason}, ${formatClock(d.at)}
      </title></g
    >`;
  });
  const failures = summary.timeline
    .filter((e) => e.kind === 'failure' && e.text !== `the run is ${summary.run.outcome}`)
    .map((e) => {
      const at = px(x(e.at));
      return html`<g class="failure"
        ><line x1="${at}" x2="${at}" y1="${lanesTop}" y2="${bottom}" /><path
          transform="translate(${at} ${y})"
          d="M0-6.5L6.5 5H-6.5Z"
        /><title>${e.text}, ${formatClock(e.at)}</title></g
      >`;
    });
  return html`<g
    ><line
      class="lane"
      x1="0"
      x2="${right}"
      y1="${top - 10}"
      y2="${top - 10}"
    />${failures}${faults}${decisions}</g
  >`;
}
