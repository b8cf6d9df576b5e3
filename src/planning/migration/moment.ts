import type { Validation } from '../../contracts/migration.js';
import { untilOpen, type Window } from './window.js';

/** For so long after its end a comparison allows the cutover, ms: then the fence must have been begun. */
export const comparisonStands = 60 * 60_000;

/** What has to be done before the fence of a cutover that is approved. */
export type Moment =
  { readonly kind: 'now' } | { readonly kind: 'wait'; readonly ms: number } | { readonly kind: 'compare' };

/**
 * The window is waited for, and a comparison that would be too old by then is made again; so long before, by what the
 * last one took, that it ends when the window opens.
 *
 * @param compared the comparison that allows the cutover; `undefined`: none does
 * @param at now, ISO 8601
 */
export function momentOfCutover(
  compared: Pick<Validation, 'startedAt' | 'endedAt'> | undefined,
  window: Window | undefined,
  at: string,
): Moment {
  if (!compared) return { kind: 'compare' };
  const left = untilOpen(window, at);
  const [began, ended] = [Date.parse(compared.startedAt), Date.parse(compared.endedAt)];
  if (Date.parse(at) + left <= ended + comparisonStands) {
    return left > 0 ? { kind: 'wait', ms: left } : { kind: 'now' };
  }
  const spare = left - (ended - began);
  return spare > 0 ? { kind: 'wait', ms: spare } : { kind: 'compare' };
}
