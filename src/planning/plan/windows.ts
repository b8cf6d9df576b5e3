import type { PlanNode } from '../../contracts/plan.js';
import { findNode, type NodeId, type StopSafety } from '../../contracts/view.js';
import type { PlanInput } from './input.js';

type StopWindow = NonNullable<StopSafety['window']>;

/** The window that taking this node down opens, where the spec accepts it. */
export function acceptedStop(input: PlanInput, id: NodeId): StopWindow | undefined {
  const stop = findNode(input.view, id)?.stop;
  return stop?.verdict === 'hold' && stop.window && input.upgrade.accept.includes(stop.window.name)
    ? stop.window
    : undefined;
}

/** What the spec accepts and this plan makes use of: windows that its steps open, and obstacles that it passes over. */
export function acceptedWindows(
  input: PlanInput,
  changes: readonly PlanNode[],
): { name: string; risk: string }[] {
  const found = new Map<string, string>();
  for (const { acceptAs, message } of input.view.obstacles) {
    if (acceptAs !== undefined && input.upgrade.accept.includes(acceptAs)) found.set(acceptAs, message);
  }
  for (const { id } of changes) {
    const window = acceptedStop(input, id);
    if (window) found.set(window.name, window.risk);
  }
  return [...found].map(([name, risk]) => ({ name, risk })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Every name that this cluster offers to be accepted now. */
export const acceptableNames = ({ view }: PlanInput): ReadonlySet<string> =>
  new Set(
    [
      ...view.obstacles.map((o) => o.acceptAs),
      ...view.groups.flatMap((g) => g.nodes.map((n) => n.stop.window?.name)),
    ].filter((name) => name !== undefined),
  );

/** A remedy, with the name under which the risk may be accepted instead. */
export function orAccept(remedy: string, name: string | undefined, risk?: string): string {
  if (name === undefined) return remedy;
  return `${remedy} Or add "${name}" to spec.accept${risk === undefined ? '' : `, and with it the risk: ${risk}`}.`;
}
