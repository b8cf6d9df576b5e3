import { workflowInfo } from '@temporalio/workflow';
import {
  documentOf,
  type PipelineInput,
  type PipelineState,
  type RunState,
  type StageSpec,
} from '../contracts/run.js';
import { asChapter } from '../planning/pipeline/chapter.js';
import { nextStage } from '../planning/pipeline/next-stage.js';
import { planChanged } from './accept-plan.js';
import { act } from './activities.js';
import { installControls } from './controls.js';
import { migrationStart } from './migration-run.js';
import { migrationWay } from './migration-way.js';
import { runUpgrade, undoUpgrade, upgradeWay } from './rolling-upgrade.js';
import { newState, runOf, type Run } from './run.js';
import { finish } from './steps/finish.js';
import { runMigration } from './storage-migration.js';

/**
 * Stages in order as one run: each plans anew from what it finds. A stage that does not complete ends the pipeline;
 * where the spec says so, the stages before it are undone, newest first. Returns the state of the stage that ran last,
 * with those before it as its chapters.
 */
export async function pipeline(input: PipelineInput): Promise<RunState> {
  const { pipeline: spec, stages, cluster, expectPlan } = input;
  const as = (state: RunState): Run =>
    runOf(state, state.spec.migration ? migrationWay : upgradeWay, (later) => ({
      ...{ cluster, pipeline: spec, stages, state: later },
    }));

  let state = input.state ?? stateOf(stages, begin(input), 0);
  if (input.state === undefined && expectPlan !== undefined) {
    const what = { cluster, runId: workflowInfo().firstExecutionRunId, stages };
    const { hash } = await act('makePipelinePlan', `plan the stages of ${spec.name}`, what);
    if (hash !== expectPlan) return refused(as(state), hash, expectPlan);
  }
  for (;;) {
    await runStage(as(state));
    const next = nextStage(state);
    const { pipeline: progress } = state;
    if (!next || !progress) return state;
    progress.direction = next.direction;
    progress.stage = next.stage;
    const fresh =
      next.direction === 'forward' ? stateOf(stages, progress, next.stage) : again(next.done, progress);
    state = {
      ...fresh,
      chapters: [...(state.chapters ?? []), asChapter(state)],
      // Whoever asked for a pause too late for this stage means the next one.
      pauseRequested: state.pauseRequested,
    };
  }
}

async function runStage(run: Run): Promise<void> {
  const { state } = run;
  if (state.spec.migration) return runMigration(run);
  const undone = state.pipeline?.direction === 'back' && state.direction === 'forward';
  return undone ? undoUpgrade(run) : runUpgrade(run);
}

function begin({ pipeline: spec, stages }: PipelineInput): PipelineState {
  const { firstExecutionRunId: runId } = workflowInfo();
  return {
    name: spec.name,
    runId,
    onFailure: spec.onFailure,
    stage: 0,
    direction: 'forward',
    stages: stages.map((stage, i) => ({
      name: documentOf(stage).name,
      kind: stage.migration ? 'StorageMigration' : 'RollingUpgrade',
      to: stage.migration ? stage.destination.name : stage.upgrade.to,
      runId: `${runId}.${i + 1}`,
    })),
  };
}

/** A stage at its start, under a name of its own in scratch objects. */
function stateOf(stages: readonly StageSpec[], pipeline: PipelineState, index: number): RunState {
  const [spec, id] = [stages[index], pipeline.stages[index]?.runId];
  if (!spec || id === undefined) throw new RangeError(`a pipeline without a stage ${index + 1}`);
  const fresh = newState(spec);
  return {
    ...fresh,
    run: { ...fresh.run, id },
    ...(spec.migration && { migration: migrationStart() }),
    pipeline,
  };
}

/** A stage that completed, to be undone by its plan: a run of its own, which asks for no approval again. */
function again({ run, spec, plan, nodes, approved }: RunState, pipeline: PipelineState): RunState {
  const fresh = newState(spec);
  return {
    ...fresh,
    run: { ...fresh.run, id: `${run.id}.back` },
    ...{ plan, approved, pipeline },
    nodes: nodes.map((n) => ({ ...n, swappedAt: undefined, startedAt: undefined, endedAt: undefined })),
  };
}

/** Nothing was changed: the stages are not what was read. */
async function refused(run: Run, hash: string, expected: string): Promise<RunState> {
  installControls(run);
  run.state.failure = planChanged(hash, expected, 'plan');
  await finish(run, 'failed');
  return run.state;
}
