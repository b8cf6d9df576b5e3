import type { RunState } from '../../contracts/index.js';
import { chapterName, stageText } from '../../planning/pipeline/standing.js';
import type { Paint } from './paint.js';
import { writesText } from './run-lines.js';

/** Which stage of a pipeline runs, and what clients saw in the ones before it; empty for any other run. */
export function pipelineLines(state: RunState, paint: Paint): string[] {
  const { pipeline, chapters = [] } = state;
  const text = stageText(state);
  if (!pipeline || text === undefined) return [];
  return [
    text,
    ...(pipeline.outcome === undefined ? [] : [`the pipeline is over: ${pipeline.outcome}`]),
    ...chapters.flatMap((chapter) => {
      const { writes, failure = chapter.cause } = chapter;
      const name = chapterName(chapter, pipeline);
      return [
        ...(failure ? [paint('red', `  ${name}: ${failure.code}: ${failure.message}`)] : []),
        ...(writes ? [told(`  ${name}: ${writesText(writes)}`, writes.lost > 0, paint)] : []),
      ];
    }),
  ];
}

const told = (line: string, loud: boolean, paint: Paint): string => (loud ? paint('red', line) : line);
