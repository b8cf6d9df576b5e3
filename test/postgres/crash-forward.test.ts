import { describe, expect, it } from 'vitest';
import { changingActivities, changingMigrationActivities } from '../../src/contracts/index.js';
import { crashScenarios } from '../../src/dev/scenario/crash/index.js';
import { patience, survives } from '../support/crash.js';

describe('R-SAGA-1: the worker is killed directly before and after every changing activity', () => {
  it('of a full roll', patience, () => survives('forward'));
  it('of a roll with a borrowed setting', patience, () => survives('borrowed'));

  it('every changing activity is in one of the scenarios', () => {
    const planned = new Set(Object.values(crashScenarios).flatMap((s) => s.activities));
    const all = [...changingActivities, ...changingMigrationActivities];
    expect(all.filter((a) => !planned.has(a))).toEqual([]);
    // Each scenario is a test, where every kill of it must fire: here, in crash-back.test.ts, crash-migration.test.ts and in test/etcd.
    expect(Object.keys(crashScenarios).sort()).toEqual([
      'back',
      'borrowed',
      'by-membership',
      'etcd-cancelled',
      'etcd-down',
      'etcd-up',
      'formation',
      'formation-back',
      'forward',
      'migration',
      'migration-discarded',
      'migration-survivor',
      'restored',
    ]);
  });
});
