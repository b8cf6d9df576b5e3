import { formatMs, formatTime } from '../../format.js';
import { html, type Markup } from '../markup.js';

export const fact = (name: string, value: string): Markup =>
  html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;

export const time = (iso: string): Markup => html`<time datetime="${iso}">${formatTime(iso)}</time>`;

export const ms = (figure: number | null): string => (figure === null ? 'unknown' : formatMs(figure));
