import type { NodeId, NodeView } from '../../contracts/view.js';
import { notKnown, objectionTo, type Finding } from './finding.js';

/** What speaks against one node, fact by fact; `undefined` when nothing does. */
type Objection = Finding | undefined;

export const answers = (node: NodeView): Objection =>
  objectionTo(
    node.reachable,
    `whether ${node.id} answers`,
    (r) => r,
    () => `${node.id} does not answer`,
  );

export const roleIsKnown = (node: NodeView): Objection =>
  objectionTo(
    node.role,
    `the role of ${node.id}`,
    () => true,
    () => '',
  );

export const isReplica = (node: NodeView): Objection =>
  objectionTo(
    node.role,
    `the role of ${node.id}`,
    (r) => r === 'replica',
    (r) => `${node.id} is a ${r}`,
  );

const serves = (node: NodeView): Objection =>
  objectionTo(
    node.serving,
    `whether ${node.id} serves`,
    (s) => s,
    () => `${node.id} does not serve`,
  );

export const healthy = (node: NodeView): Objection => answers(node) ?? roleIsKnown(node) ?? serves(node);

export const inSync = (node: NodeView): Objection =>
  objectionTo(
    node.inSync,
    `whether ${node.id} is in sync`,
    (s) => s,
    () => `${node.id} is not in sync`,
  );

/** A negative lag is no distance: the node may have what the primary never had. */
export function lagsAtMost(node: NodeView, most: number, unit: string): Objection {
  if (node.lag.kind === 'known' && !isDistance(node.lag.value)) {
    return notKnown(`the lag of ${node.id} is ${node.lag.value} ${unit}, which is no distance`);
  }
  return objectionTo(
    node.lag,
    `the lag of ${node.id}`,
    (lag) => lag <= most,
    (lag) => `${node.id} lags ${lag} ${unit}`,
  );
}

export const isDistance = (lag: number): boolean => Number.isFinite(lag) && lag >= 0;

export const follows = (node: NodeView, primary: NodeId): Objection =>
  objectionTo(
    node.upstream,
    `the node that ${node.id} follows`,
    (upstream) => upstream === primary,
    (upstream) => `${node.id} follows ${upstream ?? 'no node'}, not ${primary}`,
  );

export const runs = (node: NodeView, allowed: readonly string[]): Objection =>
  objectionTo(
    node.version,
    `the version of ${node.id}`,
    (version) => allowed.includes(version),
    (version) => `${node.id} reports ${version}`,
  );
