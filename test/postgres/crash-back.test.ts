import { describe, it } from 'vitest';
import { patience, survives } from '../support/crash.js';

describe('R-SAGA-1, R-SAGA-5: the worker is killed directly before and after every changing activity', () => {
  it('of a roll that is rolled back from its last step', patience, () => survives('back'));
  it('of a handover that is put back', patience, () => survives('restored'));
});
