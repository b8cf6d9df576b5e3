import type { StepProgress } from '../contracts/index.js';

/** Where a span falls that no step overlaps. */
export const betweenSteps = 'between steps';

interface Span {
  /** ISO 8601. */
  readonly from: string;
  readonly to: string;
}

/** The step that overlaps a span most; a step in progress reaches to `asOf`. */
export function during(span: Span, steps: readonly StepProgress[], asOf: string): string {
  let best: { id: string; overlap: number } | undefined;
  for (const step of steps) {
    const overlap = overlapMs(span, { from: step.startedAt, to: step.endedAt ?? asOf });
    const inside = overlap > 0 || (overlap === 0 && span.from === span.to);
    if (inside && (best === undefined || overlap > best.overlap)) best = { id: step.id, overlap };
  }
  return best?.id ?? betweenSteps;
}

/** How long two spans share, ms; below 0 they are apart. */
export function overlapMs(a: Span, b: Span): number {
  return Math.min(Date.parse(a.to), Date.parse(b.to)) - Math.max(Date.parse(a.from), Date.parse(b.from));
}
