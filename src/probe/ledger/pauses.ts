import type { Gap } from '../../contracts/index.js';

export interface Span {
  /** ms since 1970. */
  readonly from: number;
  readonly to: number;
}

export const gapOf = ({ from, to }: Span): Gap => ({
  ms: Math.round(to - from),
  from: new Date(from).toISOString(),
  to: new Date(to).toISOString(),
});

const kept = 20;

/** The longest spans seen, the longest first, at most twenty. */
export function createLongest() {
  const spans: Span[] = [];
  const length = (span: Span): number => span.to - span.from;
  return {
    spans: spans as readonly Span[],
    offer(span: Span): void {
      const shortest = spans[kept - 1];
      if (shortest && length(shortest) >= length(span)) return;
      const index = spans.findIndex((other) => length(other) < length(span));
      spans.splice(index === -1 ? spans.length : index, 0, span);
      spans.length = Math.min(spans.length, kept);
    },
  };
}

/**
 * Pauses between acknowledgements of all clients together, within one session of the probe at a time. A session
 * begins with its first attempt. A pause that no acknowledgement ended counts up to the last moment at which the
 * probe was seen alive: an outage that outlasts the probe is not hidden, and time without a probe is not counted.
 */
export function createPauses() {
  const longest = createLongest();
  let since: number | undefined;
  const pause = (to: number): number => {
    if (since === undefined) return 0;
    if (to > since) longest.offer({ from: since, to });
    return to - since;
  };
  return {
    longest: longest.spans,
    /** Ignored within a session. */
    attempted(at: number): void {
      since ??= at;
    },
    /** @returns the pause that it ends, ms */
    acknowledged(at: number): number {
      const ms = pause(at);
      if (since !== undefined) since = at;
      return ms;
    },
    /** The session is over, or its clients were told to stop. @returns the pause that was open, ms */
    over(at: number): number {
      const ms = pause(Math.max(at, since ?? at));
      since = undefined;
      return ms;
    },
  };
}
