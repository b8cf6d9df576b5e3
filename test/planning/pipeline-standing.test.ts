import { describe, expect, test } from 'vitest';
import type { PipelineState, RunState } from '../../src/contracts/index.js';
import { stageText, undoAcrossStages } from '../../src/planning/pipeline/standing.js';
import { finishedRun, runInProgress } from '../report/fixture.js';
import { waitingRun } from '../report/migration-fixture.js';

const stages: PipelineState['stages'] = ['one', 'two', 'three'].map((name, i) => ({
  ...{ name, kind: 'RollingUpgrade', to: `17.${i}`, runId: `p.${i + 1}` },
}));

const named = (state: RunState, id: string): RunState => ({ ...state, run: { ...state.run, id } });
const done = (n: number): RunState => named(finishedRun(), `p.${n}`);

/** In its third stage, of which two have completed. */
function third(changes: Partial<PipelineState> = {}, state: RunState = runInProgress()): RunState {
  const pipeline: PipelineState = {
    ...{ name: 'all', runId: 'p', onFailure: 'rollback', stage: 2, direction: 'forward', stages },
    ...changes,
  };
  return { ...named(state, 'p.3'), pipeline, chapters: [done(1), done(2)] };
}

describe('R-SAGA-6, R-SWITCH-5: what a rollback in a pipeline means', () => {
  test.each<[string, RunState, string]>([
    [
      'all stages before it',
      third(),
      'a rollback undoes this stage, and then two, then one as well (onFailure: rollback)',
    ],
    [
      'those after the point of no return',
      third({ pointOfNoReturn: 'one' }),
      'a rollback undoes this stage, and then two as well (onFailure: rollback)',
    ],
    [
      'none, when the one before cannot be undone',
      third({ pointOfNoReturn: 'two' }),
      'a rollback undoes this stage, and nothing before it: two cannot be undone any more',
    ],
    [
      'none, when the spec says stay',
      third({ onFailure: 'stay' }),
      'a rollback undoes this stage, and nothing before it: what was done by one, two stays (onFailure: stay)',
    ],
    [
      'of the first stage: the end',
      { ...third({ stage: 0 }), chapters: [] },
      'a rollback undoes this stage; then the pipeline is over',
    ],
    [
      'of a stage that is being undone',
      { ...third(), direction: 'back' },
      'this stage is being undone, and then two, then one as well (onFailure: rollback)',
    ],
    [
      'of a way back',
      { ...named(third({ stage: 1, direction: 'back' }), 'p.2.back') },
      'this stage is being undone, and then one as well (onFailure: rollback)',
    ],
    [
      'R-MIG-2: once the destination takes the writes, one rung at a time',
      third({}, waitingRun('accept')),
      'a rollback takes the writes back, one more undoes this stage, and then two, then one as well (onFailure: rollback)',
    ],
  ])('%s', (_, state, says) => {
    expect(undoAcrossStages(state)).toBe(says);
  });

  test('a stage that had nothing to do is not undone', () => {
    const idle = (n: number): RunState => {
      const state = done(n);
      return { ...state, plan: state.plan && { ...state.plan, kind: 'done' } };
    };
    expect(undoAcrossStages({ ...third(), chapters: [done(1), idle(2)] })).toContain('and then one as well');
    expect(undoAcrossStages({ ...third(), chapters: [idle(1), idle(2)] })).toBe(
      'a rollback undoes this stage, and nothing before it: nothing was to be done by one, two',
    );
  });

  test('nothing is offered where nothing can be undone: no pipeline, a stage or a pipeline that is over, a source that is being retired', () => {
    const accepting = third({}, waitingRun('accept'));
    const retiring = {
      ...accepting,
      migration: accepting.migration && { ...accepting.migration, retiring: true },
    };
    for (const state of [runInProgress(), third({}, finishedRun()), third({ outcome: 'failed' }), retiring]) {
      expect(undoAcrossStages(state)).toBeUndefined();
    }
  });
});

describe('R-SWITCH-5: where a pipeline stands', () => {
  test('the stage, its aim, and what was before it', () => {
    expect(stageText(third())).toBe(
      'stage 3 of 3: three of pipeline all (RollingUpgrade to 17.2); before: one completed, two completed',
    );
    expect(stageText({ ...third({ stage: 0 }), chapters: [], run: { ...done(1).run } })).toBe(
      'stage 1 of 3: one of pipeline all (RollingUpgrade to 17.0)',
    );
    expect(stageText(runInProgress())).toBeUndefined();
  });

  test('by the chapter that runs, not by the stage that comes next', () => {
    const back = named(third({ stage: 0, direction: 'back' }), 'p.2.back');
    expect(stageText(back)).toMatch(/^way back of stage 2 of 3: two of pipeline all/);
  });
});
