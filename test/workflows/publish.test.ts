import { expect, it } from 'vitest';
import { describe as page } from '../../src/workflows/publish.js';
import { rolling, waiting } from '../client/support/run-states.js';

it('R-SAGA-6: what the Temporal UI shows: phase, step, nodes, what is held, what waits, what can be undone', () => {
  const text = page(waiting());
  expect(text).toContain('**waiting-for-approval** · step `handover/default`');
  expect(text).toMatch(/\| pg-2 \| draining \| replica \| 17\.5 \| 17\.10 \| 4096 \|/);
  expect(text).toContain('gate `lag-zero` hold');
  expect(text).toContain('**Waits for approval** of `handover/default`');
  expect(text).toContain('rollback from here:');
});

it('R-SAGA-6: a run that is over says how it ended, and offers nothing', () => {
  const { run } = rolling();
  const text = page(rolling({ phase: 'finished', run: { ...run, outcome: 'completed' } }));
  expect(text).toContain('outcome **completed**');
  expect(text).not.toContain('rollback from here');
});
