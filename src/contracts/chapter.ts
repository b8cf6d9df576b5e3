import type { PipelineState, RunState } from './run.js';

/** What a pipeline has run so far, oldest first, the stage in progress last; any other run is its only chapter. */
export const chaptersOf = (state: RunState): readonly RunState[] => [...(state.chapters ?? []), state];

/** The cluster by whose name the run is found: that with which its pipeline began, whichever its stage is of. */
export const clusterOfRun = (state: RunState): string => (state.chapters?.[0] ?? state).run.cluster;

/** Which stage a chapter is of. */
export interface ChapterPlace {
  /** From 0; absent: the pipeline has no stage of this run id. */
  readonly stage?: number;
  /** It undoes what the stage had done. */
  readonly wayBack: boolean;
}

/** The place of a chapter in its pipeline, by its run id: that of the stage, or of the way back of the stage. */
export function placeOf(chapter: Pick<RunState, 'run'>, { stages }: PipelineState): ChapterPlace {
  const { id } = chapter.run;
  const stage = stages.findIndex(({ runId }) => id === runId || id === `${runId}.back`);
  return stage < 0 ? { wayBack: false } : { stage, wayBack: id !== stages[stage]?.runId };
}

/** Whether nothing more will run: the end of a stage is not yet that of its pipeline. */
export const isOver = ({ run, pipeline }: Pick<RunState, 'run' | 'pipeline'>): boolean =>
  pipeline ? pipeline.outcome !== undefined : run.outcome !== 'running';
