import { describe, it } from 'vitest';
import { patience, survives } from '../support/crash.js';

describe('R-SAGA-1: the worker is killed directly before and after every changing activity', () => {
  it('of a formation with expansion, transfer of the leadership and removal', patience, () =>
    survives('formation'),
  );
  it('of a formation that fails and is made a standalone again', patience, () => survives('formation-back'));
});
