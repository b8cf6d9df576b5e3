import type { RunState } from '../../../contracts/index.js';
import { formatClock, formatMs, msBetween } from '../../format.js';
import { right, barHeight, px, fit } from './geometry.js';
import type { Time } from './geometry.js';
import { lagCurve } from './lag-curve.js';
import { nodeSpans } from './node-spans.js';
import { html, type Markup } from '../markup.js';

export function lane(
  state: RunState,
  node: string,
  at: { top: number; x: Time; end: string; maxLag: number },
): Markup {
  const { top, x, end } = at;
  const spans = nodeSpans(state, node, end).map((span) => {
    const from = x(span.from);
    const wide = Math.max(span.status === 'failed' ? 4 : 1.5, x(span.to) - from);
    const label = fit(span.status, wide);
    const took = formatMs(msBetween(span.from, span.to));
    return html`<g class="span s-${span.status}"
      ><rect x="${px(from)}" y="${top + 4}" width="${px(wide)}" height="${barHeight}"
        ><title>${node} ${span.status}, ${took} from ${formatClock(span.from)}</title></rect
      >${label !== '' && html`<text x="${px(from + wide / 2)}" y="${top + 18}" text-anchor="middle">${label}</text>`}</g
    >`;
  });
  return html`<g
    ><line
      class="lane"
      x1="0"
      x2="${right}"
      y1="${top - 4}"
      y2="${top - 4}"
    />${spans}${lagCurve(state, node, at)}</g
  >`;
}
