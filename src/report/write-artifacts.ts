import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RollgateError, type RunState } from '../contracts/index.js';
import { renderHtml } from './render-html.js';
import { renderPipelineHtml } from './render-pipeline-html.js';
import { renderText } from './render-text.js';
import { summarize } from './summarize.js';
import { isStage, summarizePipeline } from './summarize-pipeline.js';
import { renderPipelineText } from './text/pipeline.js';

/**
 * Write `summary.json`, `summary.txt` and `report.html` into `<directory>/<run id>/`. Each file is there
 * whole or not at all, and a later call replaces it: for a run in progress as well. The state of a stage of a pipeline
 * is told as a chapter of the report of the whole, which is kept under the run id of the pipeline.
 * @returns the directory and the paths of the files in it
 * @throws INTERNAL for a run id that is no plain file name
 */
export async function writeArtifacts(
  state: RunState,
  directory: string,
): Promise<{ directory: string; files: readonly string[] }> {
  const id = state.pipeline?.runId ?? state.run.id;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(id)) {
    throw new RollgateError(
      'INTERNAL',
      `the run id "${id}" is no plain file name; the artifacts are kept under it`,
      'report this; the run itself is not concerned',
    );
  }
  const target = join(directory, id);
  await mkdir(target, { recursive: true });
  const files: string[] = [];
  for (const [name, content] of Object.entries(contentsOf(state))) {
    const path = join(target, name);
    await replaceFile(path, content);
    files.push(path);
  }
  return { directory: target, files };
}

/** File name → what is in it. */
function contentsOf(state: RunState): Readonly<Record<string, string>> {
  if (isStage(state)) {
    const pipeline = summarizePipeline(state);
    return {
      'summary.json': json(pipeline),
      'summary.txt': renderPipelineText(pipeline),
      'report.html': renderPipelineHtml(pipeline, state),
    };
  }
  const summary = summarize(state);
  return {
    'summary.json': json(summary),
    'summary.txt': renderText(summary),
    'report.html': renderHtml(summary, state),
  };
}

const json = (summary: object): string => `${JSON.stringify(summary, null, 2)}\n`;

async function replaceFile(path: string, content: string): Promise<void> {
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(draft, 'wx', 0o644);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
