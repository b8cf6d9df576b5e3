import { expect, it } from 'vitest';
import { describe as page } from '../../src/workflows/publish.js';
import { forming } from '../client/support/formation-states.js';
import { rolling, waiting } from '../client/support/run-states.js';
import { at } from '../report/fixture.js';
import {
  betweenStages,
  completedPipeline,
  pipelineGoingBack,
  waitingPipeline,
} from '../report/pipeline-fixture.js';
import { copyingRun, differingRun, migratedRun, waitingRun } from '../report/migration-fixture.js';

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

it('R-SAGA-6: of a migration the first lines say phase, side and how far it is', () => {
  const lines = page(copyingRun(), at(7.5)).split('\n');
  expect(lines.slice(0, 7)).toEqual([
    '### orders: postgres migration to orders-18',
    '',
    '**migrating**',
    '',
    'Phase **bootstrapping** · `orders` takes the writes',
    '',
    'copy: 2 of 5 ranges, 480 000 rows, 31.0 MiB, the tables have 125.0 MiB; 109 091 rows/s, 7.0 MiB/s; about 4 s left (as of 03:52:18 UTC)',
  ]);
});

it('R-SAGA-6: the nodes of both sides, what was compared and each move of the writes', () => {
  const text = page(migratedRun());
  expect(text).toContain('| a-1 | source | 17.10 |  |\n');
  expect(text).toContain('| b-1 | destination | 18.4 | takes the writes |\n');
  expect(text).toContain('- cut `export@0/300000E`: 1450000 rows of 3 tables, equal');
  expect(text).toContain('- writes orders-18 → orders: done, write gap 39 ms');
  expect(text).not.toMatch(/ranges|pending|undefined/);
  expect(page(differingRun())).toContain('**3 differ**');
  const broken = copyingRun();
  expect(page({ ...broken, run: { ...broken.run, outcome: 'failed' } })).not.toContain('ranges');
});

it('R-SAGA-6: an approval of a migration says what it means and what it costs to go back', () => {
  expect(page(waitingRun('cutover'))).toMatch(/`cutover`.*\napprove: orders is closed.*to go back costs/);
  expect(page(waitingRun('accept'))).toContain('there is no way back from there');
});

it('R-SAGA-6: on the way back every kind of run says where to', () => {
  const back = { direction: 'back' } as const;
  expect(page(rolling(back))).toContain('postgres back to the former version\n');
  expect(page(forming(back))).toContain('etcd etcd-1 back to a standalone\n');
  expect(page({ ...waitingRun('accept'), ...back })).toContain('postgres back to orders\n');
  expect(page({ ...copyingRun(), ...back })).toContain('postgres migration to orders-18 is taken back\n');
});

it('R-SAGA-6, R-SWITCH-5: of a pipeline says which stage it is, and what a rollback takes back with it', () => {
  const text = page(waitingPipeline());
  expect(text.split('\n')[4]).toBe(
    'stage 2 of 2: orders-to-18 of pipeline orders-18 (StorageMigration to orders-18); before: orders-17.10 completed',
  );
  const undo = 'a rollback undoes this stage, and then orders-17.10 as well (onFailure: rollback)';
  expect(text).toMatch(
    /\*\*Waits for approval\*\* of `cutover`.*\napprove: .*\na rollback undoes this stage/,
  );
  expect(text.split(undo)).toHaveLength(2);
  expect(page(waitingPipeline('stay'))).toContain('what was done by orders-17.10 stays (onFailure: stay)');
  expect(page(pipelineGoingBack())).toContain('this stage is being undone; then the pipeline is over');
});

it('R-SWITCH-5: the end of a stage is not called that of its pipeline', () => {
  expect(page(betweenStages())).toContain('outcome of this stage **completed**');
  expect(page(completedPipeline())).toContain(' · outcome **completed**');
});

it('R-SAGA-6: a run that has turned back by itself says for what', () => {
  const { failure, ...state } = differingRun();
  expect(page({ ...state, ...(failure && { cause: failure }) })).toContain(
    'Turned back because of **COPIES_DIFFER** 3 rows of ',
  );
});
