import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { RunState } from '../../src/contracts/index.js';
import { summarize } from '../../src/report/summarize.js';
import { jsonSchemaOfSummary, Summary } from '../../src/report/summary-schema.js';
import { formedRun, seededRun, switchedRun } from './etcd-fixture.js';
import { at, failedRun, finishedRun, runInProgress } from './fixture.js';

const gap = (ms: number, from: number) => ({ ms, from: at(from), to: at(from + ms / 1000) });

/** The finished run with other gaps. */
function withGaps(...writeGaps: ReturnType<typeof gap>[]): RunState {
  const run = finishedRun();
  return { ...run, writes: run.writes && { ...run.writes, writeGaps } };
}

describe('R-PROOF-1: summary.json', () => {
  const runs: [string, () => RunState][] = [
    ['a finished run', finishedRun],
    ['a run in progress', runInProgress],
    ['a failed run', failedRun],
    ['a run that has only begun', barely],
    ['a run whose history was checked', checked],
    ['a run with a version switch', switchedRun],
    ['a formation', formedRun],
    ['a formation that has only made its seed', seededRun],
  ];

  test.each(runs)('%s fits the schema, and is the same after a round trip through JSON', (_, make) => {
    const text = JSON.stringify(summarize(make()));
    expect(JSON.stringify(Summary.parse(JSON.parse(text)))).toBe(text);
    const schema = z.fromJSONSchema(
      z.record(z.string(), z.unknown()).parse(JSON.parse(JSON.stringify(jsonSchemaOfSummary()))),
    );
    expect(schema.safeParse(JSON.parse(text)).error).toBeUndefined();
  });

  test('it holds what release trains rely on', () => {
    const summary = summarize(finishedRun());
    expect(summary).toMatchObject({
      schemaVersion: 1,
      run: { kind: 'RollingUpgrade', cluster: 'orders', system: 'postgres', outcome: 'completed' },
      plan: { hash: '3f9a1c0de4b7a852' },
      direction: 'forward',
      ledger: [],
      leftUndone: [],
    });
    expect(summary.plan?.steps[1]).toEqual({
      id: 'replace/pg-2',
      title: 'Replace pg-2',
      node: 'pg-2',
      reversibility: 're-roll',
      approval: false,
    });
    expect(summary.nodes[0]).toMatchObject({
      id: 'pg-1',
      roleBefore: 'primary',
      roleAfter: 'replica',
      from: '17.5',
      to: '17.10',
      status: 'complete',
    });
    expect(summary.handovers).toMatchObject([
      {
        from: 'pg-1',
        to: 'pg-2',
        epochBefore: 1,
        epochAfter: 2,
        fencePosition: '0/70001C8',
        candidatePosition: '0/70001C8',
        writeGapMs: 431,
      },
    ]);
    expect(summary.faults).toHaveLength(3);
  });

  test('what could not be learned is unknown or absent, never a figure', () => {
    const run = withGaps();
    run.nodes = run.nodes.map((n) => ({ ...n, roleAfter: undefined }));
    const summary = summarize({
      ...run,
      writes: run.writes && { ...run.writes, longestWait: undefined, readGaps: [] },
    });
    expect(summary.nodes.map((n) => n.roleAfter)).toEqual(['unknown', 'unknown', 'unknown']);
    expect(summary.writes).toMatchObject({
      longestGapMs: null,
      longestGapDuring: null,
      longestReadGapMs: null,
      longestWaitMs: null,
      longestWaitDuring: null,
    });
  });

  test.each([
    ['measured', finishedRun()],
    ['pending', runInProgress()],
    ['missing', { ...finishedRun(), writes: undefined }],
    ['off', withoutProbe()],
  ] as const)('measurement is %s', (measurement, state) => {
    const summary = summarize(state);
    expect(summary.measurement).toBe(measurement);
    expect(summary.writes !== undefined).toBe(measurement === 'measured');
    if (measurement !== 'measured')
      expect(summary.handovers.every((h) => h.writeGapMs === undefined)).toBe(true);
  });
});

describe('R-PROOF-2: the step in which a gap fell', () => {
  const during = (state: RunState) => summarize(state).writes?.longestGapDuring;

  test('inside a step', () => expect(during(withGaps(gap(300, 28)))).toBe('handover/default'));
  test('over two steps: the one it overlaps most', () => {
    // replace/pg-3 ends at 27.1, the handover begins at 27.8.
    expect(during(withGaps(gap(2000, 26)))).toBe('replace/pg-3');
    expect(during(withGaps(gap(2000, 27)))).toBe('handover/default');
  });
  test('between two steps', () => expect(during(withGaps(gap(200, 27.3)))).toBe('between steps'));
  test('ending where a step begins', () => expect(during(withGaps(gap(700, 27.1)))).toBe('between steps'));
  test('a step in progress reaches to now', () => {
    const state = runInProgress();
    state.writes = { ...finishedRun().writes, writeGaps: [gap(400, 19)] } as RunState['writes'];
    expect(during(state)).toBe('replace/pg-3');
  });
  test('the longest, in whatever order the ledger has them', () => {
    const { writes } = summarize(withGaps(gap(20, 5), gap(300, 28), gap(90, 16)));
    expect(writes).toMatchObject({ longestGapMs: 300, longestGapDuring: 'handover/default' });
  });

  test('the longest wait of one client and the longest read gap have a step of their own', () => {
    expect(summarize(finishedRun()).writes).toMatchObject({
      longestWaitMs: 447,
      longestWaitDuring: 'handover/default',
      longestReadGapMs: 61,
      longestReadGapDuring: 'handover/default',
    });
  });

  test('the write gap of a handover is the longest that overlaps it, not the longest of the run', () => {
    const gapOf = (state: RunState) => summarize(state).handovers[0]?.writeGapMs;
    expect(gapOf(withGaps(gap(900, 5), gap(200, 29), gap(250, 28.2)))).toBe(250);
    // It began before the handover did.
    expect(gapOf(withGaps(gap(500, 27.8)))).toBe(500);
    // Too short for the list of the longest: the seconds of the record tell of it.
    expect(gapOf(withGaps(gap(900, 5)))).toBe(431);
  });
});

function withoutProbe(): RunState {
  const run = finishedRun();
  const { cluster, upgrade } = run.spec;
  if (!upgrade) throw new Error('the fixture is of a rolling upgrade');
  return {
    ...run,
    writes: undefined,
    spec: { cluster, upgrade: { ...upgrade, probe: { ...upgrade.probe, enabled: false } } },
  };
}

function checked(): RunState {
  const run = finishedRun();
  const linearizability = {
    verdict: 'unchecked',
    operations: 9,
    registers: 3,
    reason: 'no program',
  } as const;
  return { ...run, writes: run.writes && { ...run.writes, linearizability } };
}

/** Before there is a plan. */
function barely(): RunState {
  const run = runInProgress();
  return {
    ...run,
    plan: undefined,
    phase: 'planning',
    steps: [],
    nodes: [],
    gates: [],
    timeline: [],
    samples: [],
    ledger: [],
    decisions: [],
    faults: [],
    resumeHint: '',
  };
}
