import { describe, it } from 'vitest';
import { patience, survives } from '../support/crash.js';

describe('R-SAGA-1: the worker is killed directly before and after every changing activity', () => {
  it('of a downgrade', patience, () => survives('etcd-down'));
  it('of one that is aborted before any member has changed', patience, () => survives('etcd-cancelled'));
});
