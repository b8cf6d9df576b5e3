import { describe, it } from 'vitest';
import { patience, survives } from '../support/crash.js';

describe('R-SAGA-1: the worker is killed directly before and after every changing activity', () => {
  it('of an upgrade of etcd with its version switch', patience, () => survives('etcd-up'));
});
