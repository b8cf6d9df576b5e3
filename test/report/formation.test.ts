import { describe, expect, test } from 'vitest';
import type { RunState } from '../../src/contracts/index.js';
import { placed } from '../../src/report/html/timeline/milestones.js';
import { renderHtml } from '../../src/report/render-html.js';
import { renderText } from '../../src/report/render-text.js';
import { summarize } from '../../src/report/summarize.js';
import { formedRun, seededRun } from './etcd-fixture.js';
import { at, finishedRun } from './fixture.js';

const textOf = (state: RunState): string => renderText(summarize(state));
const htmlOf = (state: RunState): string => renderHtml(summarize(state), state);

/** Read by nobody yet: the state of a run whose plan is refused. */
function unseen(): RunState {
  const run = seededRun();
  return {
    ...run,
    run: { ...run.run, outcome: 'failed' },
    formation: { mode: 'standalone', checkpoint: '', checkpoints: [], token: 'config-1' },
  };
}

describe('R-FORM-3: summary.json of a formation', () => {
  test('mode and checkpoints, what the seed came from, and where the standalone is', () => {
    const run = formedRun();
    expect(summarize(run)).toMatchObject({
      run: { kind: 'ClusterFormation', target: '3.6.16' },
      seed: 'etcd-1',
      mode: 'cluster',
      checkpoint: 'member-added/etcd-3',
      checkpoints: run.formation?.checkpoints,
      keptStandalone: '/srv/config/etcd-1/data.standalone-1',
      snapshot: { content: 'revision 1001, 1000 keys', bytes: 20_512 },
    });
  });

  test('a mode that nobody has read is absent, not the one a state begins with', () => {
    expect(summarize(unseen())).toMatchObject({ mode: undefined, checkpoint: undefined, checkpoints: [] });
    expect(summarize(unseen()).nodes[0]?.roleAfter).toBe('unknown');
    expect(textOf(unseen())).toContain('mode not read, checkpoint none');
  });

  test('a rolling upgrade has none of it', () => {
    const summary = JSON.stringify(summarize(finishedRun()));
    expect(summary).not.toMatch(/"(seed|stages|mode|checkpoints?|snapshot|keptStandalone)"/);
  });

  const measured: [string, RunState][] = [
    ['measured', formedRun()],
    ['missing', { ...formedRun(), writes: undefined }],
    ['off', seededRun()],
    ['off', running(seededRun())],
    ['off', { ...running(formedRun()), direction: 'back', steps: [], timeline: [] }],
    ['pending', running(formedRun())],
    ['pending', { ...running(formedRun()), steps: [], timeline: [] }],
  ];
  test.each(measured)('R-PROOF-2: measurement is %s', (measurement, state) => {
    expect(summarize(state).measurement).toBe(measurement);
  });

  test('R-PROOF-2: a probe that was started is missed, whatever else is known of it', () => {
    const run = seededRun();
    const probe = { at: at(2), kind: 'probe', text: 'the probe writes with 1 writers' } as const;
    expect(summarize({ ...run, timeline: [...run.timeline, probe] }).measurement).toBe('missing');
  });
});

describe('R-FORM-3: summary.txt of a formation', () => {
  test('what it was for, where it stands, and each checkpoint with its time', () => {
    const text = textOf(formedRun());
    expect(text).toContain('config: etcd 3.6.16, a cluster from etcd-1  COMPLETED');
    expect(text).toMatch(/etcd-1 +standalone → voter +3\.6\.16 +complete/);
    expect(text).toMatch(/etcd-2 +none → voter +3\.6\.16 +complete/);
    expect(text).toContain('formation  mode cluster, checkpoint member-added/etcd-3\n');
    expect(text).toContain('             03:52:11.500  mode-preparing-written\n');
    expect(text).toContain('             03:52:25.000  member-added/etcd-3\n');
    expect(text).toContain("the standalone's own data is kept at /srv/config/etcd-1/data.standalone-1");
    expect(text).not.toContain('3.6.16 → 3.6.16');
  });

  test('a seed that serves nobody yet, and nodes that are no members', () => {
    const text = textOf(seededRun());
    expect(text).toMatch(/etcd-1 +standalone → seeded +3\.6\.16 +upgrading/);
    expect(text).toMatch(/etcd-2 +none +3\.6\.16 +pending\n/);
    expect(text).toContain('not measured: no probe ran');
  });

  test('on the way back no version is claimed to have changed', () => {
    const run = seededRun();
    const text = textOf({
      ...run,
      run: { ...run.run, outcome: 'rolled-back' },
      direction: 'back',
      formation: { mode: 'standalone', checkpoint: '', checkpoints: [], token: 'config-1' },
    });
    expect(text).toContain('etcd 3.6.16, etcd-1 back to a standalone  ROLLED-BACK');
    expect(text).toMatch(/etcd-1 +standalone +3\.6\.16 /);
    expect(text).not.toMatch(/stayed on|back to 3/);
  });
});

describe('R-FORM-3: report.html of a formation', () => {
  test('a section of its own, and the checkpoints in the timeline', () => {
    const page = htmlOf(formedRun());
    for (const part of [
      'rollgate · cluster formation',
      'Formation<',
      'checkpoint seed-verified, 03:52:13.800',
      'class="milestone checkpoint"',
      'hash 1084519789 at revision 1001, never compacted',
      '/srv/config/etcd-1/data.standalone-1',
    ]) {
      expect(page).toContain(part);
    }
    expect(page).not.toMatch(/NaN|Infinity|undefined/);
    expect(htmlOf(seededRun())).not.toMatch(/NaN|Infinity|undefined/);
    expect(htmlOf(finishedRun())).not.toMatch(/Formation<|cluster formation/);
  });

  test('every text of switches, backups and a formation is escaped', () => {
    const evil = `"><img src=x onerror=alert(1)>'&`;
    const run = formedRun();
    const page = htmlOf({
      ...run,
      spec: run.spec.formation ? { ...run.spec, formation: { ...run.spec.formation, seed: evil } } : run.spec,
      formation: run.formation && {
        ...run.formation,
        checkpoint: evil,
        checkpoints: [{ name: evil, at: at(1) }],
        kept: evil,
        snapshot: { path: evil, sha256: evil, bytes: 1, content: evil, hash: evil },
      },
      switches: [
        {
          ...{ group: evil, from: evil, to: evil, how: 'lower', clearedAt: at(2), at: at(3) },
          ...{ nodesAtLevel: [evil], predicates: [{ name: evil, observed: evil, at: at(1) }] },
        },
      ],
      backups: [{ name: evil, content: evil, path: evil, sha256: evil, bytes: 1, at: at(1) }],
    });
    expect(page).not.toContain('<img');
  });
});

describe('R-FORM-3: names in the timeline', () => {
  const mark = (at: string, name: string) => ({ at, name, kind: 'checkpoint', told: name }) as const;
  const spot = (iso: string): number => Number(iso);

  test('no name covers another', () => {
    const rows = placed(
      [mark('100', 'mode-preparing-written'), mark('110', 'snapshot-saved'), mark('500', 'serving')],
      spot,
    ).map((p) => p.row);
    expect(rows).toEqual([0, 1, 0]);
  });

  test('at the right edge it stands to the left of its mark', () => {
    const [last] = placed([mark('1060', 'member-removed/etcd-1')], spot);
    expect(last?.side).toBe('left');
  });

  test('when there is no room, the mark stays and its name goes', () => {
    const all = placed(
      Array.from({ length: 9 }, (_, i) => mark(String(100 + i), 'member-added/etcd-2')),
      spot,
    );
    expect(all.map((p) => p.side)).toEqual([
      ...Array.from({ length: 6 }, () => 'right'),
      ...Array.from({ length: 3 }, () => undefined),
    ]);
  });
});

function running(run: RunState): RunState {
  return { ...run, run: { ...run.run, outcome: 'running', endedAt: undefined }, writes: undefined };
}
