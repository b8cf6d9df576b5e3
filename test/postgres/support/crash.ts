import { expect } from 'vitest';
import { crashScenarios, everyBoundary, judge } from '../../../src/dev/scenario/crash.js';
import { runScenario } from '../../../src/dev/scenario/run.js';

/** One run with a kill at every boundary of the scenario's activities; all must fire, and nothing may show. */
export async function survives(name: keyof typeof crashScenarios): Promise<void> {
  const crash = crashScenarios[name];
  if (!crash) throw new Error(`no scenario ${name}`);
  const faults = everyBoundary(crash.activities);
  const objections: string[] = [];
  const result = await runScenario({
    ...crash.scenario,
    faults,
    after: async (context, ended) => {
      await crash.scenario.after?.(context, ended);
      objections.push(...(await judge(crash, context, ended)));
    },
  });
  expect(objections).toEqual([]);
  expect(result.fired.map((f) => `${f.at} ${f.activity}`).sort()).toEqual(
    faults.map((f) => `${f.at} ${f.activity}`).sort(),
  );
}

export const patience = { timeout: 300_000 };
