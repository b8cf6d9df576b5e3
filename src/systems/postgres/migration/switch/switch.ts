import type { MigrationFacet } from '../../../../contracts/index.js';
import type { Sessions } from '../../connection.js';
import { cutOver } from './cut-over.js';
import { fence } from './fence.js';
import { openSides } from './open.js';
import { unfence } from './unfence.js';

export type SwitchFacet = Pick<MigrationFacet, 'fence' | 'unfence' | 'cutOver' | 'open'>;

/** How the writes go over from one side to the other; the same both ways. */
export function createSwitch(sessions: Sessions): SwitchFacet {
  return {
    fence: (pair, direction, options, ctx) => fence(sessions, pair, direction, options, ctx),
    unfence: (pair, direction) => unfence(sessions, pair, direction),
    cutOver: (pair, direction, held, validation) => cutOver(sessions, pair, direction, held, validation),
    open: (pair) => openSides(sessions, pair),
  };
}
