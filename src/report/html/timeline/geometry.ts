/** Width of the drawing in its own units; it scales with the page. */
export const width = 1080;

export const left = 84;

export const right = 1064;

export const laneHeight = 74;

export const barHeight = 20;

export const stepsTop = 12;

export const lanesTop = 68;

export const writesHeight = 96;

export type Time = (iso: string) => number;

export const px = (n: number): string => n.toFixed(1);

/** The text if it fits into `wide`, shortened if most of it does, otherwise nothing. */
export function fit(text: string, wide: number): string {
  const room = Math.floor((wide - 6) / 6.4);
  if (text.length <= room) return text;
  return room >= 5 ? `${text.slice(0, room - 1)}…` : '';
}
