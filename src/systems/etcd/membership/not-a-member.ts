import { RollgateError, type NodeId } from '../../../contracts/index.js';

export const notAMember = (node: NodeId): RollgateError =>
  new RollgateError(
    'SYSTEM_REFUSED',
    `${node} is not in the member list`,
    `Add it as a learner first; see that spec.settings.peers has its peer address as the list has it.`,
  );
