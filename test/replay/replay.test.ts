import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import { workflowBundle } from './bundle.js';

const directory = fileURLToPath(new URL('../histories/', import.meta.url));
const files = readdirSync(directory).filter((f) => f.endsWith('.json'));

describe('R-SAGA-1: workflow code replays the histories of finished runs', () => {
  it('has histories of runs that completed, went back, were restored and aborted', () => {
    expect(files.length).toBeGreaterThanOrEqual(4);
  });

  it.each(files)('%s', async (file) => {
    const history: unknown = JSON.parse(readFileSync(`${directory}${file}`, 'utf8'));
    await Worker.runReplayHistory({ workflowBundle }, history);
  });

  it('a history that the code does not fit is found', async () => {
    const [file] = files;
    const history = JSON.parse(readFileSync(`${directory}${file ?? ''}`, 'utf8')) as {
      events: { activityTaskScheduledEventAttributes?: { activityType: { name: string } } }[];
    };
    const scheduled = history.events.find((e) => e.activityTaskScheduledEventAttributes);
    if (!scheduled?.activityTaskScheduledEventAttributes) throw new Error('no activity in the history');
    scheduled.activityTaskScheduledEventAttributes.activityType.name = 'somethingElse';
    await expect(Worker.runReplayHistory({ workflowBundle }, history)).rejects.toThrow();
  });
});
