import { expect, test } from 'vitest';
import { known, unknown } from '../../../src/contracts/index.js';
import type { Answer } from '../../../src/systems/etcd/answer.js';
import { lagOf } from '../../../src/systems/etcd/lag.js';
import { nodeLevel } from '../../../src/systems/etcd/level.js';
import type { ListedMember } from '../../../src/systems/etcd/member-list.js';
import type { MemberStatus } from '../../../src/systems/etcd/status.js';
import { stopSafety } from '../../../src/systems/etcd/stop-safety.js';

const status = (id: string, change: Partial<MemberStatus> = {}): MemberStatus => ({
  memberId: id,
  clusterId: '1',
  version: '3.6.16',
  leaderId: '1',
  leads: id === '1',
  learner: false,
  term: 2,
  committed: 5000,
  applied: 5000,
  errors: [],
  storageLevel: '3.6',
  downgrade: { target: undefined },
  ...change,
});

function answer(id: string, change: Partial<MemberStatus> = {}, more: Partial<Answer> = {}): Answer {
  const said = status(id, change);
  return {
    spec: { id: `etcd-${id}`, group: 'default', address: `h:${id}`, host: { kind: 'local' } },
    first: said,
    status: said,
    clusterLevel: known('3.6'),
    quorumRead: known(true),
    members: known([]),
    ...more,
  };
}

const silent = (id: string): Answer => ({
  spec: { id: `etcd-${id}`, group: 'default', address: `h:${id}`, host: { kind: 'local' } },
  failure: 'no answer',
  clusterLevel: unknown('no answer'),
  quorumRead: unknown('no answer'),
  members: unknown('no answer'),
});

const list = (count: number, learners: readonly string[] = []): ListedMember[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `${i + 1}`,
    node: `etcd-${i + 1}`,
    role: learners.includes(`${i + 1}`) ? 'learner' : 'voter',
    started: true,
    name: `etcd-${i + 1}`,
    peerUrls: [],
    clientUrls: [],
  }));

const judge = (id: number, answers: readonly Answer[], members = list(answers.length)) => {
  const one = answers[id - 1];
  if (!one) throw new Error('no such node');
  return stopSafety(one, answers, known(members), 1000);
};

test('R-ROLL-3: of three members that are well any one may go', () => {
  const answers = [answer('1'), answer('2'), answer('3')];
  for (const id of [1, 2, 3]) expect(judge(id, answers).verdict).toBe('pass');
  expect(judge(2, answers).evidence).toBe(
    'of 3 voters a write needs 2; without etcd-2 there are 2 (etcd-1, etcd-3)',
  );
});

test.each([
  ['is silent', silent('3'), 'does not answer'],
  ['does not serve', answer('3', {}, { quorumRead: known(false) }), 'does not serve'],
  ['may not serve', answer('3', {}, { quorumRead: unknown('slow') }), 'whether etcd-3 serves is not known'],
  ['is behind', answer('3', { applied: 3999 }), 'lags 1001 entries'],
  ['is another', answer('3', { memberId: '9' }), 'answers as another member'],
  ['is of another cluster', answer('3', { clusterId: '2' }), 'the lag of etcd-3 is not known'],
])('R-ROLL-3: a third member that %s holds the other two', (_, third, why) => {
  const answers = [answer('1'), answer('2'), third];
  for (const id of [1, 2]) {
    expect(judge(id, answers)).toMatchObject({
      verdict: 'hold',
      evidence: expect.stringContaining(why) as string,
    });
  }
  expect(judge(3, answers).verdict).toBe('pass');
});

test('R-ROLL-3: exactly as many entries behind as are allowed still counts', () => {
  expect(judge(2, [answer('1'), answer('2'), answer('3', { applied: 4000 })]).verdict).toBe('pass');
});

test('R-ROLL-3: learners do not count, five voters bear one that is down, two bear none', () => {
  const learner = [answer('1'), answer('2'), answer('3', { learner: true })];
  expect(judge(2, learner, list(3, ['3'])).verdict).toBe('hold');
  expect(judge(3, learner, list(3, ['3'])).verdict).toBe('pass');
  const five = [answer('1'), answer('2'), answer('3'), answer('4'), silent('5')];
  expect(judge(2, five).verdict).toBe('pass');
  expect(judge(2, [answer('1'), answer('2'), answer('3'), silent('4'), silent('5')]).verdict).toBe('hold');
  expect(judge(1, [answer('1'), answer('2')]).verdict).toBe('hold');
});

test('R-ROLL-3: without a leader, or without the member list, nothing is said', () => {
  const headless = [answer('1', { leads: false }), answer('2'), answer('3')];
  expect(judge(2, headless).verdict).toBe('unknown');
  expect(stopSafety(answer('1'), [answer('1')], unknown('no quorum'), 1000)).toEqual({
    verdict: 'unknown',
    evidence: 'no quorum',
  });
  expect(judge(3, [answer('1'), answer('2'), answer('3')], list(2)).verdict).toBe('unknown');
});

test('R-ROLL-3: an old leader that has not noticed is none', () => {
  const answers = [answer('1', { term: 1 }), answer('2', { leads: true }), answer('3')];
  expect(judge(3, answers).verdict).toBe('pass');
  expect(lagOf(answer('3', { applied: 4990 }), answers[1])).toEqual(known(10));
  expect(lagOf(answer('3', { applied: 5010 }), answers[1])).toEqual(known(0));
});

test('R-SWITCH-1: a member whose storage differs from the cluster version is on neither level', () => {
  expect(nodeLevel(answer('1'))).toEqual(known('3.6'));
  const lowered = answer('1', {}, { clusterLevel: known('3.5') });
  expect(nodeLevel(lowered)).toMatchObject({ kind: 'unknown' });
  expect(nodeLevel(answer('1', { storageLevel: '3.5' }))).toMatchObject({ kind: 'unknown' });
  expect(nodeLevel(answer('1', { storageLevel: undefined }))).toMatchObject({ kind: 'unknown' });
  const older = answer('1', { version: '3.5.35', storageLevel: undefined }, { clusterLevel: known('3.5') });
  expect(nodeLevel(older)).toEqual(known('3.5'));
});
