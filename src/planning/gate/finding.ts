import type { Verdict } from '../../contracts/gate.js';
import type { Observed } from '../../contracts/observed.js';

/** What one gate found; the rest of a verdict is added around it. */
export interface Finding {
  readonly verdict: Verdict;
  /** A plain sentence with node names and figures. */
  readonly observed: string;
}

export const pass = (observed: string): Finding => ({ verdict: 'pass', observed });
export const hold = (observed: string): Finding => ({ verdict: 'hold', observed });
export const notKnown = (observed: string): Finding => ({ verdict: 'unknown', observed });

/** What speaks against a fact: nothing when it is known and holds. */
export function objectionTo<T>(
  fact: Observed<T>,
  what: string,
  holds: (value: T) => boolean,
  say: (value: T) => string,
): Finding | undefined {
  if (fact.kind === 'unknown') return notKnown(`${what} is unknown: ${fact.reason}`);
  return holds(fact.value) ? undefined : hold(say(fact.value));
}

/** All objections as one finding. `hold` is named before `unknown`, because it is the surer one; neither passes. */
export function objecting(objections: readonly Finding[]): Finding | undefined {
  const first = objections.find((o) => o.verdict === 'hold') ?? objections[0];
  return first && { verdict: first.verdict, observed: objections.map((o) => o.observed).join('; ') };
}
