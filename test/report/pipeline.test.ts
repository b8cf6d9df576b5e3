import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { RunState } from '../../src/contracts/index.js';
import { renderPipelineHtml } from '../../src/report/render-pipeline-html.js';
import { jsonSchemaOfPipelineSummary, PipelineSummary } from '../../src/report/schema/pipeline.js';
import { summarizePipeline, type StageState } from '../../src/report/summarize-pipeline.js';
import { summarize } from '../../src/report/summarize.js';
import { renderPipelineText } from '../../src/report/text/pipeline.js';
import { at, failedRun } from './fixture.js';
import {
  betweenStages,
  completedPipeline,
  firstStage,
  pipelineBack,
  pipelineGoingBack,
  pipelineId,
  pipelineTurning,
  waitingPipeline,
} from './pipeline-fixture.js';

const textOf = (state: StageState): string => renderPipelineText(summarizePipeline(state));
const htmlOf = (state: StageState): string => renderPipelineHtml(summarizePipeline(state), state);

/** The pipeline with its first chapter changed. */
const withFirst = (state: StageState, change: (chapter: RunState) => RunState): StageState => ({
  ...state,
  chapters: state.chapters?.map((c, i) => (i === 0 ? change(c) : c)),
});

/** One that completed, though its first stage lost a write. */
const lossy = (): StageState => {
  const { writes, failure } = failedRun();
  return withFirst(completedPipeline(), (c) => ({ ...c, failure, ...(writes && { writes }) }));
};

const barely = (): StageState => ({
  ...betweenStages(),
  ...{ plan: undefined, steps: [], nodes: [], timeline: [], samples: [], gates: [], handovers: [] },
  writes: undefined,
});

const states: [string, () => StageState][] = [
  ['completed', completedPipeline],
  ['gone back', pipelineBack],
  ['going back', pipelineGoingBack],
  ['about to go back', pipelineTurning],
  ['waiting in its second stage', waitingPipeline],
  ['between its stages', betweenStages],
  ['that has only begun', barely],
  ['that lost a write', lossy],
];

describe('R-PROOF-1, R-SWITCH-5: summary.json of a pipeline', () => {
  test.each(states)('one %s fits the schema, and is the same after a round trip through JSON', (_, make) => {
    const text = JSON.stringify(summarizePipeline(make()));
    expect(JSON.stringify(PipelineSummary.parse(JSON.parse(text)))).toBe(text);
    const schema = z.fromJSONSchema(
      z.record(z.string(), z.unknown()).parse(JSON.parse(JSON.stringify(jsonSchemaOfPipelineSummary()))),
    );
    expect(schema.safeParse(JSON.parse(text)).error).toBeUndefined();
  });

  test('R-MIG-7: one that completed: its stages in order, each with its chapter', () => {
    const state = completedPipeline();
    const summary = summarizePipeline(state);
    expect(summary).toMatchObject({
      run: {
        ...{ id: pipelineId, kind: 'Pipeline', name: 'orders-18', cluster: 'orders', target: 'orders-18' },
        ...{ startedAt: at(0), endedAt: state.run.endedAt, outcome: 'completed' },
      },
      direction: 'forward',
      pointOfNoReturn: 'orders-to-18',
      stages: [
        { kind: 'RollingUpgrade', to: '17.10', outcome: 'completed', chapters: [`${pipelineId}.1`] },
        { kind: 'StorageMigration', to: 'orders-18', outcome: 'completed', chapters: [`${pipelineId}.2`] },
      ],
      resumeHint: '',
    });
    expect(summary.chapters).toEqual([summarize(firstStage()), summarize(state)]);
  });

  test('R-MIG-7: a way back across stages is a chapter of its own, of the stage that it undoes', () => {
    expect(summarizePipeline(pipelineBack())).toMatchObject({
      run: { outcome: 'rolled-back' },
      direction: 'back',
      stages: [
        { outcome: 'rolled-back', chapters: [`${pipelineId}.1`, `${pipelineId}.1.back`] },
        { outcome: 'rolled-back', chapters: [`${pipelineId}.2`] },
      ],
      chapters: [
        { run: { outcome: 'completed' } },
        { run: { outcome: 'rolled-back' }, migration: { phase: 'discarded' } },
        { run: { outcome: 'rolled-back' } },
      ],
    });
  });

  test.each([
    ['between two stages', betweenStages, ['completed', undefined]],
    ['before a way back', pipelineTurning, ['completed', 'rolled-back']],
    ['on a way back', pipelineGoingBack, ['running', 'rolled-back']],
  ] as const)('%s it is not over', (_, make, outcomes) => {
    const { run, stages } = summarizePipeline(make());
    expect(run).toMatchObject({ outcome: 'running', endedAt: undefined });
    expect(stages.map((s) => s.outcome)).toEqual(outcomes);
  });
});

describe('R-PROOF-2: the figures over all stages of a pipeline', () => {
  test('are sums, with the longest gap and the chapter and step in which it was', () => {
    expect(summarizePipeline(completedPipeline())).toMatchObject({
      unmeasured: [],
      writes: {
        ...{ acknowledged: 48_213 + 94_330, lost: 0, unknown: 6, resurrected: 0, longestGapMs: 431 },
        longestGapDuring: { chapter: `${pipelineId}.1`, step: 'handover/default' },
      },
    });
  });

  test('say what no probe watched: the time from the end of one to the beginning of the next', () => {
    const { writes } = summarizePipeline(pipelineBack());
    expect(writes?.between).toMatchObject([
      { ms: 4000, from: at(44.2), to: at(48.2), after: `${pipelineId}.1`, before: `${pipelineId}.2` },
      { after: `${pipelineId}.2`, before: `${pipelineId}.1.back` },
    ]);
  });

  test('leave out the stage in progress, and say so', () => {
    const summary = summarizePipeline(waitingPipeline());
    expect(summary.unmeasured).toEqual([{ chapter: `${pipelineId}.2`, measurement: 'pending' }]);
    expect(summary.writes).toMatchObject({ acknowledged: 48_213, lost: 0, between: [] });
    expect(renderPipelineText(summary)).toContain('not in these figures yet: orders-to-18');
  });

  test('are none when a chapter that has ended has no ledger, and say which', () => {
    const state = withFirst(completedPipeline(), (c) => ({ ...c, writes: undefined }));
    const summary = summarizePipeline(state);
    expect(summary).toMatchObject({
      unmeasured: [{ chapter: `${pipelineId}.1`, measurement: 'missing' }],
      writes: undefined,
    });
    const text = renderPipelineText(summary);
    expect(text).toContain('no figures over all stages: there is no write ledger of orders-17.10');
    expect(text.slice(0, text.indexOf('======'))).not.toContain('longest write gap');
    expect(htmlOf(state)).toContain('there is no write ledger of orders-17.10');
  });

  test('are not spoilt by a stage that had nothing to do: it took no step that clients could have felt', () => {
    const idle = withFirst(completedPipeline(), (c) => ({ ...c, writes: undefined, steps: [] }));
    expect(summarizePipeline(idle)).toMatchObject({
      unmeasured: [],
      writes: { acknowledged: 94_330, longestGapDuring: { chapter: `${pipelineId}.2`, step: 'move' } },
    });
  });
});

describe('R-PROOF-1: summary.txt of a pipeline', () => {
  test('a head over all, with a line for each stage and each way back', () => {
    const text = textOf(pipelineBack());
    expect(text).toContain('orders: postgres pipeline orders-18 to orders-18  ROLLED-BACK');
    expect(text).toMatch(/^1 +orders-17\.10 +RollingUpgrade +17\.10 +completed +45\.1 s +48213 +0 +431 ms$/m);
    expect(text).toMatch(
      /^2 +orders-to-18 +StorageMigration +orders-18 +rolled-back +25\.0 s +21450 +0 +12 ms$/m,
    );
    expect(text).toMatch(
      /^1 +orders-17\.10, way back +RollingUpgrade +back to 17\.5 +rolled-back .* 47002 /m,
    );
    expect(text).toMatch(/^why +orders-to-18: COPIES_DIFFER: /m);
    expect(text).toContain(
      'acknowledged 116665, lost 0, longest write gap 431 ms (orders-17.10, during handover',
    );
    expect(text).not.toContain('!!');
  });

  test('then each chapter under a heading of its own, as a run of its own is told', () => {
    const parts = textOf(pipelineBack()).split(/={72}\n/);
    expect(parts.filter((_, i) => i % 2 === 1)).toEqual([
      'chapter 1 of 3: stage 1 of 2, orders-17.10 (RollingUpgrade)\n',
      'chapter 2 of 3: stage 2 of 2, orders-to-18 (StorageMigration)\n',
      'chapter 3 of 3: stage 1 of 2, orders-17.10, way back (RollingUpgrade)\n',
    ]);
    expect(parts[2]).toContain('orders: postgres 17.5 → 17.10  COMPLETED');
    expect(parts[4]).toMatch(/^cause +COPIES_DIFFER in validate\/cutover: 3 rows /m);
    expect(parts[4]).toContain('before-cutover-1  3 rows differ');
    expect(parts[6]).toMatch(/a-1 +.*back to 17\.5/);
  });

  test('R-PROOF-2: a write that any chapter lost is shouted before anything else', () => {
    const lines = textOf(lossy()).split('\n');
    expect(lines.slice(1, 4)).toEqual([
      '!! in orders-17.10',
      '!! 1 ACKNOWLEDGED WRITE IS LOST (of 21007)',
      '!!   writer 3, seq 2601',
    ]);
  });

  test('what is still to come, what will not come, and what waits', () => {
    expect(textOf(betweenStages())).toMatch(/^2 +orders-to-18 +StorageMigration +orders-18 +to come$/m);
    const { pipeline, ...failed } = betweenStages();
    const ended: StageState = {
      ...failed,
      run: { ...failed.run, outcome: 'failed' },
      pipeline: { ...pipeline, outcome: 'failed' },
    };
    expect(textOf(ended)).toMatch(/^2 +orders-to-18 +StorageMigration +orders-18 +not begun$/m);
    expect(textOf(waitingPipeline())).toMatch(/^waiting +orders-to-18: for the approval of cutover /m);
  });

  test('what becomes of the stages before, and from where on nothing can be undone', () => {
    expect(textOf(waitingPipeline('stay'))).toContain(
      'onFailure stay: the stages before one that does not complete',
    );
    expect(textOf(waitingPipeline())).toContain('the ones before it are undone as well\n');
    expect(textOf(completedPipeline())).toContain(
      '; orders-to-18 and what was before it cannot be undone any more',
    );
  });
});

describe('R-PROOF-1: report.html of a pipeline', () => {
  const count = (text: string, of: RegExp): number => text.match(of)?.length ?? 0;

  test('is one page, with one title, head, style and footer, that asks nothing of any network', () => {
    const html = htmlOf(pipelineBack());
    for (const once of [
      /<!doctype/g,
      /<html/g,
      /<title>orders: pipeline/g,
      /<style>/g,
      /<footer>/g,
      /<h1>/g,
    ]) {
      expect(count(html, once)).toBe(1);
    }
    expect(html).not.toMatch(/<script|<link (?!rel="icon" href="data:,")|src=|url\(|@import/);
    expect(html).not.toMatch(/https?:\/\//);
    expect(html).not.toMatch(/NaN|Infinity|undefined/);
  });

  test.each(states)('%s: no two things have one id, and every link has its goal', (_, make) => {
    const html = htmlOf(make());
    const ids = [...html.matchAll(/\sid="([^"]*)"/g)].map((m) => m[1]);
    expect(new Set(ids).size).toBe(ids.length);
    const goals = [...html.matchAll(/(?:href="#|url\(#|aria-labelledby=")([^")]*)/g)].map((m) => m[1]);
    expect(goals.length).toBeGreaterThan(0);
    expect(goals.filter((goal) => !ids.includes(goal))).toEqual([]);
    expect(html).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('each row leads to its chapter, which tells all that the page of a single run tells', () => {
    const html = htmlOf(pipelineBack());
    const [head = '', ...chapters] = html.split('<article class="chapter"');
    for (const [i, name] of ['orders-17.10', 'orders-to-18', 'orders-17.10, way back'].entries()) {
      expect(head).toContain(`<a href="#chapter-${i + 1}">${name}</a>`);
      expect(chapters[i]).toContain(`id="chapter-${i + 1}"`);
    }
    expect(chapters).toHaveLength(3);
    for (const told of ['Timeline', 'Nodes', 'What clients saw', 'Plan', 'Borrowed']) {
      for (const chapter of chapters) expect(chapter).toContain(`<h2>${told}`);
    }
    expect(chapters[0]).toContain('handover a-1 → a-2: done');
    expect(chapters[1]).toContain('Turned back because of COPIES_DIFFER');
    expect(chapters[1]).toContain('What differs');
    expect(chapters[2]).toContain('back to 17.5');
  });

  test('few chapters are open; of many the ones that went well are folded', () => {
    const open = (state: StageState): boolean[] =>
      [...htmlOf(state).matchAll(/<article[^>]*class="chapter"[^>]*>\s*<details( open)?/g)].map(
        (m) => m[1] === ' open',
      );
    expect(open(pipelineBack())).toEqual([true, true, true]);
    const { chapters = [], ...many } = pipelineBack();
    expect(open({ ...many, chapters: [...chapters, firstStage(), firstStage()] })).toEqual([
      ...[false, true, false, false, true],
    ]);
  });

  test('R-PROOF-2: a write that any chapter lost is the first thing on the page', () => {
    const html = htmlOf(lossy());
    const alarm = html.indexOf('role="alert"');
    expect(alarm).toBeGreaterThan(0);
    expect(alarm).toBeLessThan(html.indexOf('Key figures'));
    expect(html.slice(alarm, alarm + 400)).toMatch(/href="#chapter-1">orders-17\.10<\/a>: 1 of 21 007/);
    expect(htmlOf(pipelineBack())).not.toContain('role="alert"');
  });

  test('an approval that is waited for stands above the stages, with the one that waits', () => {
    const html = htmlOf(waitingPipeline());
    const box = html.indexOf('Waits for an approval in <a href="#chapter-2">orders-to-18</a>');
    expect(box).toBeGreaterThan(0);
    expect(box).toBeLessThan(html.indexOf('<h2>Stages'));
  });

  test('text from the cluster cannot become markup', () => {
    const evil = `"><img src=x onerror=alert(1)>'&`;
    const { pipeline, ...state } = withFirst(pipelineBack(), (c) => ({
      ...c,
      failure: { code: evil, message: evil, remedy: evil, at: at(1) },
    }));
    const html = htmlOf({
      ...state,
      pipeline: {
        ...pipeline,
        name: evil,
        stages: pipeline.stages.map((s) => ({ ...s, name: evil, to: evil })),
      },
    });
    expect(html).not.toContain('<img');
    expect(html).toContain('&lt;img src=x');
  });
});
