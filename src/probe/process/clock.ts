/**
 * ms since 1970, with fractions. It is the wall clock of the moment at which it was made, and goes on by the monotonic
 * clock: a step of the wall clock can neither make nor hide a gap. After such a step its times are off by the step.
 */
export function anchoredClock(): () => number {
  const anchor = Date.now() - performance.now();
  return () => anchor + performance.now();
}
