import { describe, expect, it } from 'vitest';
import type { NodeProgress } from '../../src/contracts/run.js';
import { describeUndo, undoOutlook } from '../../src/planning/undo.js';
import { plan, rolling } from '../client/support/run-states.js';

const node = (id: string, change: Partial<NodeProgress> = {}): NodeProgress => ({
  id,
  group: 'default',
  from: '17.5',
  to: '17.10',
  roleBefore: id === 'pg-1' ? 'primary' : 'replica',
  version: '17.5',
  status: 'pending',
  ...change,
});
const done = { version: '17.10', status: 'complete' } as const;
const handover = {
  group: 'default',
  from: 'pg-1',
  to: 'pg-2',
  startedAt: '2026-01-01T00:00:00.000Z',
  fencedAt: '2026-01-01T00:00:01.000Z',
  promotedAt: '2026-01-01T00:00:01.250Z',
  result: 'done',
} as const;

describe('R-SAGA-6: what can still be undone, and at what price', () => {
  it('nothing, while nothing has changed', () => {
    const state = { nodes: [node('pg-1'), node('pg-2', { status: 'draining' })], handovers: [], plan };
    expect(undoOutlook(state)).toEqual({ steps: [], price: 'free' });
  });

  it('replicas: a restart each', () => {
    const nodes = [node('pg-1'), node('pg-2', done), node('pg-3', { status: 'upgrading' })];
    expect(undoOutlook({ nodes, handovers: [], plan })).toEqual({
      steps: ['restart pg-2 on 17.5', 'restart pg-3 on 17.5'],
      price: 're-roll',
    });
  });

  it('after the handover: one more, with what the last one took', () => {
    const nodes = [
      node('pg-1', { ...done, roleAfter: 'replica' }),
      node('pg-2', { ...done, roleAfter: 'primary' }),
      node('pg-3', done),
    ];
    expect(undoOutlook({ nodes, handovers: [handover], plan }).steps).toEqual([
      'restart pg-1 on 17.5',
      'restart pg-3 on 17.5',
      'hand over from pg-2: writers wait once (the last one took 250 ms from fence to promotion)',
      'restart pg-2 on 17.5',
    ]);
  });

  describe('R-SWITCH-3: a level that has been switched', () => {
    const leveled = { ...plan, levels: { from: '3.5', to: '3.6' } };
    const up = { from: '3.5.9', to: '3.6.1' };
    const there = { ...up, version: '3.6.1', status: 'complete' } as const;

    it('is lowered first', () => {
      const nodes = [
        node('pg-1', { ...there, roleAfter: 'replica' }),
        node('pg-2', { ...there, roleAfter: 'primary' }),
      ];
      expect(undoOutlook({ nodes, handovers: [], plan: leveled })).toEqual({
        steps: [
          'switch the level 3.6 → 3.5',
          'restart pg-1 on 3.5.9',
          'hand over from pg-2: writers wait once',
          'restart pg-2 on 3.5.9',
        ],
        price: 're-roll',
      });
    });

    it('is not lowered as long as one node has not changed', () => {
      const nodes = [node('pg-1', { ...up, version: '3.5.9' }), node('pg-2', there)];
      expect(undoOutlook({ nodes, handovers: [], plan: leveled }).steps).toEqual(['restart pg-2 on 3.5.9']);
    });

    it('is not spoken of where the versions bring one level', () => {
      const same = { ...plan, levels: { from: '3.6', to: '3.6' } };
      const nodes = [node('pg-2', { ...there, from: '3.6.0' })];
      expect(undoOutlook({ nodes, handovers: [], plan: same }).steps).toEqual(['restart pg-2 on 3.6.0']);
    });
  });

  it('names the point of no return, if the plan has one', () => {
    const final = { ...plan, pointOfNoReturn: 'accept' };
    expect(undoOutlook({ nodes: [], handovers: [], plan: final }).pointOfNoReturn).toBe('accept');
    const nodes = [node('pg-1'), node('pg-2', done)];
    expect(describeUndo(rolling({ nodes, plan: final }))).toBe(
      'rollback from here: re-roll: restart pg-2 on 17.5; point of no return: accept',
    );
    expect(describeUndo(rolling({ nodes }))).toMatch(/point of no return: none$/);
  });

  it('says nothing of a run that is over or rolls back already', () => {
    const nodes = [node('pg-2', done)];
    expect(describeUndo(rolling({ nodes, direction: 'back' }))).toBeUndefined();
    const { run } = rolling();
    expect(describeUndo(rolling({ nodes, run: { ...run, outcome: 'completed' } }))).toBeUndefined();
  });
});
