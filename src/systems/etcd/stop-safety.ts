import type { Observed, StopSafety } from '../../contracts/index.js';
import { leaderOf, type Answer } from './answer.js';
import { lagOf } from './lag.js';
import type { ListedMember } from './member-list.js';

/**
 * Would the voters keep a quorum of members that answer, serve and are up to date without this one?
 * https://etcd.io/docs/v3.6/faq/#what-is-failure-tolerance: of n voters, n/2+1 must be there for any write.
 */
export function stopSafety(
  answer: Answer,
  answers: readonly Answer[],
  members: Observed<readonly ListedMember[]>,
  maxLagEntries: number,
): StopSafety {
  const { id } = answer.spec;
  if (members.kind === 'unknown') return { verdict: 'unknown', evidence: members.reason };
  if (!members.value.some((m) => m.node === id)) {
    return { verdict: 'unknown', evidence: `${id} is not in the member list` };
  }
  const leader = leaderOf(answers);
  if (!leader) return { verdict: 'unknown', evidence: 'no single leader answers' };
  const voters = members.value.filter((m) => m.role === 'voter');
  const quorum = Math.floor(voters.length / 2) + 1;
  const others = voters.filter((m) => m.node !== id);
  const objections = others.map((m) => objectionTo(m, answers, leader, maxLagEntries));
  const left = others.filter((_, i) => objections[i] === undefined);
  const names = left.map((m) => m.node ?? m.id).join(', ');
  const evidence = [
    `of ${voters.length} voters a write needs ${quorum}; without ${id} there are ${left.length}${names === '' ? '' : ` (${names})`}`,
    ...objections.filter((o) => o !== undefined),
  ].join('; ');
  return { verdict: left.length >= quorum ? 'pass' : 'hold', evidence };
}

/** Why a voter does not count; `undefined`: it does. */
function objectionTo(
  member: ListedMember,
  answers: readonly Answer[],
  leader: Answer,
  maxLagEntries: number,
): string | undefined {
  if (member.node === undefined)
    return `the member ${member.name || member.id} is no node of the cluster file`;
  const answer = answers.find((a) => a.spec.id === member.node);
  if (!answer?.status) return `${member.node} does not answer`;
  if (answer.status.memberId !== member.id) return `the address of ${member.node} answers as another member`;
  if (answer.quorumRead.kind === 'unknown') return `whether ${member.node} serves is not known`;
  if (!answer.quorumRead.value) return `${member.node} does not serve`;
  const lag = lagOf(answer, leader);
  if (lag.kind === 'unknown') return `the lag of ${member.node} is not known`;
  return lag.value > maxLagEntries
    ? `${member.node} lags ${lag.value} entries, and at most ${maxLagEntries} count as up to date`
    : undefined;
}
