import type { ClusterView, GroupView, NodeId, NodeView } from '../../contracts/view.js';
import { nodesOf } from '../../contracts/view.js';
import type { GateContext } from './context.js';
import { healthy, inSync, isDistance } from './facts.js';
import { hold, notKnown, pass, type Finding } from './finding.js';
import { solePrimary } from './primary.js';

/** Nodes that the run has drained are known to be out even if the router says otherwise. */
export function nothingElseDrained(node: NodeId, view: ClusterView, ctx: GateContext): Finding {
  const routing = ctx.routing ?? {};
  const seen = [...nodesOf(view).map((n) => n.id), ...Object.keys(routing), ...ctx.drained];
  const others = [...new Set(seen)].filter((id) => id !== node);
  const out = others.filter((id) => ctx.drained.includes(id) || routing[id] === 'drained');
  if (out.length > 0) return hold(`${out.join(', ')} out of client routing`);
  const dark = others.filter((id) => (routing[id] ?? 'unknown') === 'unknown');
  if (dark.length > 0) return notKnown(`the client routing of ${dark.join(', ')} is unknown`);
  if (others.length === 0) return pass('there is no other node');
  const free = others.filter((id) => routing[id] === 'not-managed');
  const unmanaged = free.length > 0 ? `; the client routing of ${free.join(', ')} is not managed` : '';
  return pass(`none of ${others.join(', ')} is out of client routing${unmanaged}`);
}

/** Sessions that began after the drain are not waited for: they cannot be ours to cut off, and never end. */
export function inFlightFinished(node: NodeView, since: string, view: ClusterView): Finding {
  const { inFlight, id } = node;
  if (inFlight.kind === 'unknown') {
    return notKnown(`the client transactions on ${id} are unknown: ${inFlight.reason}`);
  }
  const { count, oldestMs } = inFlight.value;
  if (count === 0) return pass(`no client transaction on ${id}`);
  const began = Date.parse(view.observedAt) - oldestMs;
  const drainedAt = Date.parse(since);
  if (!isDistance(count) || !isDistance(oldestMs) || Number.isNaN(drainedAt)) {
    return notKnown(`${count} client transactions on ${id}, the age of the oldest is not known`);
  }
  const said = `${count} client ${count === 1 ? 'transaction' : 'transactions'} on ${id}, the oldest ${oldestMs} ms old`;
  return began >= drainedAt ? pass(`${said}: begun since the drain`) : hold(said);
}

/**
 * Reads the present too, not only the waiter's memory: a node that has just fallen out of sync has not held,
 * whatever was noted before.
 */
export function soakHeld(node: NodeView, group: GroupView, forMs: number, ctx: GateContext): Finding {
  const unwell = healthy(node) ?? (solePrimary(group) === node.id ? undefined : inSync(node));
  if (unwell) return unwell;
  const since = ctx.heldSince?.[node.id];
  if (since === undefined) return hold(`${node.id} has not been seen healthy and in sync before`);
  const held = Date.parse(ctx.now) - Date.parse(since);
  if (!Number.isFinite(held)) return notKnown(`${node.id} has held since ${since}, which is no time`);
  const said = `${node.id} has been healthy and in sync for ${Math.max(0, held)} ms`;
  return held >= forMs ? pass(said) : hold(said);
}
