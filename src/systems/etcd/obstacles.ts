import { valueOf, type Observed, type Obstacle } from '../../contracts/index.js';
import { leaderOf, type Answer } from './answer.js';
import type { ListedMember } from './member-list.js';
import { authRemedy } from './refusal.js';

/** What of an etcd cluster forbids a run, by name; each is explained in docs/systems/etcd.md. */
export function obstaclesOf(
  answers: readonly Answer[],
  members: Observed<readonly ListedMember[]>,
): readonly Obstacle[] {
  return [
    ...severalGroups(answers),
    ...authRefused(answers),
    ...quorum(answers),
    ...(members.kind === 'known'
      ? [...memberObstacles(members.value), ...wrongAddresses(answers, members.value)]
      : [
          {
            code: 'MEMBERS_UNKNOWN',
            message: `the member list cannot be read: ${members.reason}`,
            remedy: 'Bring a quorum of voters back, and let the user read the member list.',
          },
        ]),
    ...alarms(answers),
  ];
}

function severalGroups(answers: readonly Answer[]): Obstacle[] {
  const groups = new Set(answers.map((a) => a.spec.group));
  if (groups.size < 2) return [];
  return [
    {
      code: 'SEVERAL_GROUPS',
      message: `the cluster file has the groups ${[...groups].join(', ')}, and an etcd cluster is one`,
      remedy: 'Write one cluster file for each etcd cluster.',
    },
  ];
}

const authRefused = (answers: readonly Answer[]): Obstacle[] =>
  answers
    .filter((a) => a.forbidden === true)
    .map((a) => ({
      code: 'AUTH_REFUSED',
      node: a.spec.id,
      message: `${a.spec.id} refuses this user: ${a.failure ?? ''}`,
      remedy: authRemedy,
    }));

function quorum(answers: readonly Answer[]): Obstacle[] {
  if (answers.some((a) => a.status?.learner === false && valueOf(a.quorumRead) === true)) return [];
  return [
    {
      code: 'NO_QUORUM',
      message: 'no linearizable read succeeded on any voter',
      remedy: 'Bring voters back until more than half of them answer; nothing is touched before.',
    },
  ];
}

function memberObstacles(members: readonly ListedMember[]): Obstacle[] {
  return members.flatMap((m): Obstacle[] => {
    const who = m.node ?? (m.name || m.id);
    const at = `${who} (${m.peerUrls.join(', ')})`;
    const node = m.node === undefined ? {} : { node: m.node };
    const found: Obstacle[] = [];
    if (m.node === undefined) {
      found.push({
        code: 'FOREIGN_MEMBER',
        message: `the member ${at} is no node of the cluster file`,
        remedy: `Add it to the cluster file, with its peer address as listed in spec.settings.peers, or remove it (etcdctl member remove ${hexOf(m.id)}).`,
      });
    }
    if (!m.started) {
      found.push({
        code: 'UNSTARTED_MEMBER',
        ...node,
        message: `the member ${at} was added and has never started${m.role === 'voter' ? '; it counts for the quorum' : ''}`,
        remedy: `Start it, or remove it (etcdctl member remove ${hexOf(m.id)}).`,
      });
    } else if (m.role === 'learner') {
      found.push({
        code: 'LEARNER_LEFT_OVER',
        ...node,
        message: `the member ${at} is a learner: it has no vote`,
        remedy: `Promote it (etcdctl member promote ${hexOf(m.id)}) or remove it (etcdctl member remove ${hexOf(m.id)}).`,
      });
    }
    return found;
  });
}

/** An address that answers as another member would have the wrong node judged, and then stopped. */
const wrongAddresses = (answers: readonly Answer[], members: readonly ListedMember[]): Obstacle[] =>
  answers.flatMap((a) => {
    const problem = wrongAddress(a, members);
    return problem === undefined
      ? []
      : [
          {
            code: 'WRONG_ADDRESS',
            node: a.spec.id,
            message: problem,
            remedy: `Correct the address of ${a.spec.id} or its entry in spec.settings.peers.`,
          },
        ];
  });

export function wrongAddress(answer: Answer, members: readonly ListedMember[]): string | undefined {
  const { spec, status } = answer;
  const listed = members.find((m) => m.node === spec.id);
  if (!status || !listed || listed.id === status.memberId) return undefined;
  const other = members.find((m) => m.id === status.memberId);
  const who = other ? `the member ${other.node ?? other.name}` : `a member that is not in the list`;
  return `the address of ${spec.id} (${spec.address}) answers as ${who}, and its peer address is that of another`;
}

const alarmText = /^memberID:\s*(\d+)\s+alarm:\s*([A-Z]+)\s*$/;
const noLeader = 'etcdserver: no leader';

const alarmRemedies: Readonly<Record<string, string>> = {
  NOSPACE:
    'Compact and defragment, or raise --quota-backend-bytes, then disarm the alarm: https://etcd.io/docs/v3.6/op-guide/maintenance/#space-quota.',
  CORRUPT:
    'Replace the corrupt member, then disarm the alarm: https://etcd.io/docs/v3.6/op-guide/data_corruption/.',
};

/**
 * Alarms as the members' status tells them: to list them by the alarm call would be an entry in the raft log at every
 * look. An alarm is applied by every member, so that one which is up to date is enough; what has another form than
 * an alarm is told as it is.
 */
function alarms(answers: readonly Answer[]): Obstacle[] {
  const nodeOf = (memberId: string): string | undefined =>
    answers.find((a) => a.status?.memberId === memberId)?.spec.id;
  const said = new Set(answers.flatMap((a) => a.status?.errors ?? []));
  const found = [...said]
    .filter((text) => text !== noLeader)
    .map((text): Obstacle => {
      const [, memberId, kind] = alarmText.exec(text) ?? [];
      if (memberId === undefined || kind === undefined) {
        return {
          code: 'MEMBER_ERROR',
          message: `a member reports: ${text.trim()}`,
          remedy: 'See the log of the members, and bring the cluster to health first.',
        };
      }
      const node = nodeOf(memberId);
      return {
        code: `ALARM_${kind}`,
        ...(node === undefined ? {} : { node }),
        message: `the alarm ${kind} is raised by ${node ?? `member ${memberId}`}`,
        remedy: alarmRemedies[kind] ?? 'See https://etcd.io/docs/v3.6/op-guide/maintenance/.',
      };
    });
  if (leaderOf(answers)) return found;
  return [
    ...found,
    {
      code: 'ALARMS_UNKNOWN',
      message: 'no single leader answers, so that raised alarms may not be seen',
      remedy: 'Bring the cluster to one leader that the worker can reach.',
    },
  ];
}

/** As etcdctl writes ids. */
const hexOf = (id: string): string => BigInt(id).toString(16);
