import { describe, expect, test } from 'vitest';
import type { RunState, WriteLedger } from '../../src/contracts/index.js';
import { acceptedLoss } from '../../src/planning/migration/loss.js';
import { renderHtml } from '../../src/report/render-html.js';
import { renderText } from '../../src/report/render-text.js';
import { summarize } from '../../src/report/summarize.js';
import { Summary } from '../../src/report/summary-schema.js';
import { at } from './fixture.js';
import { migratedRun, spec } from './migration-fixture.js';

/**
 * B took the writes at 28.61 with an asynchronous way back and was lost for good; A was opened alone at 52.1.
 * @param lost acknowledged writes of the probe that are not on A, and when the first and the last were acknowledged
 */
function lostRun(lost: Partial<WriteLedger> = {}, synchronousReverse = false): RunState {
  const run = migratedRun();
  const { migration, writes, plan } = run;
  if (!migration || !writes || !plan) throw new Error('the fixture is a migration');
  return {
    ...run,
    spec: {
      ...{ cluster: run.spec.cluster, destination: run.spec.cluster },
      migration: { ...spec, observe: { ...spec.observe, synchronousReverse } },
    },
    plan: {
      ...plan,
      windows: synchronousReverse
        ? []
        : [{ name: 'reverse-asynchronous', risk: 'what B had not sent is lost' }],
    },
    writes: { ...writes, ...lost },
    migration: {
      ...migration,
      ...{ phase: 'discarded', authority: 'source', lost: 'destination' },
      phases: [
        ...migration.phases.filter((p) => Date.parse(p.at) <= Date.parse(at(52.1))),
        { phase: 'discarded', at: at(52.2) },
      ],
      switches: migration.switches.slice(0, 1),
    },
  };
}

const lost = {
  lost: 791,
  lostKeys: ['writer 3, seq 2601'],
  lostBetween: { from: at(47.5), to: at(49.25) },
};

describe('R-PROOF-2: writes that went with the destination, in the window that the spec accepts by name', () => {
  test('the failure says how many, when they were confirmed, by whom, and the name of the window', () => {
    expect(acceptedLoss(lostRun(lost))).toMatchObject({
      code: 'WRITES_LOST',
      message: `791 of 94330 acknowledged writes are lost with orders-18: it confirmed them from ${at(47.5)} to ${at(49.25)}, before orders had them; the spec accepts this window by name, reverse-asynchronous`,
    });
  });

  test.each([
    ['before B took the writes', { from: at(28.5), to: at(30) }],
    ['after it was given up', { from: at(30), to: at(60) }],
  ])('it is no excuse for writes that were acknowledged %s', (_, lostBetween) => {
    expect(acceptedLoss(lostRun({ ...lost, lostBetween }))).toBeUndefined();
  });

  test('nor where the way back was synchronous', () => {
    const run = lostRun(lost, true);
    expect(acceptedLoss(run)).toBeUndefined();
    expect(summarize(run).migration?.lossWindow).toBeUndefined();
  });

  test('summary.json has the window and what it took', () => {
    const summary = summarize(lostRun(lost));
    expect(Summary.parse(JSON.parse(JSON.stringify(summary)))).toMatchObject({
      writes: { lost: 791, lostBetween: lost.lostBetween },
      migration: {
        lossWindow: { window: 'reverse-asynchronous', from: at(28.61), to: at(52.1), lost: 791 },
      },
      windows: [{ name: 'reverse-asynchronous' }],
    });
  });

  const span = 'orders-18 took the writes from 2026-03-04 03:52:39 to 2026-03-04 03:53:03 UTC and is lost';
  const told = `reverse-asynchronous, accepted by the spec: ${span}. Of the writes of the probe that it had confirmed 791 are missing on orders`;

  test('summary.txt and report.html begin with it', () => {
    const run = lostRun(lost);
    const text = renderText(summarize(run)).split('\n');
    expect(text[1]).toBe('!! 791 ACKNOWLEDGED WRITES ARE LOST (of 94330)');
    expect(text[3]).toBe(`!! ${told}`);
    const page = renderHtml(summarize(run), run);
    expect(page).toContain('791 acknowledged writes are lost');
    expect(page).toContain(`<p>${told}.</p>`);
  });

  test('without a probe it says that nobody knows how much went', () => {
    const summary = summarize({ ...lostRun(), writes: undefined });
    expect(summary.migration?.lossWindow?.lost).toBeUndefined();
    expect(renderText(summary)).toContain(
      `${span}. What it had confirmed before orders had it is lost; how much that is was not measured`,
    );
  });
});
