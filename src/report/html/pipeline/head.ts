import { formatCount, formatMs, msBetween } from '../../format.js';
import {
  formatLongestGap,
  formatStages,
  nameOfChapter,
  unmeasuredLines,
  type StageRow,
} from '../../format-pipeline.js';
import type { PipelineSummary } from '../../schema/pipeline.js';
import { html, type Markup } from '../markup.js';
import { ms } from '../sections/facts.js';
import { tile } from '../sections/figures.js';
import { outcomeWords, span } from '../sections/heading.js';
import { waitingBox } from '../sections/warnings.js';
import { chapterAnchor } from './anchors.js';

/** What the whole pipeline is and how it ended or stands. */
export function pipelineHeading(pipeline: PipelineSummary): Markup {
  const { run, asOf, direction } = pipeline;
  return html`<header>
    <p class="kicker">rollgate · pipeline</p>
    <h1>
      ${run.cluster}
      <span class="versions">${run.system} ${pipeline.stages.map((s) => s.to).join(', then ')}</span>
    </h1>
    <p class="outcome o-${run.outcome}">
      <b>${outcomeWords[run.outcome]}</b>
      <span
        >${formatStages(pipeline)}${direction === 'back' && run.outcome === 'running' && ', on the way back'}</span
      >
    </p>
    <p class="meta">${span(run, asOf)} · pipeline <b>${run.name}</b> · run <code>${run.id}</code></p>
  </header>`;
}

/** What no reader may overlook: chapters that lost writes, or whose history has no order. */
export function pipelineAlarm(rows: readonly StageRow[]): Markup | undefined {
  const found = rows.flatMap((row) => {
    if (!row.chapter) return [];
    const { writes } = row.chapter.summary;
    const told = [
      ...(writes && writes.lost > 0
        ? [`${formatCount(writes.lost)} of ${formatCount(writes.acknowledged)} acknowledged writes lost`]
        : []),
      ...(writes?.linearizability?.verdict === 'violated' ? ['the history is not linearizable'] : []),
    ];
    return told.map((text) => html`<li>${linkTo(row)}: ${text}</li>`);
  });
  if (found.length === 0) return undefined;
  return html`<section class="alarm" role="alert">
    <h2>What clients were told was not kept</h2>
    <ul>
      ${found}
    </ul>
    <p>Keep every data directory as it is.</p>
  </section>`;
}

/** The approval that is waited for, before one has to look for its chapter. */
export const pipelineWaiting = (rows: readonly StageRow[]): Markup[] =>
  rows.flatMap((row) => (row.chapter && waitingBox(row.chapter.summary, linkTo(row))) ?? []);

export function pipelineFigures(pipeline: PipelineSummary): Markup {
  const { writes, run, asOf } = pipeline;
  const during = writes?.longestGapDuring;
  return html`<section class="figures" aria-label="Key figures of the pipeline">
    ${
      writes
        ? [
            tile('acknowledged writes', formatCount(writes.acknowledged), 'in all chapters that have ended'),
            tile(
              'lost',
              formatCount(writes.lost),
              writes.lost === 0 ? 'read back at the end of each' : 'see above',
              writes.lost === 0 ? 'good' : 'bad',
            ),
            tile(
              'longest write gap',
              ms(writes.longestGapMs),
              during ? `${nameOfChapter(pipeline, during.chapter)}, ${during.step}` : '',
            ),
          ]
        : [tile('writes', '—', unmeasuredLines(pipeline)[0] ?? 'no stage took a step')]
    }
    ${tile('duration', formatMs(msBetween(run.startedAt, run.endedAt ?? asOf)), run.endedAt === undefined ? 'so far' : 'over all stages')}
  </section>`;
}

/** What the figures over all are made of, and what they leave out. */
export function pipelineLimits(pipeline: PipelineSummary): Markup {
  const { writes } = pipeline;
  return html`<section class="limits">
    <h2>What the figures over all stages say, and what they do not</h2>
    <ul>
      ${writes && html`<li>Longest write gap: ${formatLongestGap(pipeline, writes)}.</li>`}
      ${unmeasuredLines(pipeline).map((line) => html`<li>${line.charAt(0).toUpperCase()}${line.slice(1)}.</li>`)}
      <li>
        The writes of a chapter were read back at its own end, and not again later. Each chapter says below
        what its figures mean.
      </li>
    </ul>
  </section>`;
}

/** The name of a chapter, which leads to it. */
export const linkTo = ({ name, chapter }: StageRow): Markup =>
  chapter ? html`<a href="#${chapterAnchor(chapter.number)}">${name}</a>` : html`${name}`;
