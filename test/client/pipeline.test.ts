import { describe, expect, it } from 'vitest';
import { exitCodeOf } from '../../src/client/cli/exit-codes.js';
import { plain } from '../../src/client/cli/paint.js';
import { runFrame } from '../../src/client/cli/run-frame.js';
import { outcomeLine } from '../../src/client/cli/run-lines.js';
import { pipelineIn } from '../../src/client/run-list.js';
import type { RunState } from '../../src/contracts/index.js';
import { at } from '../report/fixture.js';
import {
  betweenStages,
  completedPipeline,
  pipelineBack,
  pipelineGoingBack,
  pipelineId,
  pipelineTurning,
  waitingPipeline,
} from '../report/pipeline-fixture.js';
import { fakeRun } from './support/fake-client.js';
import { rollgate } from './support/rollgate.js';

const watched = (...looks: RunState[]) => ({ get: () => Promise.resolve(fakeRun(looks)) });
const where =
  'stage 2 of 2: orders-to-18 of pipeline orders-18 (StorageMigration to orders-18); before: orders-17.10';

describe('R-SAGA-6, R-SWITCH-5: the display of a pipeline', () => {
  it('says which stage of which pipeline it is, and what was before it and what clients saw then', () => {
    const lines = runFrame(waitingPipeline(), plain, at(70)).split('\n');
    expect(lines).toContain(`${where} completed`);
    expect(lines).toContain(
      '  orders-17.10: writes acknowledged 48213, lost 0, unknown 3, longest gap 431 ms',
    );
    expect(lines.find((l) => l.startsWith('run '))).toContain(`run ${pipelineId} of rollgate/orders`);
  });

  it.each([
    ['rollback', 'a rollback undoes this stage, and then orders-17.10 as well (onFailure: rollback)'],
    [
      'stay',
      'a rollback undoes this stage, and nothing before it: what was done by orders-17.10 stays (onFailure: stay)',
    ],
  ] as const)(
    'with onFailure %s says to whom it asks for an approval what a rollback takes back',
    (rule, says) => {
      const lines = runFrame(waitingPipeline(rule), plain, at(70)).split('\n');
      expect(lines.some((l) => l.startsWith('waits for approval of cutover '))).toBe(true);
      const undo = lines.findIndex((l) => l.startsWith('rollback from here: free:'));
      expect(undo).toBeGreaterThan(0);
      expect(lines[undo + 1]).toBe(says);
    },
  );

  it('the end of a stage is not called that of the whole, and nothing is offered to be undone', () => {
    const between = runFrame(betweenStages(), plain);
    expect(between).toContain('\noutcome of this stage completed');
    expect(between).not.toContain('rollback');
    const over = runFrame(completedPipeline(), plain);
    expect(over).toContain('\noutcome completed');
    expect(over).toContain('the pipeline is over: completed');
  });

  it('on its way back says what it undoes and what comes after, and why', () => {
    const frame = runFrame(pipelineGoingBack(), plain);
    expect(frame).toContain(
      'way back of stage 1 of 2: orders-17.10 of pipeline orders-18 (RollingUpgrade to 17.10); before: orders-17.10 completed, orders-to-18 rolled-back',
    );
    expect(frame).toContain('  orders-to-18: COPIES_DIFFER: 3 rows of ');
    expect(frame).toContain('this stage is being undone; then the pipeline is over');
  });

  it('R-SAGA-5: what any stage has left undone is told until the end, and is the exit code', () => {
    const { chapters = [], ...state } = pipelineBack();
    const leftUndone = [{ what: 'discard-migration', command: 'rollgate migrate discard', error: 'refused' }];
    const left = { ...state, chapters: chapters.map((c, i) => (i === 1 ? { ...c, leftUndone } : c)) };
    expect(runFrame(left, plain)).toContain(
      'LEFT UNDONE discard-migration: refused; undo: rollgate migrate discard',
    );
    expect(exitCodeOf(left)).toBe(4);
    expect(exitCodeOf(pipelineBack())).toBe(3);
  });

  it.each([
    ['between two stages', betweenStages(), 0],
    ['when a stage was rolled back and others are still to be', pipelineTurning(), 0],
    ['waiting for an approval', waitingPipeline(), 5],
    ['completed', completedPipeline(), 0],
  ])('%s it has the exit code of the whole', (_, state, code) => {
    expect(exitCodeOf(state)).toBe(code);
  });

  it('R-MIG-7: a stage of another cluster is steered by the name with which the pipeline began', () => {
    const { run, ...state } = waitingPipeline();
    const frame = runFrame({ ...state, run: { ...run, cluster: 'orders-18' } }, plain);
    expect(frame).toContain('  rollgate approve orders --step cutover ');
    expect(frame).toContain('  rollgate reject orders --step cutover ');
  });

  it('ends with its stage in its last line', () => {
    expect(outcomeLine(completedPipeline())).toContain(
      `orders: completed; ${where} completed; phase accepted`,
    );
  });
});

describe('R-SWITCH-5: watch of a pipeline', () => {
  it('does not end with a stage, and tells each event of every stage once', async () => {
    const client = watched(betweenStages(), waitingPipeline(), completedPipeline());
    const { code, stdout, stderr } = await rollgate(['watch', 'orders', '-o', 'ndjson'], { client });
    expect(code).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((l) => JSON.parse(l) as Record<string, unknown>);
    const { chapters = [], ...last } = completedPipeline();
    const texts = [...chapters, last].flatMap((c) => c.timeline.map((e) => e.text));
    const waits = waitingPipeline().timeline.at(-1)?.text;
    expect(
      lines
        .filter((l) => l['type'] === 'event')
        .map((l) => l['text'])
        .sort(),
    ).toEqual([...texts, waits].sort());
    expect(lines.at(-1)).toMatchObject({
      type: 'end',
      pipeline: { name: 'orders-18', outcome: 'completed', stages: [{ outcome: 'completed' }, {}] },
    });
    expect(stderr).toContain('a rollback undoes this stage, and then orders-17.10 as well');
    expect(stderr).toContain(where);
  });

  it('tells the events of a stage that ended between two looks', async () => {
    const { stdout } = await rollgate(['watch', 'orders'], { client: watched(completedPipeline()) });
    expect(stdout).toContain('a-2 is promoted');
    expect(stdout).toContain('phase accepted');
  });
});

describe('R-SWITCH-5: list of a pipeline', () => {
  it('shows its name and stages in place of the target of the last one', async () => {
    const listed = {
      ...{ workflowId: 'rollgate/orders', runId: pipelineId, cluster: 'orders', system: 'postgres' },
      ...{
        kind: 'Pipeline' as const,
        target: 'migration to orders-18',
        phase: 'migrating',
        workflow: 'running',
      },
      startedAt: at(0),
      ...pipelineIn({ pipeline: 'orders-18', stages: ['orders-17.10', 'orders-to-18'], to: '17.10, …' }),
    };
    const client = { list: () => Promise.resolve([listed]) };
    const { code, stdout } = await rollgate(['list', '--phase', 'migrating'], { client });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^orders +postgres +pipeline orders-18: orders-17\.10, orders-to-18 +migrating +running/m,
    );
  });

  it.each([[undefined], [{}], [{ upgrade: 'orders-17.10', to: '17.10' }], [{ pipeline: 7, stages: 'x' }]])(
    'the memo %j is of none',
    (memo) => {
      expect(pipelineIn(memo)).toEqual({});
    },
  );
});
