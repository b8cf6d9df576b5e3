import { formatMs, formatSpan, formatTime, msBetween } from '../format.js';
import {
  formatLongestGap,
  formatOnFailure,
  formatStages,
  stageRows,
  unmeasuredLines,
  type StageRow,
} from '../format-pipeline.js';
import { alarm, renderText } from '../render-text.js';
import type { PipelineSummary } from '../schema/pipeline.js';
import { labelled, table } from './layout.js';

/** `summary.txt` of a pipeline: a head over all, then each chapter as a run of its own is told. */
export function renderPipelineText(pipeline: PipelineSummary): string {
  const rows = stageRows(pipeline);
  const begun = rows.filter((r) => r.chapter !== undefined).length;
  const head = [
    alarms(rows),
    heading(pipeline),
    table([
      ['', 'stage', 'kind', 'to', 'outcome', 'took', 'acknowledged', 'lost', 'longest gap'],
      ...rows.map(cells),
    ]),
    labelled('why', rows.flatMap(failureOf)),
    labelled('waiting', rows.flatMap(waitingOf)),
    labelled('writes', totals(pipeline)),
    [formatOnFailure(pipeline)],
    pipeline.resumeHint === '' ? [] : labelled('go on', [pipeline.resumeHint]),
  ];
  const blocks = head.filter((b) => b.length > 0).map((b) => b.join('\n'));
  const chapters = rows.flatMap((row) =>
    row.chapter ? [chapterText(row, row.chapter, pipeline, begun)] : [],
  );
  return `${[...blocks, ...chapters.map((c) => c.trimEnd())].join('\n\n')}\n`;
}

/** What must not be overlooked in any chapter, before anything else. */
const alarms = (rows: readonly StageRow[]): string[] =>
  rows.flatMap(({ name, chapter }) => {
    const [line, ...told] = chapter ? alarm(chapter.summary) : [];
    return line === undefined ? [] : [line, `!! in ${name}`, ...told];
  });

function heading(pipeline: PipelineSummary): string[] {
  const { run, asOf, direction } = pipeline;
  const span = formatMs(msBetween(run.startedAt, run.endedAt ?? asOf));
  return [
    `${run.cluster}: ${run.system} pipeline ${run.name} to ${run.target}  ${run.outcome.toUpperCase()}${
      run.outcome === 'running' && direction === 'back' ? ' (back)' : ''
    }`,
    `run ${run.id}  ${formatStages(pipeline)}`,
    run.endedAt === undefined
      ? `since ${formatTime(run.startedAt)} UTC, as of ${formatTime(asOf)} (${span})`
      : `${formatSpan(run.startedAt, run.endedAt)} UTC (${span})`,
  ];
}

function cells({ number, name, kind, to, outcome, chapter }: StageRow): string[] {
  const first = [String(number), name, kind, to, outcome];
  if (!chapter) return first;
  const { run, asOf, writes } = chapter.summary;
  const gap = writes?.longestGapMs;
  return [
    ...first,
    formatMs(msBetween(run.startedAt, run.endedAt ?? asOf)),
    ...(writes ? [String(writes.acknowledged), String(writes.lost)] : ['-', '-']),
    gap === undefined || gap === null ? '-' : `${Math.round(gap)} ms`,
  ];
}

const failureOf = ({ name, chapter }: StageRow): string[] => {
  const failure = chapter?.summary.failure ?? chapter?.summary.cause;
  return failure ? [`${name}: ${failure.code}: ${failure.message}`] : [];
};

const waitingOf = ({ name, chapter }: StageRow): string[] => {
  const waiting = chapter?.summary.waiting;
  return waiting
    ? [
        `${name}: for the approval of ${waiting.step} (${waiting.title}) until ${formatTime(waiting.expiresAt)} UTC`,
      ]
    : [];
};

function totals(pipeline: PipelineSummary): string[] {
  const { writes } = pipeline;
  const missing = unmeasuredLines(pipeline);
  if (!writes) return missing.length > 0 ? missing : ['not measured: no stage took a step'];
  return [
    `acknowledged ${writes.acknowledged}, lost ${writes.lost}, longest write gap ${formatLongestGap(pipeline, writes)}`,
    `unknown ${writes.unknown}, resurrected ${writes.resurrected}`,
    ...missing,
  ];
}

function chapterText(
  { number, name, kind }: StageRow,
  { number: chapter, summary }: NonNullable<StageRow['chapter']>,
  { stages }: PipelineSummary,
  chapters: number,
): string {
  const line = '='.repeat(72);
  const title = `chapter ${chapter} of ${chapters}: stage ${number} of ${stages.length}, ${name} (${kind})`;
  return [line, title, line, '', renderText(summary)].join('\n');
}
