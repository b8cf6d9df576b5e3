import { describe, expect, it } from 'vitest';
import { changingActivities } from '../../src/contracts/index.js';
import { crashScenarios, everyBoundary, judge } from '../../src/dev/scenario/crash.js';
import { runScenario } from '../../src/dev/scenario/run.js';

/** Which changing activities each scenario has called; together they must be all there are. */
const called = new Map<string, readonly string[]>();

describe('R-SAGA-1: the worker is killed directly before and after every changing activity', () => {
  it.each(Object.entries(crashScenarios))('%s', { timeout: 300_000 }, async (name, scenario) => {
    const faults = everyBoundary(scenario.activities);
    const objections: string[] = [];
    const result = await runScenario({
      ...scenario.scenario,
      faults,
      after: async (context, ended) => {
        await scenario.scenario.after?.(context, ended);
        objections.push(...(await judge(scenario, context, ended)));
      },
    });
    expect(objections).toEqual([]);
    expect(result.fired.map((f) => `${f.at} ${f.activity}`).sort()).toEqual(
      faults.map((f) => `${f.at} ${f.activity}`).sort(),
    );
    called.set(name, result.called);
  });

  it('every changing activity is in one of the scenarios', () => {
    const covered = new Set([...called.values()].flat());
    expect(changingActivities.filter((a) => !covered.has(a))).toEqual([]);
    const planned = new Set(Object.values(crashScenarios).flatMap((s) => s.activities));
    expect(changingActivities.filter((a) => !planned.has(a))).toEqual([]);
  });
});
