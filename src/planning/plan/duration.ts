const units = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/** Milliseconds as the spec writes them: `10s`, `90s`, `250ms`; the largest unit that is exact. */
export function duration(ms: number): string {
  const unit = ms > 0 ? units.find(([, size]) => ms % size === 0) : undefined;
  return unit ? `${ms / unit[1]}${unit[0]}` : `${ms}ms`;
}
