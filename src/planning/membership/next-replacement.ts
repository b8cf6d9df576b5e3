import type { MembersView } from '../../contracts/activities.js';
import { valueOf } from '../../contracts/observed.js';
import type { GroupId, NodeId } from '../../contracts/view.js';
import { switchBefore, type NextStep } from '../next-step.js';
import { compareVersions } from '../version-path.js';
import { pairStates, type Pair } from './pairs.js';

export type NextReplacement =
  | { readonly kind: 'add'; readonly node: NodeId }
  | { readonly kind: 'remove'; readonly node: NodeId }
  | Extract<NextStep, { kind: 'switch' | 'handover' | 'stuck' | 'complete' }>;

/**
 * The next safe step of a replacement by membership, from the member list alone: a new member joins before an old
 * one is removed, one at a time, and the one that leads goes last, after it has handed over to a new one.
 */
export function nextReplacement(input: {
  readonly seen: MembersView;
  readonly pairs: readonly Pair[];
  readonly level?: string;
  readonly cleared?: readonly GroupId[];
}): NextReplacement {
  const { seen, pairs, level } = input;
  const group = seen.view?.groups[0];
  const members = seen.members && valueOf(seen.members);
  if (!members || group?.primaries.length !== 1) {
    const why = seen.members?.kind === 'unknown' ? seen.members.reason : 'no single leader answers';
    return {
      kind: 'stuck',
      message: `the members of the cluster are not known: ${why}`,
      remedy: 'Let its members elect a leader (see their logs), then retry.',
    };
  }
  const before = level === undefined ? undefined : switchBefore(group, level);
  if (before?.how === 'lower') {
    return {
      kind: 'stuck',
      message: `the level is above ${level ?? ''}, and no member of the lower version can join while it is lowered`,
      remedy:
        'Abort: the members stay as they are. The way down is a run of its own, with strategy in-place.',
    };
  }
  if (before) return before;
  const states = pairStates(pairs, seen);
  const open = states.find((s) => !s.joined || !s.left);
  if (!open) return { kind: 'complete' };
  if (!open.joined) return { kind: 'add', node: open.fresh };

  if (group.primaries.includes(open.old)) {
    const candidates = states.filter((s) => s.joined).map((s) => s.fresh);
    return { kind: 'handover', group: group.id, from: open.old, candidates };
  }
  const lastOld = states.filter((s) => !s.left).length === 1;
  const raises = level !== undefined && lastOld && holdsDown(group, open.old, level);
  if (raises && input.cleared?.includes(group.id) !== true) {
    return { kind: 'switch', group: group.id, how: 'by-last-node', to: level, last: open.old };
  }
  return { kind: 'remove', node: open.old };
}

/** A member whose version is not known may be the one that holds the level down. */
function holdsDown(
  group: NonNullable<MembersView['view']>['groups'][number],
  id: NodeId,
  level: string,
): boolean {
  const node = group.nodes.find((n) => n.id === id);
  const version = node && valueOf(node.version);
  return group.level !== undefined && (version === undefined || compareVersions(version, level) < 0);
}
