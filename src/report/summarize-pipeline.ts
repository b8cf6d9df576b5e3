import { chaptersOf, isOver, placeOf, type PipelineState, type RunState } from '../contracts/index.js';
import { msBetween } from './format.js';
import type { PipelineSummary } from './schema/pipeline.js';
import { summarize } from './summarize.js';
import type { Summary } from './summary-schema.js';

/** A stage of a pipeline, with what was run before it. */
export type StageState = RunState & { readonly pipeline: PipelineState };

export const isStage = (state: RunState): state is StageState => state.pipeline !== undefined;

/** What a pipeline leaves for programs, from the state of its current stage or of its last one. */
export function summarizePipeline(state: StageState): PipelineSummary {
  const { pipeline } = state;
  const states = chaptersOf(state);
  const chapters = states.map(summarize);
  const first = states[0] ?? state;
  const last = chapters.at(-1) ?? summarize(state);
  const over = isOver(state);
  const unmeasured = chapters.flatMap((c) =>
    c.measurement === 'measured' || tookNoStep(c) ? [] : [{ chapter: c.run.id, measurement: c.measurement }],
  );
  return {
    schemaVersion: 1,
    run: {
      id: pipeline.runId,
      workflowId: state.run.workflowId,
      kind: 'Pipeline',
      name: pipeline.name,
      cluster: first.run.cluster,
      system: first.run.system,
      target: pipeline.stages.at(-1)?.to ?? '',
      startedAt: first.run.startedAt,
      endedAt: over ? state.run.endedAt : undefined,
      outcome: pipeline.outcome ?? 'running',
    },
    direction: pipeline.direction,
    asOf: last.asOf,
    onFailure: pipeline.onFailure,
    stages: pipeline.stages.map(({ name, kind, to, runId, outcome }, i) => {
      const own = states.filter((s) => placeOf(s, pipeline).stage === i);
      return { name, kind, to, runId, outcome: own.at(-1)?.run.outcome ?? outcome, chapters: own.map(idOf) };
    }),
    pointOfNoReturn: pipeline.pointOfNoReturn,
    unmeasured,
    writes: unmeasured.every((u) => u.measurement === 'pending') ? writesOver(chapters) : undefined,
    resumeHint: over ? '' : state.resumeHint,
    chapters,
  };
}

const idOf = ({ run }: RunState): string => run.id;

/** It was refused, or everything was there already: nothing was changed that clients could have felt. */
const tookNoStep = ({ steps, run }: Summary): boolean => steps.length === 0 && run.outcome !== 'running';

function writesOver(chapters: readonly Summary[]): PipelineSummary['writes'] {
  const measured = chapters.flatMap(({ run, writes }) => (writes ? [{ chapter: run.id, writes }] : []));
  if (measured.length === 0) return undefined;
  const sum = (of: 'acknowledged' | 'lost' | 'unknown' | 'resurrected'): number =>
    measured.reduce((n, { writes }) => n + writes[of], 0);
  const gaps = measured.flatMap(({ chapter, writes }) =>
    writes.longestGapMs === null || writes.longestGapDuring === null
      ? []
      : [{ ms: writes.longestGapMs, during: { chapter, step: writes.longestGapDuring } }],
  );
  const longest = gaps.reduce<(typeof gaps)[number] | undefined>(
    (a, b) => (a && a.ms >= b.ms ? a : b),
    undefined,
  );
  return {
    acknowledged: sum('acknowledged'),
    lost: sum('lost'),
    unknown: sum('unknown'),
    resurrected: sum('resurrected'),
    longestGapMs: longest?.ms ?? null,
    longestGapDuring: longest?.during ?? null,
    between: measured.slice(1).map(({ chapter, writes }, i) => {
      // `i` is that of the one before, because the first has been left out.
      const before = measured[i] ?? { chapter, writes };
      const [from, to] = [before.writes.endedAt, writes.startedAt];
      return { ms: msBetween(from, to), from, to, after: before.chapter, before: chapter };
    }),
  };
}
