/** Of an even number of values, the middle between the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number): number => sorted[Math.floor(index)] ?? Number.NaN;
  return (at((sorted.length - 1) / 2) + at(sorted.length / 2)) / 2;
}

/** `p50 a ms, max b ms of n`. */
export const pauses = (ms: readonly number[]): string =>
  `p50 ${Math.round(median(ms))} ms   max ${Math.round(Math.max(...ms))} ms   of ${ms.length}`;

/** Thousands of rows a second. */
export const rate = (rowsPerSecond: number): string => `${Math.round(rowsPerSecond / 1000)}k rows/s`;
