import type { Gate, GateVerdict } from '../contracts/gate.js';
import type { ClusterView } from '../contracts/view.js';
import type { GateContext } from './gate/context.js';
import { notKnown } from './gate/finding.js';
import { judge } from './gate/judge.js';
import { requirement } from './gate/requirement.js';

export type { GateContext } from './gate/context.js';

/**
 * One verdict a gate, in the order of `gates` (R-ROLL 3). Fails closed: without an observation, with a stale
 * one, or where a fact that the gate reads is unknown, the verdict is `unknown`.
 */
export function evaluateGates(
  gates: readonly Gate[],
  view: ClusterView | undefined,
  ctx: GateContext,
): GateVerdict[] {
  const seen = freshView(view, ctx);
  return gates.map((gate) => {
    const finding = seen.kind === 'fresh' ? judge(gate, seen.view, ctx) : notKnown(seen.why);
    return {
      name: gate.gate,
      node: 'node' in gate ? gate.node : undefined,
      verdict: finding.verdict,
      observed: finding.observed,
      required: requirement(gate, view?.positionUnit),
      at: ctx.now,
    };
  });
}

/** Whether there are verdicts and all of them pass: having asked nothing is no pass. */
export const allPass = (verdicts: readonly GateVerdict[]): boolean =>
  verdicts.length > 0 && verdicts.every((v) => v.verdict === 'pass');

/** Whether two lists hold the same gates for the same nodes with the same verdicts, whatever their figures. */
export const sameVerdicts = (a: readonly GateVerdict[], b: readonly GateVerdict[]): boolean =>
  a.length === b.length &&
  a.every((left, i) => {
    const right = b[i];
    return left.name === right?.name && left.node === right.node && left.verdict === right.verdict;
  });

type Seen =
  { readonly kind: 'fresh'; readonly view: ClusterView } | { readonly kind: 'blind'; readonly why: string };

function freshView(view: ClusterView | undefined, ctx: GateContext): Seen {
  if (!view) {
    return {
      kind: 'blind',
      why: `the cluster could not be observed: ${ctx.failure ?? 'no reason was given'}`,
    };
  }
  const age = Date.parse(ctx.now) - Date.parse(view.observedAt);
  // Written so that NaN, from a time that is none, is never fresh.
  if (Math.abs(age) <= ctx.maxAgeMs) return { kind: 'fresh', view };
  if (Number.isNaN(age))
    return { kind: 'blind', why: `the observation has no usable time (${view.observedAt})` };
  const limit = `at most ${ctx.maxAgeMs} ms are allowed`;
  return {
    kind: 'blind',
    why:
      age > 0
        ? `the observation is ${age} ms old, ${limit}`
        : `the observation is from ${-age} ms in the future, ${limit}: the clocks differ`,
  };
}
