import { describe, expect, it } from 'vitest';
import { meaningOfApproval } from '../../../src/planning/migration/undo.js';
import { describeUndo } from '../../../src/planning/undo.js';
import { finishedRun } from '../../report/fixture.js';
import { copyingRun, waitingRun } from '../../report/migration-fixture.js';

describe('R-SAGA-6: what an approval means, and what it costs to go back', () => {
  it('of the first cutover: who takes the writes, and a pause of at most so long either way', () => {
    expect(meaningOfApproval(waitingRun('cutover'))).toBe(
      'approve: orders is closed, orders-18 takes the writes and clients must connect there; writers wait at most 1s; until it is accepted, to go back costs such a pause again and loses no write that orders-18 has confirmed; a comparison that is older than 1h by then is made again first',
    );
  });

  it('of another one after a cut-back: how long it was the last time', () => {
    const text = meaningOfApproval(waitingRun('cutover/2'));
    expect(text).toMatch(/^approve: orders is closed/);
    expect(text).toContain('such a pause again (39 ms the last time)');
  });

  it('does not promise what an asynchronous way back cannot hold', () => {
    const run = waitingRun('cutover');
    const { migration } = run.spec;
    if (!migration) throw new Error('the fixture is a migration');
    const observe = { ...migration.observe, synchronousReverse: false };
    const text = meaningOfApproval({ ...run, spec: { ...run.spec, migration: { ...migration, observe } } });
    expect(text).toContain('loses no write as long as orders-18 lives');
    expect(text).not.toContain('confirmed');
  });

  it('of the acceptance: that there is no way back', () => {
    expect(meaningOfApproval(waitingRun('accept'))).toContain('there is no way back from there');
  });

  it('says nothing of other steps, of other runs, and when nobody is asked', () => {
    const run = waitingRun('cutover');
    const start = run.waiting && { ...run.waiting, step: 'prepare' };
    expect(meaningOfApproval({ ...run, waiting: start })).toBeUndefined();
    expect(meaningOfApproval(copyingRun())).toBeUndefined();
    expect(meaningOfApproval({ ...finishedRun(), waiting: run.waiting })).toBeUndefined();
  });

  it('what a rollback would do now: nothing is lost before the cutover, a cut-back after it', () => {
    expect(describeUndo(waitingRun('cutover'))).toMatch(
      /^rollback from here: free: everything .* is removed/,
    );
    expect(describeUndo(waitingRun('accept'))).toContain('cut-back: the source takes the writes again');
    expect(describeUndo(waitingRun('accept'))).toContain('(52 ms the last time)');
  });
});
