import { formatAmount, formatDuring, formatMs } from './format.js';
import type { PipelineSummary } from './schema/pipeline.js';
import type { Summary } from './summary-schema.js';

/** A line of the table of stages: one that was run, a way back, or one that is still to come. */
export interface StageRow {
  /** Of the stage, from 1. */
  readonly number: number;
  /** `orders-17.10`, `orders-17.10, way back`. */
  readonly name: string;
  readonly kind: PipelineSummary['stages'][number]['kind'];
  /** `17.10`, `orders-18`, `back to 17.5`. */
  readonly to: string;
  readonly outcome: PipelineSummary['run']['outcome'] | 'to come' | 'not begun';
  /** Of the chapter, from 1; absent: it has not begun. */
  readonly chapter?: { readonly number: number; readonly summary: Summary };
}

/** What was run, in that order, and after it the stages that were not. */
export function stageRows(pipeline: PipelineSummary): StageRow[] {
  const { stages, chapters, run, direction } = pipeline;
  const begun = chapters.map((summary, i) => chapterRow(pipeline, summary, i + 1));
  const goesOn =
    run.outcome === 'running' && direction === 'forward' && chapters.at(-1)?.direction === 'forward';
  const others = stages.flatMap(({ name, kind, to, chapters: own }, i): StageRow[] =>
    own.length > 0 ? [] : [{ number: i + 1, name, kind, to, outcome: goesOn ? 'to come' : 'not begun' }],
  );
  return [...begun, ...others];
}

/** @param number of the chapter, from 1 */
function chapterRow({ stages }: PipelineSummary, summary: Summary, number: number): StageRow {
  const { id, outcome, name, target } = summary.run;
  const index = stages.findIndex((s) => s.chapters.includes(id));
  const stage = stages[index];
  const wayBack = stage !== undefined && stage.runId !== id;
  return {
    number: index + 1,
    name: `${stage?.name ?? name}${wayBack ? ', way back' : ''}`,
    kind: stage?.kind ?? 'RollingUpgrade',
    to: wayBack ? `back to ${formerVersions(summary)}` : (stage?.to ?? target),
    outcome,
    chapter: { number, summary },
  };
}

const formerVersions = ({ nodes }: Summary): string => [...new Set(nodes.map((n) => n.from))].join(', ');

/** The name of the row that a chapter has. */
export const nameOfChapter = (pipeline: PipelineSummary, id: string): string =>
  stageRows(pipeline).find((r) => r.chapter?.summary.run.id === id)?.name ?? id;

export const kindWords: Readonly<Record<StageRow['kind'], string>> = {
  RollingUpgrade: 'rolling upgrade',
  StorageMigration: 'storage migration',
};

/** What becomes of the stages before, when one does not complete. */
export function formatOnFailure({ onFailure, pointOfNoReturn }: PipelineSummary): string {
  const rule =
    onFailure === 'stay'
      ? 'onFailure stay: the stages before one that does not complete stay as they are'
      : 'onFailure rollback: once a stage that did not complete is undone, the ones before it are undone as well';
  return pointOfNoReturn === undefined
    ? rule
    : `${rule}; ${pointOfNoReturn} and what was before it cannot be undone any more`;
}

/** `2 of 3 stages completed`. */
export const formatStages = ({ stages }: PipelineSummary): string =>
  `${stages.filter((s) => s.outcome === 'completed').length} of ${formatAmount(stages.length, 'stage')} completed`;

/** Why there are no figures over all, or what they leave out. */
export function unmeasuredLines(pipeline: PipelineSummary): string[] {
  const { unmeasured, writes } = pipeline;
  const name = (chapter: string): string => nameOfChapter(pipeline, chapter);
  return [
    ...unmeasured.map(({ chapter, measurement }) => {
      switch (measurement) {
        case 'pending':
          return `not in these figures yet: ${name(chapter)}, whose write ledger is read back at its end`;
        case 'off':
          return `no figures over all stages: no probe ran in ${name(chapter)}`;
        case 'missing':
          return `no figures over all stages: there is no write ledger of ${name(chapter)}`;
      }
    }),
    ...(writes?.between ?? []).map(
      ({ ms, after, before }) =>
        `not observed for ${formatMs(ms)} between ${name(after)} and ${name(before)}: each has a probe of its own`,
    ),
  ];
}

/** `431 ms (orders-17.10, during handover/default)`. */
export function formatLongestGap(
  pipeline: PipelineSummary,
  { longestGapMs, longestGapDuring }: NonNullable<PipelineSummary['writes']>,
): string {
  if (longestGapMs === null || longestGapDuring === null) return 'not known';
  const { chapter, step } = longestGapDuring;
  return `${Math.round(longestGapMs)} ms (${nameOfChapter(pipeline, chapter)}, ${formatDuring(step)})`;
}
