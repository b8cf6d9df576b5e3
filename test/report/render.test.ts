import { describe, expect, test } from 'vitest';
import type { Linearizability, RunState } from '../../src/contracts/index.js';
import { nodeSpans } from '../../src/report/html/timeline/node-spans.js';
import { renderHtml } from '../../src/report/render-html.js';
import { renderText } from '../../src/report/render-text.js';
import { summarize } from '../../src/report/summarize.js';
import { at, failedRun, finishedRun, runInProgress } from './fixture.js';

const textOf = (state: RunState): string => renderText(summarize(state));
const htmlOf = (state: RunState): string => renderHtml(summarize(state), state);

function checkedRun(linearizability: Linearizability): RunState {
  const run = finishedRun();
  return { ...run, writes: run.writes && { ...run.writes, linearizability } };
}

describe('R-PROOF-1: summary.txt', () => {
  test('the account of a good run', () => {
    const text = textOf(finishedRun());
    expect(text).toContain('orders: postgres 17.5 → 17.10  COMPLETED');
    expect(text).toContain('acknowledged 48213, lost 0, longest write gap 431 ms (during handover/default)');
    expect(text).toMatch(/pg-1 +primary → replica +17\.5 → 17\.10 +complete/);
    expect(text).toContain('fenced at 0/70001C8, the candidate had applied 0/70001C8');
    expect(text).toMatch(/borrowed +nothing/);
    expect(text).not.toContain('!!');
  });

  test('R-PROOF-2: a lost write is shouted, before anything else', () => {
    const text = textOf(failedRun());
    expect(text.split('\n')[1]).toBe('!! 1 ACKNOWLEDGED WRITE IS LOST (of 21007)');
    expect(text).toContain('writer 3, seq 2601');
    expect(text).toContain('WRITES_LOST');
    expect(text).toContain('NOT undone: setting/pg-1/synchronous_standby_names');
    expect(text).toContain('is (empty); to give it back:');
  });

  test('R-PROOF-2: whether the history is linearizable', () => {
    const line = (checked: Linearizability) => textOf(checkedRun(checked));
    const base = { operations: 31_204, registers: 3 };
    expect(line({ verdict: 'linearizable', ...base })).toContain(
      'linearizable: yes, 31 204 operations on 3 registers',
    );
    expect(line({ verdict: 'unchecked', ...base, reason: 'no program' })).toContain(
      'linearizable: not checked: no program',
    );
    const violated = line({ verdict: 'violated', ...base, registers: 1, reason: 'register 0: no order' });
    expect(violated.split('\n')[1]).toBe('!! THE HISTORY OF WRITES AND READS IS NOT LINEARIZABLE');
    expect(violated).toContain(
      'linearizable: VIOLATED, 31 204 operations on 1 register: register 0: no order',
    );
    expect(textOf(finishedRun())).not.toMatch(/linearizable/i);
  });

  test('without a probe nothing is claimed', () => {
    const run = finishedRun();
    const text = textOf({ ...run, writes: undefined });
    expect(text).toContain('not measured: there is no write ledger');
    expect(text).not.toMatch(/lost 0|gap \d/);
  });

  test('R-PROOF-2: what no probe watched is said, and has no figure', () => {
    const run = finishedRun();
    const dark = { ms: 2000, from: at(28), to: at(30) };
    const state = { ...run, writes: run.writes && { ...run.writes, unobserved: [dark] } };
    const text = textOf(state);
    expect(text).toContain('NOT OBSERVED for 2.0 s from 2026-03-04 03:52:39 UTC (during handover/default)');
    expect(summarize(state).handovers[0]?.writeGapMs).toBeUndefined();
    expect(htmlOf(state)).toContain('Not observed all the time');
    expect(htmlOf(run)).not.toContain('Not observed all the time');
    expect(summarize(run).handovers[0]?.writeGapMs).toBe(431);
  });

  test('R-SAGA-5: a node whose software was never touched has stayed, whatever was begun', () => {
    const run = failedRun();
    const [first, second] = run.nodes.map((n, i) => ({
      ...n,
      startedAt: at(1),
      swappedAt: i === 0 ? undefined : at(2),
    }));
    if (!first || !second) throw new Error('the fixture has two nodes');
    const text = textOf({ ...run, direction: 'back', nodes: [first, second] });
    expect(text).toContain(`stayed on ${first.from}`);
    expect(text).toContain(`back to ${second.from}`);
  });

  test('a run in progress: as of when, what is borrowed, how to go on', () => {
    const text = textOf(runInProgress());
    expect(text).toContain('RUNNING (rolling)');
    expect(text).toContain('as of 2026-03-04 03:52:31');
    expect(text).toContain('not measured yet');
    expect(text).toContain('routing/pg-3 is drained');
    expect(text).toMatch(/go on +rollgate watch orders/);
  });
});

describe('R-PROOF-1: report.html', () => {
  test('self-contained: no script, no link to anything, and a policy that forbids both', () => {
    const page = htmlOf(finishedRun());
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/<script|\son\w+="|https?:|url\(|@import/i);
    expect(page).toContain('prefers-color-scheme: dark');
  });

  test('every text of a run is escaped, in content and in attributes', () => {
    const evil = `"><img src=x onerror=alert(1)>'&`;
    const run = failedRun();
    const page = htmlOf({
      ...run,
      run: { ...run.run, cluster: evil, id: evil, system: evil },
      resumeHint: evil,
      plan: run.plan && { ...run.plan, hash: evil, notes: [evil], windows: [{ name: evil, risk: evil }] },
      nodes: run.nodes.map((n) => ({ ...n, id: evil, reason: evil, from: evil })),
      timeline: run.timeline.map((e) => ({ ...e, node: evil, text: `${evil} failed: ${evil}` })),
      gates: run.gates.map((g) => ({ ...g, observed: evil, required: evil, node: evil })),
      decisions: run.decisions.map((d) => ({ ...d, by: evil, reason: evil, note: evil })),
      ledger: run.ledger.map((b) => ({ ...b, name: evil, formerValue: evil, value: evil, giveBack: evil })),
      leftUndone: [{ what: evil, command: evil, error: evil }],
      faults: [{ kind: evil, during: evil, at: at(3) }],
      handovers: finishedRun().handovers.map((h) => ({ ...h, from: evil, to: evil })),
      steps: run.steps.map((s) => ({ ...s, id: evil, title: evil })),
      failure: run.failure && { ...run.failure, message: evil, remedy: evil, code: evil },
      writes: run.writes && { ...run.writes, lostKeys: [evil] },
    });
    expect(page).not.toContain('<img');
    expect(page).not.toContain('">&lt;');
    expect(page).toContain('&quot;&gt;&lt;img src=x onerror=alert(1)&gt;&#39;&amp;');
  });

  test('R-PROOF-2: a lost write is the first thing on the page', () => {
    const page = htmlOf(failedRun());
    expect(page).toContain('role="alert"');
    expect(page.indexOf('1 acknowledged write is lost')).toBeLessThan(page.indexOf('Timeline'));
    expect(htmlOf(finishedRun())).not.toContain('role="alert"');
  });

  test('R-PROOF-2: whether the history is linearizable, and a violation before anything else', () => {
    const base = { operations: 31_204, registers: 3 };
    const good = htmlOf(checkedRun({ verdict: 'linearizable', ...base }));
    expect(good).toContain('yes, 31 204 operations on 3 registers');
    expect(good).not.toContain('role="alert"');
    const bad = htmlOf(checkedRun({ verdict: 'violated', ...base, reason: '<b>register 0</b>' }));
    expect(bad).toContain('role="alert"');
    expect(bad.indexOf('is not linearizable')).toBeLessThan(bad.indexOf('Timeline'));
    expect(bad).toContain('&lt;b&gt;register 0');
    const unchecked = htmlOf(checkedRun({ verdict: 'unchecked', ...base, reason: 'no program' }));
    expect(unchecked).toContain('not checked: no program');
    expect(unchecked).not.toContain('explains every value that was read');
    expect(htmlOf(finishedRun())).not.toMatch(/linearizable/i);
  });

  test('the timeline holds nodes, statuses, lag, the handover, gaps, faults and decisions', () => {
    const page = htmlOf(finishedRun());
    for (const part of [
      'pg-2 rejoining, 8.0 s',
      'class="lag-line"',
      'handover pg-1 → pg-2: done',
      'fence at 03:52:39.710',
      'no write acknowledged for 431 ms (during handover/default)',
      'worker killed with SIGKILL during the drain of a replica',
      'pause by mira: a nightly export is still running',
    ]) {
      expect(page).toContain(part);
    }
    expect(page).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('a run in progress has no end, and says so', () => {
    const page = htmlOf(runInProgress());
    expect(page).toContain('In progress');
    expect(page).toContain('not measured yet');
    expect(page).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('a run that has only begun', () => {
    const run = runInProgress();
    const page = htmlOf({
      ...run,
      plan: undefined,
      steps: [],
      nodes: [],
      timeline: [],
      samples: [],
      gates: [],
    });
    expect(page).toContain('</html>');
    expect(page).not.toMatch(/NaN|Infinity|undefined/);
  });
});

describe('R-ROLL-2: what a node went through', () => {
  test('from pending to complete, without holes', () => {
    const spans = nodeSpans(finishedRun(), 'pg-3', at(45.1));
    expect(spans.map((s) => s.status)).toEqual([
      'pending',
      'draining',
      'drained',
      'upgrading',
      'rejoining',
      'complete',
    ]);
    for (const [i, span] of spans.entries()) if (i > 0) expect(span.from).toBe(spans[i - 1]?.to);
    expect(spans.at(-1)?.to).toBe(at(45.1));
  });

  test('a failure with its reason, and another node whose name begins the same', () => {
    expect(nodeSpans(failedRun(), 'pg-2', at(22)).map((s) => s.status)).toContain('failed');
    expect(nodeSpans(failedRun(), 'pg', at(22)).map((s) => s.status)).toEqual(['pending']);
  });
});
