import { known, unknown, type Observed } from '../../contracts/index.js';
import type { Answer } from './answer.js';

/**
 * How many entries the member has yet to apply of those that the leader had committed when the observation began.
 * Only members of one cluster have comparable indexes.
 */
export function lagOf(answer: Answer, leader: Answer | undefined): Observed<number> {
  if (!answer.status) return unknown(answer.failure ?? 'no answer');
  if (!leader?.first) return unknown('no single leader answers');
  if (leader.first.clusterId !== answer.status.clusterId) return unknown('it is of another cluster');
  return known(Math.max(0, leader.first.committed - answer.status.applied));
}
