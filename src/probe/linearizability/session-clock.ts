import type { Step } from '../journal/read.js';

/** Between the last step of a session and the first of the next, ms, when the clocks say that it came before. */
const between = 1;

/**
 * One clock for all sessions of the probe. Each session is anchored at the wall clock, and the wall clock may have
 * been put back in between; but a session begins only when the process of the one before is gone, so everything in it
 * is later.
 */
export function createSessionClock() {
  const offsets = new Map<number, number>();
  let latest = -Infinity;
  const timeOf = ({ session, at }: Step): number => at + (offsets.get(session) ?? 0);
  return {
    /** Steps in the order in which they happened: by session, then by time. */
    see(step: Step): void {
      if (!offsets.has(step.session)) {
        offsets.set(step.session, step.at > latest ? 0 : latest - step.at + between);
      }
      latest = Math.max(latest, timeOf(step));
    },
    timeOf,
  };
}
