import { chaptersOf } from '../contracts/index.js';
import { stageRows } from './format-pipeline.js';
import { html } from './html/markup.js';
import { page } from './html/page.js';
import { chapterSection } from './html/pipeline/chapter.js';
import {
  pipelineAlarm,
  pipelineFigures,
  pipelineHeading,
  pipelineLimits,
  pipelineWaiting,
} from './html/pipeline/head.js';
import { stagesSection } from './html/pipeline/stages.js';
import type { PipelineSummary } from './schema/pipeline.js';
import type { StageState } from './summarize-pipeline.js';

/** `report.html` of a pipeline: what is true of the whole, then each chapter as the page of a single run has it. */
export function renderPipelineHtml(pipeline: PipelineSummary, state: StageState): string {
  const rows = stageRows(pipeline);
  const states = chaptersOf(state);
  const of = { stages: pipeline.stages.length, chapters: states.length };
  const chapters = rows.flatMap(({ chapter, ...row }) => {
    const ran = chapter && states[chapter.number - 1];
    return ran ? [chapterSection({ ...row, chapter }, ran, of)] : [];
  });
  return page(
    `${pipeline.run.cluster}: pipeline ${pipeline.run.name} ${pipeline.run.outcome} – rollgate`,
    pipeline.asOf,
    html`${pipelineHeading(pipeline)} ${pipelineAlarm(rows)} ${pipelineWaiting(rows)}
    ${pipelineFigures(pipeline)} ${stagesSection(pipeline, rows)} ${pipelineLimits(pipeline)} ${chapters}`,
  );
}
