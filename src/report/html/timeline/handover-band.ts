import { formatClock } from '../../format.js';
import type { Summary } from '../../summary-schema.js';
import { right, lanesTop, px } from './geometry.js';
import type { Time } from './geometry.js';
import { html, type Markup } from '../markup.js';

export function handoverBand(h: Summary['handovers'][number], x: Time, end: string, bottom: number): Markup {
  const transfer = h.how === 'transfer';
  const marks = [
    { name: 'fence', at: h.fencedAt },
    { name: transfer ? 'transfer' : 'promote', at: h.promotedAt },
    { name: transfer ? 'verified' : 'release', at: h.result === 'done' ? h.endedAt : undefined },
  ].flatMap((m) => (m.at === undefined ? [] : [{ name: m.name, at: m.at }]));
  const from = x(h.startedAt);
  const wide = Math.max(3, x(h.endedAt ?? end) - from);
  return html`<g class="handover"
    ><rect x="${px(from)}" y="${lanesTop - 14}" width="${px(wide)}" height="${bottom - lanesTop + 14}"
      ><title>handover ${h.from} → ${h.to ?? '?'}: ${h.result}</title></rect
    >${marks.map(
      (m) =>
        html`<line
          class="${m.name}"
          x1="${px(x(m.at))}"
          x2="${px(x(m.at))}"
          y1="${lanesTop - 14}"
          y2="${bottom}"
          ><title>${m.name} at ${formatClock(m.at)}</title></line
        >`,
    )}<text x="${px(Math.min(right - 60, from + wide / 2))}" y="${lanesTop - 17}" text-anchor="middle"
      >handover</text
    ></g
  >`;
}
