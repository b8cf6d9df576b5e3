import { expect, it } from 'vitest';
import { synchronousWith } from '../../../../../src/systems/postgres/migration/switch/synchronous.js';

it.each([
  ['', undefined, 'FIRST 1 (rollgate_back)'],
  ['a', undefined, 'FIRST 2 (rollgate_back, a)'],
  ['FIRST 2 (a, b)', undefined, 'FIRST 3 (rollgate_back, a, b)'],
  ['ANY 2 (a, "b c")', undefined, 'FIRST 3 (rollgate_back, a, "b c")'],
  ['ANY 1 ("new-1", "new-2")', 'new-1', 'FIRST 2 (rollgate_back, "new-2")'],
  ['FIRST 1 (rollgate_back)', undefined, 'FIRST 1 (rollgate_back)'],
])('R-MIG-2: %j of %s becomes %j', (former, self, value) => {
  expect(synchronousWith(former, self)).toEqual({ kind: 'rule', value });
});

it.each([
  ['ANY 1 (a, b)', undefined, /needs 1 of 2/],
  ['a, b', undefined, /needs 1 of 2/],
  ['FIRST 1 (*)', undefined, /every standby/],
  ['ANY 2 (a)', undefined, /needs 2 standbys and names 1/],
  ['ANY 1 ("new-1")', 'new-1', /needs 1 standbys and names 0/],
  ['ANY 1 (a b)', undefined, /cannot be read/],
])('what cannot be said exactly is refused by name: %j of %s', (former, self, reason) => {
  const rule = synchronousWith(former, self);
  expect(rule).toMatchObject({ kind: 'refused' });
  expect(rule.kind === 'refused' && rule.reason).toMatch(reason);
  expect(rule.kind === 'refused' && rule.reason).toContain(former);
});
