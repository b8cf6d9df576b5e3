import { expect } from 'vitest';
import { crashScenarios, everyBoundary } from '../../src/dev/scenario/crash/index.js';

/** One run with a kill at every boundary of the scenario's activities; all must fire, and nothing may show. */
export async function survives(name: keyof typeof crashScenarios): Promise<void> {
  const crash = crashScenarios[name];
  if (!crash) throw new Error(`no scenario ${name}`);
  const faults = everyBoundary(crash.activities);
  const { result, objections } = await crash.run(faults);
  expect(objections).toEqual([]);
  expect(result.fired.map((f) => `${f.at} ${f.activity}`).sort()).toEqual(
    faults.map((f) => `${f.at} ${f.activity}`).sort(),
  );
}

export const patience = { timeout: 900_000 };
