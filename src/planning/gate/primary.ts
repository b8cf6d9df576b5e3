import { valueOf } from '../../contracts/observed.js';
import type { GroupView, NodeId } from '../../contracts/view.js';
import { answers, follows, roleIsKnown } from './facts.js';
import { hold, notKnown, objecting, objectionTo, pass, type Finding } from './finding.js';

/** The only node that takes writes, as seen; whether others are hidden is {@link onePrimary}'s question. */
export const solePrimary = (group: GroupView): NodeId | undefined =>
  group.primaries.length === 1 ? group.primaries[0] : undefined;

/** "no node takes writes", or who does. */
export const sayPrimaries = (group: GroupView): string =>
  group.primaries.length === 0
    ? `no node of ${group.id} takes writes`
    : group.primaries.length === 1
      ? `${group.primaries.join('')} takes writes`
      : `${group.primaries.join(' and ')} take writes at the same time`;

/** A node that does not answer, or does not say its role, could be a second primary: then nothing is known. */
export function onePrimary(group: GroupView): Finding {
  if (group.primaries.length > 1) return hold(sayPrimaries(group));
  const hidden = objecting(group.nodes.flatMap((n) => answers(n) ?? roleIsKnown(n) ?? []));
  if (hidden) return notKnown(`${sayPrimaries(group)}; ${hidden.observed}: another primary is possible`);
  const primary = solePrimary(group);
  if (primary === undefined) return hold(sayPrimaries(group));
  const claiming = group.nodes.filter((n) => valueOf(n.role) === 'primary').map((n) => n.id);
  if (!claiming.includes(primary)) return hold(`${primary} takes writes, but does not say it is the primary`);
  if (claiming.length > 1) return hold(`${claiming.join(' and ')} each say they are the primary`);
  return pass(`${primary} is the only primary`);
}

export function epochGrew(group: GroupView, node: NodeId, above: number): Finding {
  if (solePrimary(group) !== node) return hold(`${sayPrimaries(group)}, ${node} should alone`);
  return (
    objectionTo(
      group.epoch,
      `the epoch of ${group.id}`,
      (epoch) => Number.isFinite(epoch) && epoch > above,
      (epoch) => `the epoch of ${group.id} is ${epoch}`,
    ) ?? pass(`${node} is the only primary, on epoch ${valueOf(group.epoch) ?? ''}`)
  );
}

/** Compared with the primary's own epoch: a replica on an older one follows a history that has ended. */
export function replicasFollow(group: GroupView, primary: NodeId, replicas: readonly NodeId[]): Finding {
  if (solePrimary(group) !== primary) return hold(`${sayPrimaries(group)}, ${primary} should alone`);
  const leading = group.nodes.find((n) => n.id === primary);
  if (!leading) return notKnown(`${primary} was not observed`);
  if (leading.epoch.kind === 'unknown') {
    return notKnown(`the epoch of ${primary} is unknown: ${leading.epoch.reason}`);
  }
  const wanted = leading.epoch.value;
  const objections = replicas.flatMap((id): Finding | readonly Finding[] => {
    const node = group.nodes.find((n) => n.id === id);
    if (!node) return notKnown(`${id} was not observed`);
    const epoch = () =>
      objectionTo(
        node.epoch,
        `the epoch of ${id}`,
        (e) => Number.isFinite(e) && e === wanted,
        (e) => `${id} is on epoch ${e}, ${primary} on ${wanted}`,
      );
    return answers(node) ?? follows(node, primary) ?? epoch() ?? [];
  });
  const followers = replicas.length === 0 ? 'no replica has to follow' : `${replicas.join(', ')} following`;
  return objecting(objections) ?? pass(`${followers} ${primary} on epoch ${wanted}`);
}
