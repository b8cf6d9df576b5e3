import type { PipelineState, RunState } from '../../src/contracts/index.js';
import type { StageState } from '../../src/report/summarize-pipeline.js';
import { at, finishedRun } from './fixture.js';
import { differingRun, migratedRun, waitingRun } from './migration-fixture.js';

export const pipelineId = '0199c7a2-55f1-7d64-9b8e-000000000001';

const pipeline = (changes: Partial<PipelineState> = {}): PipelineState => ({
  name: 'orders-18',
  runId: pipelineId,
  onFailure: 'rollback',
  stage: 0,
  direction: 'forward',
  stages: [
    { name: 'orders-17.10', kind: 'RollingUpgrade', to: '17.10', runId: `${pipelineId}.1` },
    { name: 'orders-to-18', kind: 'StorageMigration', to: 'orders-18', runId: `${pipelineId}.2` },
  ],
  ...changes,
});

/** The state of a pipeline, with what has become of each stage. */
function staged(
  state: RunState,
  chapters: readonly RunState[],
  progress: Partial<PipelineState>,
  outcomes: readonly RunState['run']['outcome'][],
): StageState {
  const { stages, ...rest } = pipeline(progress);
  const told = stages.map((s, i) => ({ ...s, ...(outcomes[i] && { outcome: outcomes[i] }) }));
  return { ...state, chapters, pipeline: { ...rest, stages: told } };
}

/** 17.5 → 17.10, of the nodes that the migration has as its source. */
export const firstStage = (): RunState => named(finishedRun(), `${pipelineId}.1`, 0);

/** The migration from 17.10 to 18.4, two seconds after the first stage. */
const secondStage = (run: RunState): RunState => named(run, `${pipelineId}.2`, 47);

/** Moved to 18.4 and accepted. */
export const completedPipeline = (): StageState =>
  staged(
    secondStage(migratedRun()),
    [firstStage()],
    { stage: 1, outcome: 'completed', pointOfNoReturn: 'orders-to-18' },
    ['completed', 'completed'],
  );

/** While its migration waits for the approval of the cutover. */
export const waitingPipeline = (onFailure: PipelineState['onFailure'] = 'rollback'): StageState =>
  staged(secondStage(waitingRun('cutover')), [firstStage()], { stage: 1, onFailure }, ['completed']);

/** The first stage has ended, the second one has not begun. */
export const betweenStages = (): StageState => staged(firstStage(), [], {}, ['completed']);

/** Where three rows differed: nothing of the migration is left. */
export function discardedMigration(): RunState {
  const run = differingRun();
  const { writes } = migratedRun();
  const { migration, failure } = run;
  return secondStage({
    ...run,
    failure: undefined,
    ...(failure && { cause: failure }),
    run: { ...run.run, outcome: 'rolled-back', endedAt: at(25) },
    phase: 'finished',
    direction: 'back',
    steps: [
      ...run.steps.map((s) =>
        s.endedAt === undefined ? { ...s, endedAt: at(20.7), result: 'failed' as const } : s,
      ),
      {
        id: 'discard',
        title: 'Remove everything of it',
        startedAt: at(20.8),
        endedAt: at(23),
        result: 'done',
      },
    ],
    migration: migration && {
      ...migration,
      phase: 'discarded',
      phases: [...migration.phases, { phase: 'discarded', at: at(23) }],
    },
    writes: writes && {
      ...writes,
      acknowledged: 21_450,
      writeGaps: [{ ms: 12, from: at(20.2), to: at(20.212) }],
      readGaps: [],
      longestWait: { ms: 14, from: at(20.2), to: at(20.214), client: 'writer-3' },
      endedAt: at(24.2),
      buckets: writes.buckets.filter((b) => Date.parse(b.at) < Date.parse(at(24))),
    },
    resumeHint: '',
  });
}

/** The nodes of the first stage, one after the other on 17.5 again. */
function wayBack(): RunState {
  const run = firstStage();
  return named(
    {
      ...run,
      run: { ...run.run, outcome: 'rolled-back' },
      direction: 'back',
      nodes: run.nodes.map((n) => ({ ...n, version: '17.5', swappedAt: n.startedAt })),
      decisions: [],
      faults: [],
      timeline: [
        { at: at(1.15), kind: 'step', text: 'rolling back to the former version' },
        ...run.timeline.filter((e) => Date.parse(e.at) > Date.parse(at(1.2))),
      ],
      writes: run.writes && { ...run.writes, acknowledged: 47_002, unknown: 1 },
    },
    `${pipelineId}.1.back`,
    74,
  );
}

/** Its migration was discarded, and then the first stage was undone: back on 17.5. */
export const pipelineBack = (): StageState =>
  staged(
    wayBack(),
    [firstStage(), discardedMigration()],
    { stage: 0, direction: 'back', outcome: 'rolled-back' },
    ['rolled-back', 'rolled-back'],
  );

/** The same when the migration has just been discarded. */
export const pipelineTurning = (): StageState =>
  staged(discardedMigration(), [firstStage()], { stage: 1 }, ['completed', 'rolled-back']);

/** The same while the nodes of the first stage go back. */
export const pipelineGoingBack = (): StageState => {
  const { run, ...state } = wayBack();
  return staged(
    {
      ...state,
      run: { ...run, endedAt: undefined, outcome: 'running' },
      phase: 'rolling-back',
      step: 'replace/a-1',
      writes: undefined,
      resumeHint: 'rollgate watch orders',
    },
    [firstStage(), discardedMigration()],
    { stage: 0, direction: 'back' },
    ['completed', 'rolled-back'],
  );
};

/** The run under another id, that many seconds later, on the nodes of the migration's source. */
function named(run: RunState, id: string, seconds: number): RunState {
  const text = JSON.stringify({ ...run, run: { ...run.run, id } })
    .replaceAll('pg-', 'a-')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (time) =>
      new Date(Date.parse(time) + seconds * 1000).toISOString(),
    );
  return JSON.parse(text) as RunState;
}
