import { chaptersOf, placeOf } from '../../contracts/chapter.js';
import type { PipelineState, RunState } from '../../contracts/run.js';
import { nextStage } from './next-stage.js';

/**
 * Where a pipeline stands, in one line: `stage 2 of 2: orders-to-18 of pipeline orders-18 (StorageMigration to
 * orders-18); before: orders-17.10 completed`. `undefined`: the run is no stage.
 */
export function stageText(state: RunState): string | undefined {
  const { pipeline } = state;
  if (!pipeline) return undefined;
  const { stage: index = pipeline.stage, wayBack } = placeOf(state, pipeline);
  const stage = pipeline.stages[index];
  if (!stage) return undefined;
  const before = chaptersOf(state)
    .slice(0, -1)
    .map((chapter) => `${chapterName(chapter, pipeline)} ${chapter.run.outcome}`);
  return [
    `${wayBack ? 'way back of ' : ''}stage ${index + 1} of ${pipeline.stages.length}: ${stage.name} of pipeline ${pipeline.name} (${stage.kind} to ${stage.to})`,
    ...(before.length > 0 ? [`before: ${before.join(', ')}`] : []),
  ].join('; ');
}

/** `orders-17.10`, `way back of orders-17.10`. */
export function chapterName(chapter: RunState, pipeline: PipelineState): string {
  const { stage, wayBack } = placeOf(chapter, pipeline);
  const name = (stage === undefined ? undefined : pipeline.stages[stage]?.name) ?? chapter.run.name;
  return wayBack ? `way back of ${name}` : name;
}

/**
 * What a rollback from here means for this stage and the ones before it (R-SAGA 6), in one sentence; `undefined` where
 * there is nothing to roll back.
 */
export function undoAcrossStages(state: RunState): string | undefined {
  const { pipeline, run, migration } = state;
  if (!pipeline || pipeline.outcome !== undefined || run.outcome !== 'running') return undefined;
  if (migration?.retiring === true) return undefined;
  return `${undoing(state)}${undoneBefore(state, pipeline)}`;
}

function undoing({ migration, pipeline, direction }: RunState): string {
  // An operator takes a migration back one rung at a time.
  if (migration?.authority === 'destination' && migration.discarding !== true) {
    return 'a rollback takes the writes back, one more undoes this stage';
  }
  return direction === 'back' || pipeline?.direction === 'back'
    ? 'this stage is being undone'
    : 'a rollback undoes this stage';
}

function undoneBefore(state: RunState, pipeline: PipelineState): string {
  const further = undoneWith(state);
  if (further.length > 0) return `, and then ${further.join(', then ')} as well (onFailure: rollback)`;
  const done = pipeline.stages.slice(0, pipeline.stage).map((s) => s.name);
  if (done.length === 0 || pipeline.direction === 'back') return '; then the pipeline is over';
  if (pipeline.pointOfNoReturn !== undefined) {
    return `, and nothing before it: ${pipeline.pointOfNoReturn} cannot be undone any more`;
  }
  return pipeline.onFailure === 'stay'
    ? `, and nothing before it: what was done by ${done.join(', ')} stays (onFailure: stay)`
    : `, and nothing before it: nothing was to be done by ${done.join(', ')}`;
}

/** The stages that would be undone after this one, newest first: by the same rule that undoes them. */
function undoneWith(state: RunState): string[] {
  const names: string[] = [];
  let ended: RunState = { ...state, run: { ...state.run, outcome: 'rolled-back' } };
  for (;;) {
    const next = nextStage(ended);
    const { pipeline } = ended;
    if (!pipeline || next?.direction !== 'back') return names;
    names.push(pipeline.stages[next.stage]?.name ?? next.done.run.name);
    ended = { ...ended, pipeline: { ...pipeline, direction: 'back', stage: next.stage } };
  }
}
