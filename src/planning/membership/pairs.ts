import type { MembersView } from '../../contracts/activities.js';
import { valueOf } from '../../contracts/observed.js';
import type { NodeId } from '../../contracts/view.js';

/** One member that goes, and the node that takes its place. */
export interface Pair {
  readonly old: NodeId;
  readonly fresh: NodeId;
}

/** Where each pair stands, by the member list alone. */
export interface PairState extends Pair {
  /** The new node has its vote. */
  readonly joined: boolean;
  /** The old one is no member any more. */
  readonly left: boolean;
}

/** By name, those first that do not lead: the member that leads goes last (R-ROLL 11). */
export function pairStates(pairs: readonly Pair[], seen: MembersView): PairState[] {
  const members = (seen.members && valueOf(seen.members)) ?? [];
  const leads = seen.view?.groups[0]?.primaries[0];
  return [...pairs]
    .sort((a, b) => Number(a.old === leads) - Number(b.old === leads) || (a.old < b.old ? -1 : 1))
    .map((pair) => ({
      ...pair,
      joined: members.some((m) => m.node === pair.fresh && m.role === 'voter'),
      left: !members.some((m) => m.node === pair.old),
    }));
}
