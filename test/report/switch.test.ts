import { describe, expect, test } from 'vitest';
import type { RunState } from '../../src/contracts/index.js';
import { renderHtml } from '../../src/report/render-html.js';
import { renderText } from '../../src/report/render-text.js';
import { summarize } from '../../src/report/summarize.js';
import { raised, switchedRun } from './etcd-fixture.js';
import { at, finishedRun } from './fixture.js';

const textOf = (state: RunState): string => renderText(summarize(state));
const htmlOf = (state: RunState): string => renderHtml(summarize(state), state);

const lowering: RunState['switches'][number] = {
  ...{ group: 'default', from: '3.6', to: '3.5', how: 'lower' },
  ...{ predicates: [], clearedAt: at(44), nodesAtLevel: [] },
};

describe('R-SWITCH-2: what is told of a version switch', () => {
  test('summary.json: from, to, at and the nodes that said so; the last one by itself, and all of them', () => {
    const summary = summarize(switchedRun(raised, lowering));
    expect(summary.switches).toEqual([raised, { ...lowering, at: undefined }]);
    expect(summary.switch).toEqual(summary.switches[1]);
    expect(summarize(switchedRun()).switch).toMatchObject({
      from: '3.5',
      to: '3.6',
      at: at(43),
      nodesAtLevel: ['pg-1', 'pg-2', 'pg-3'],
    });
    expect(summarize(finishedRun())).toMatchObject({ switch: undefined, switches: [], backups: [] });
  });

  test('a level that was not learned is unknown', () => {
    expect(summarize(switchedRun({ ...raised, from: '' })).switch?.from).toBe('unknown');
  });

  test('R-SWITCH-1: summary.txt: when, on which nodes, and what was true before', () => {
    const text = textOf(switchedRun());
    expect(text).toContain('level      3.5 → 3.6  at 03:52:54.000, on pg-1, pg-2, pg-3\n');
    expect(text).toContain('           raised by the last node, cleared at 03:52:41.100\n');
    expect(text).toContain(
      '             03:52:40.950  cluster-healthy  pg-1, pg-2, pg-3 answer and serve\n' +
        '             03:52:40.950  all-on-target    pg-2, pg-3 report their target version\n',
    );
    expect(textOf(finishedRun())).not.toContain('level');
  });

  test('what was not reached, or not even cleared, is said to be so', () => {
    const run = switchedRun(lowering);
    expect(textOf({ ...run, run: { ...run.run, outcome: 'running' } })).toContain('3.5  not reached yet\n');
    expect(textOf(run)).toMatch(/level +3\.6 → 3\.5 {2}NOT REACHED\n +lowered by command, cleared at/);
    const open = { ...raised, at: undefined, clearedAt: undefined, nodesAtLevel: [] };
    expect(textOf(switchedRun(open))).toMatch(/NOT REACHED\n +raised by the last node, not cleared\n/);
    const page = htmlOf(switchedRun(open));
    expect(page).toContain('>not cleared<');
    expect(page).not.toMatch(/class="milestone|>reached</);
    expect(htmlOf(switchedRun(lowering))).toMatch(/>cleared<[^]*lowered by command[^]*not seen/);
  });

  test('a system with several groups: whose level it is', () => {
    const run = switchedRun();
    const [first, ...rest] = run.nodes;
    if (!first) throw new Error('the fixture has nodes');
    expect(textOf({ ...run, nodes: [{ ...first, group: 'other' }, ...rest] })).toContain(
      '3.5 → 3.6 of default  at',
    );
  });

  test('report.html: a section, and marks in the timeline for clearing and reaching', () => {
    const page = htmlOf(switchedRun());
    for (const part of [
      'Version switch<',
      'chip w-reached',
      'pg-2, pg-3 report their target version',
      'the switch 3.5 → 3.6 is cleared, 03:52:41.100',
      'level 3.6 on pg-1, pg-2, pg-3, 03:52:54.000',
      'level reached by every node',
    ]) {
      expect(page).toContain(part);
    }
    expect(page).not.toMatch(/NaN|Infinity|undefined/);
    expect(htmlOf(finishedRun())).not.toMatch(/Version switch|class="milestone/);
    expect(htmlOf(switchedRun(raised, lowering))).toContain('Version switches<');
  });
});

describe('R-PROOF-1: what is told of backups', () => {
  test('where they are, what they hold and their digest', () => {
    const run = switchedRun();
    expect(summarize(run).backups).toEqual(run.backups);
    const text = textOf(run);
    expect(text).toMatch(/backups +before-start {2}revision 770, 772 keys {2}236\.0 KiB {2}at 03:52:11\.600/);
    const page = htmlOf(run);
    for (const { name, path, sha256 } of run.backups) {
      for (const part of [name, path, sha256]) {
        expect(text).toContain(part);
        expect(page).toContain(part);
      }
    }
    expect(htmlOf(finishedRun())).not.toContain('Backups<');
  });
});

describe('R-ROLL-7: a handover by transfer', () => {
  test('has no fence to tell of: the epoch is the fence', () => {
    expect(summarize(switchedRun()).handovers[0]).toMatchObject({ how: 'transfer', fencedAt: undefined });
    const text = textOf(switchedRun());
    expect(text).toContain('transferred at 03:52:40.140: the new epoch is the fence, nothing was stopped');
    expect(text).not.toContain('fenced at');
    const page = htmlOf(switchedRun());
    expect(page).toMatch(/ready → transfer <b>1\.1 s[^]*transfer → verified <b>760 ms/);
    expect(page).toContain('verified at 03:52:40.900');
    expect(page).not.toMatch(/no fence|fence → promote|fence, promote, release/);
    expect(htmlOf(finishedRun())).toContain('fence, promote, release');
  });
});
