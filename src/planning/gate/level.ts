import type { GroupView, NodeView } from '../../contracts/view.js';
import { answers } from './facts.js';
import { notKnown, objectionTo, type Finding } from './finding.js';
import { everyNode } from './members.js';

/** The level of a node that says none is not known: systems without levels are never asked. */
export const onLevel = (node: NodeView, level: string): Finding | undefined =>
  node.level === undefined
    ? notKnown(`${node.id} tells no level`)
    : objectionTo(
        node.level,
        `the level of ${node.id}`,
        (seen) => seen === level,
        (seen) => `${node.id} is on level ${seen}`,
      );

export const isLearner = (node: NodeView): Finding | undefined =>
  objectionTo(
    node.role,
    `the role of ${node.id}`,
    (role) => role === 'learner',
    (role) => `${node.id} is a ${role}`,
  );

/** The group as a whole and every node by itself; a lowering under way would take it back. */
export function levelActive(group: GroupView, level: string): Finding {
  if (!group.level) return notKnown(`the group ${group.id} tells no level`);
  return (
    objectionTo(
      group.level.active,
      `the level of ${group.id}`,
      (active) => active === level,
      (active) => `${group.id} is on level ${active}`,
    ) ??
    objectionTo(
      group.level.lowering,
      `whether ${group.id} is being lowered`,
      (lowering) => lowering === undefined,
      (lowering) => `${group.id} is being lowered to ${lowering ?? ''}`,
    ) ??
    everyNode(
      group,
      [],
      (n) => answers(n) ?? onLevel(n, level),
      (ids) => `${group.id} and ${ids} are on level ${level}`,
    )
  );
}
