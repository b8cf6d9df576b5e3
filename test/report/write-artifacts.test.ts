import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PipelineSummary } from '../../src/report/schema/pipeline.js';
import { Summary } from '../../src/report/summary-schema.js';
import { writeArtifacts } from '../../src/report/write-artifacts.js';
import { finishedRun, runInProgress } from './fixture.js';
import { betweenStages, pipelineBack, pipelineId, pipelineTurning } from './pipeline-fixture.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rollgate-report-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe('R-PROOF-1: artifacts/<run id>/', () => {
  test('summary.json, summary.txt and report.html, and nothing else', async () => {
    const state = finishedRun();
    const written = await writeArtifacts(state, join(directory, 'artifacts'));
    expect(written.directory).toBe(join(directory, 'artifacts', state.run.id));
    expect((await readdir(written.directory)).sort()).toEqual(['report.html', 'summary.json', 'summary.txt']);
    expect(written.files.map((f) => f.slice(written.directory.length + 1)).sort()).toEqual([
      'report.html',
      'summary.json',
      'summary.txt',
    ]);
    const summary = Summary.parse(
      JSON.parse(await readFile(join(written.directory, 'summary.json'), 'utf8')),
    );
    expect(summary.run.outcome).toBe('completed');
  });

  test('a run in progress is written too, and its end replaces it', async () => {
    const { directory: target } = await writeArtifacts(runInProgress(), directory);
    const outcome = async () =>
      Summary.parse(JSON.parse(await readFile(join(target, 'summary.json'), 'utf8'))).run.outcome;
    expect(await outcome()).toBe('running');
    await Promise.all([writeArtifacts(finishedRun(), directory), writeArtifacts(finishedRun(), directory)]);
    expect(await outcome()).toBe('completed');
    expect(await readdir(target)).toHaveLength(3);
  });

  test('R-SWITCH-5: each stage of a pipeline is a chapter of one report, which is written anew at its end', async () => {
    const told: { outcome: string; chapters: number; sections: number }[] = [];
    for (const state of [betweenStages(), pipelineTurning(), pipelineBack()]) {
      const written = await writeArtifacts(state, directory);
      expect(written.directory).toBe(join(directory, pipelineId));
      const read = (name: string): Promise<string> => readFile(join(written.directory, name), 'utf8');
      const { run, chapters } = PipelineSummary.parse(JSON.parse(await read('summary.json')));
      const sections = (await read('report.html')).match(/<article class="chapter"/g)?.length ?? 0;
      told.push({ outcome: run.outcome, chapters: chapters.length, sections });
      expect(await read('summary.txt')).toContain(`chapter ${chapters.length} of ${chapters.length}: `);
    }
    expect(told).toEqual([
      { outcome: 'running', chapters: 1, sections: 1 },
      { outcome: 'running', chapters: 2, sections: 2 },
      { outcome: 'rolled-back', chapters: 3, sections: 3 },
    ]);
    expect(await readdir(directory)).toEqual([pipelineId]);
    expect(await readdir(join(directory, pipelineId))).toHaveLength(3);
  });

  test('R-SAFE-2: a run id that is no plain file name is refused, and nothing is written', async () => {
    const state = finishedRun();
    for (const id of ['../../outside', '..', '', 'a/b']) {
      await expect(writeArtifacts({ ...state, run: { ...state.run, id } }, directory)).rejects.toThrow(
        /plain file name/,
      );
      const { pipeline, ...stage } = betweenStages();
      const strange = { ...stage, pipeline: { ...pipeline, runId: id } };
      await expect(writeArtifacts(strange, directory)).rejects.toThrow(/plain file name/);
    }
    expect(await readdir(directory)).toEqual([]);
  });
});
