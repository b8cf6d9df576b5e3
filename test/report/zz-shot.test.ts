import { test } from 'vitest';
import { mkdirSync, writeFileSync } from 'node:fs';
import { finishedRun, runInProgress, failedRun } from '/work/main/test/report/fixture.js';
import { summarize } from '/work/main/src/report/summarize.js';
import { renderText } from '/work/main/src/report/render-text.js';
import { renderHtml } from '/work/main/src/report/render-html.js';
test('shots', () => {
  mkdirSync('/tmp/shots', { recursive: true });
  for (const [n, s] of Object.entries({
    done: finishedRun(),
    running: runInProgress(),
    failed: failedRun(),
  })) {
    const sum = summarize(s);
    writeFileSync(`/tmp/shots/${n}.html`, renderHtml(sum, s));
    writeFileSync(`/tmp/shots/${n}.txt`, renderText(sum));
  }
});
