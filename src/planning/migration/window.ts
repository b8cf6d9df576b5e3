/** The hours within which a cutover may happen, `HH:MM` UTC; `to` before `from` is on the next day. */
export interface Window {
  readonly from: string;
  readonly to: string;
}

const minutes = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
const day = 24 * 60;

/** How long to wait from `at` (ISO 8601) until the window is open, ms; 0: it is. */
export function untilOpen(window: Window | undefined, at: string): number {
  if (!window) return 0;
  const [start, end] = [minutes(window.from), minutes(window.to)];
  const moment = new Date(at);
  const now = moment.getUTCHours() * 60 + moment.getUTCMinutes();
  const inside = start <= end ? now >= start && now <= end : now >= start || now <= end;
  if (inside) return 0;
  const left = (((start - now) % day) + day) % day;
  return left * 60_000 - moment.getUTCSeconds() * 1000 - moment.getUTCMilliseconds();
}
