import { describe, it } from 'vitest';
import { patience, survives } from '../support/crash.js';

describe('R-MIG, R-SAGA-1: the worker is killed directly before and after every changing activity', () => {
  it('of a migration with cutover, cut-back, cutover and acceptance', patience, () => survives('migration'));
  it('of one whose destination is lost', patience, () => survives('migration-survivor'));
  it('of one that is discarded', patience, () => survives('migration-discarded'));
});
