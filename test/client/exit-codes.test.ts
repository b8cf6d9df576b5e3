import { describe, expect, it } from 'vitest';
import { exitCodeOf } from '../../src/client/cli/exit-codes.js';
import { ended, rolling, waiting } from './support/run-states.js';

const leftUndone = [{ what: 'restore-routing/pg-2', command: 'route to pg-2', error: 'refused' }];
const borrowed = {
  id: 'setting/pg-1/synchronous_standby_names',
  kind: 'setting',
  node: 'pg-1',
  name: 'synchronous_standby_names',
  value: '',
  borrowedAt: '2026-01-01T00:00:00.000Z',
  giveBack: 'set it back',
} as const;

describe('R-SAGA-6: the exit code says how the run stands', () => {
  it.each([
    ['in progress', rolling(), 0],
    ['waits for approval', waiting(), 5],
    ['completed', ended('completed'), 0],
    ['failed', ended('failed'), 1],
    ['aborted', ended('aborted'), 1],
    ['rolled back cleanly', ended('rolled-back'), 3],
    ['rolled back, something left undone', ended('rolled-back', { leftUndone }), 4],
    ['aborted, something left undone', ended('aborted', { leftUndone }), 4],
    ['completed, but something is still borrowed', ended('completed', { ledger: [borrowed] }), 4],
    ['in progress, with something borrowed', rolling({ ledger: [borrowed] }), 0],
  ])('%s', (_, state, code) => {
    expect(exitCodeOf(state)).toBe(code);
  });
});
