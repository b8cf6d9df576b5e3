/**
 * A fact that an observation tried to learn. What could not be learned is `unknown` with the reason;
 * it is never replaced by a default, and no gate passes on it.
 */
export type Observed<T> =
  { readonly kind: 'known'; readonly value: T } | { readonly kind: 'unknown'; readonly reason: string };

export const known = <T>(value: T): Observed<T> => ({ kind: 'known', value });
export const unknown = (reason: string): { kind: 'unknown'; reason: string } => ({ kind: 'unknown', reason });

/** The value where it is known, otherwise `undefined`: for display and for comparisons that fail closed. */
export function valueOf<T>(observed: Observed<T>): T | undefined {
  return observed.kind === 'known' ? observed.value : undefined;
}
