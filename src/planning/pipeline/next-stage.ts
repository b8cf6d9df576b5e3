import type { PipelineState, RunState } from '../../contracts/run.js';

/** Where a pipeline goes when a stage of it has ended. */
export type NextStage =
  | { readonly direction: 'forward'; readonly stage: number }
  /** `done`: that stage as it had ended, which is to be undone. */
  | { readonly direction: 'back'; readonly stage: number; readonly done: RunState };

/**
 * What comes after the stage whose final state this is; `undefined`: the pipeline is over. A stage that did not
 * complete leads back over the ones before it only when the spec says so, and nothing of itself is left.
 */
export function nextStage(state: RunState): NextStage | undefined {
  const { pipeline, run } = state;
  if (!pipeline) return undefined;
  if (pipeline.direction === 'back')
    return run.outcome === 'rolled-back' ? backFrom(state, pipeline) : undefined;
  if (run.outcome === 'completed') {
    const stage = pipeline.stage + 1;
    return stage < pipeline.stages.length ? { direction: 'forward', stage } : undefined;
  }
  return pipeline.onFailure === 'rollback' && leftNothing(state) ? backFrom(state, pipeline) : undefined;
}

/** It has gone back; or it was refused, before it had changed anything. */
const leftNothing = ({ run, plan, leftUndone }: RunState): boolean =>
  run.outcome === 'rolled-back' ||
  (run.outcome === 'failed' && plan?.kind === 'refused' && leftUndone.length === 0);

/** The newest stage before this one that changed something, as far as stages can be undone. */
function backFrom(
  { chapters = [] }: RunState,
  { stage, stages, pointOfNoReturn }: PipelineState,
): NextStage | undefined {
  for (let before = stage - 1; before >= 0; before--) {
    const { name, runId } = stages[before] ?? {};
    if (name === pointOfNoReturn) return undefined;
    const done = chapters.find((c) => c.run.id === runId);
    if (done?.plan?.kind === 'possible') return { direction: 'back', stage: before, done };
  }
  return undefined;
}
