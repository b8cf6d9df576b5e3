import type { FormationState } from '../../contracts/run.js';
import type { NodeId } from '../../contracts/view.js';

/** What a rollback of a formation would do from here (R-SAGA 6): the mode decides, as it does in the run itself. */
export function undoOfFormation(seed: NodeId, { mode, kept }: FormationState): string {
  switch (mode) {
    case 'standalone':
      return `nothing to undo, ${seed} is an ordinary standalone`;
    case 'preparing':
      return `make ${seed} an ordinary standalone again: its own data is untouched; point of no return: the end of init/${seed}`;
    case 'seeded':
    case 'cluster':
      return `none: the seed has taken the standalone's place${kept === undefined ? '' : `, whose data is kept at ${kept}`}; members are taken out by remove-member`;
  }
}
