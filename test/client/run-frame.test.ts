import { describe, expect, it } from 'vitest';
import { fileArguments, withFiles } from '../../src/client/cli/named-files.js';
import { plain } from '../../src/client/cli/paint.js';
import { runFrame } from '../../src/client/cli/run-frame.js';
import { outcomeLine } from '../../src/client/cli/run-lines.js';
import type { SwitchRecord } from '../../src/contracts/index.js';
import { at as secondsIn } from '../report/fixture.js';
import { copyingRun, differingRun, migratedRun, waitingRun } from '../report/migration-fixture.js';
import { forming } from './support/formation-states.js';
import { ended, rolling } from './support/run-states.js';

describe('R-SAGA-6: the display of a formation', () => {
  it('says what becomes of what, mode and checkpoint, and what rollback would do', () => {
    const frame = runFrame(forming(), plain);
    expect(frame).toContain('registry: etcd a cluster from etcd-1');
    expect(frame).toContain('phase forming, step init/etcd-1');
    expect(frame).toContain(
      'mode preparing, checkpoint snapshot-saved; stages of this run: init, serve, expand, transfer-leader, remove-member',
    );
    expect(frame).toContain('reached: mode-preparing-written, snapshot-saved');
    expect(frame).toContain('rollback from here: make etcd-1 an ordinary standalone again');
    expect(frame).not.toMatch(/to undefined|former version/);
  });

  it('once the seed has taken the place, says where the data is kept and that there is no way back', () => {
    const state = forming({}, { mode: 'cluster', checkpoint: 'serving', kept: '/srv/etcd-1/kept' });
    const frame = runFrame(state, plain);
    expect(frame).toContain("the standalone's data is kept at /srv/etcd-1/kept");
    expect(frame).toContain('rollback from here: none');
  });

  it('before anything was done has no checkpoint', () => {
    const frame = runFrame(forming({}, { mode: 'standalone', checkpoint: '', checkpoints: [] }), plain);
    expect(frame).toContain('mode standalone, checkpoint none');
    expect(frame).not.toContain('reached:');
  });

  it('R-FORM-3: over and not done says the command that goes on, but not to watch it', () => {
    const over = (resumeHint: string) => {
      const state = forming({ phase: 'finished', step: undefined, resumeHint });
      return runFrame({ ...state, run: { ...state.run, outcome: 'failed' } }, plain);
    };
    expect(over('rollgate form init -f a.yaml')).toContain('go on: rollgate form init -f a.yaml');
    expect(over('rollgate watch registry')).not.toContain('go on');
    expect(over('')).not.toContain('go on');
  });

  it('on its way back says to what', () => {
    expect(runFrame(forming({ direction: 'back' }), plain)).toContain('etcd etcd-1 back to a standalone');
  });

  it('ends with mode and checkpoint in its last line', () => {
    expect(outcomeLine(forming())).toBe('registry: forming; mode preparing, checkpoint snapshot-saved');
  });
});

describe('R-SAGA-6: the display of a storage migration', () => {
  it('says the phase, which side takes the writes, and how far the copy is', () => {
    const lines = runFrame(copyingRun(), plain, secondsIn(7.5)).split('\n');
    expect(lines[0]).toBe('orders: postgres migration to orders-18');
    expect(lines).toContain('migration: phase bootstrapping, orders takes the writes');
    expect(lines).toContain(
      'copy: 2 of 5 ranges, 480 000 rows, 31.0 MiB, the tables have 125.0 MiB; 109 091 rows/s, 7.0 MiB/s; about 4 s left',
    );
    expect(lines.some((l) => l.startsWith('rollback from here: free:'))).toBe(true);
  });

  it('shows the nodes of both clusters, with side and version, and no progress of an upgrade', () => {
    const frame = runFrame(copyingRun(), plain, secondsIn(7.5));
    expect(frame).toMatch(/\na-1 +source +17\.10 +takes the writes\n/);
    expect(frame).toMatch(/\nb-1 +destination +18\.4\n/);
    expect(frame).not.toMatch(/[□■]|pending|target|former version/);
    expect(runFrame(migratedRun(), plain)).toMatch(/\nb-1 +destination +18\.4 +takes the writes\n/);
  });

  it('each cut and each move of the writes in a line; nothing is in progress when it is over', () => {
    const lines = runFrame(migratedRun(), plain).split('\n');
    expect(lines).toContain(
      'cut before-cutover-1@0/3000012: 1451200 rows of 3 tables, equal; writers waited 3 ms',
    );
    expect(lines).toContain(`writes orders → orders-18: moved at ${secondsIn(28.61)}, write gap 46 ms`);
    expect(lines).toContain(`writes orders-18 → orders: moved at ${secondsIn(51.72)}, write gap 39 ms`);
    expect(lines.join('\n')).not.toContain('ranges');
    const broken = copyingRun();
    expect(runFrame({ ...broken, run: { ...broken.run, outcome: 'failed' } }, plain)).not.toContain('ranges');
  });

  it('R-MIG-3: rows that differ, with their values, and how many more there are', () => {
    const run = differingRun();
    const frame = runFrame(run, plain);
    expect(frame).toContain('1450000 rows of 3 tables, 3 DIFFER;');
    expect(frame).toContain('  "public"."orders" id=4711 differs: price 1.10 / 1.100, note NULL / (empty)\n');
    expect(frame).toContain('  "public"."orders" id=4712 only on the source\n');
    expect(frame).not.toContain('more: rollgate report');
    const validations = run.migration?.validations.map((v) => ({ ...v, mismatches: v.mismatches * 9 })) ?? [];
    const many = runFrame({ ...run, migration: run.migration && { ...run.migration, validations } }, plain);
    expect(many).toContain('  and 24 more: rollgate report');
  });

  it.each([
    ['cutover', 'clients must connect there'],
    ['cutover/2', 'is made again first'],
    ['accept', 'there is no way back from there'],
  ] as const)('asks for the approval of %s with what it means', (step, meaning) => {
    const lines = runFrame(waitingRun(step), plain).split('\n');
    const asks = lines.findIndex((l) => l.startsWith(`waits for approval of ${step} `));
    expect(lines[asks + 1]).toContain(meaning);
    expect(lines[asks + 2]).toContain(`rollgate approve orders --step ${step} `);
  });

  it('on its way back says where to', () => {
    const back = { direction: 'back' } as const;
    expect(runFrame({ ...waitingRun('accept'), ...back }, plain)).toContain('postgres back to orders\n');
    expect(runFrame({ ...copyingRun(), ...back }, plain)).toContain('migration to orders-18 is taken back');
  });

  it('says for what it has turned back by itself', () => {
    const { failure, ...state } = differingRun();
    const frame = runFrame({ ...state, ...(failure && { cause: failure }) }, plain);
    expect(frame).toContain('turned back because of COPIES_DIFFER: 3 rows of ');
    expect(frame).toContain('remedy before it is tried again: See them in the report.');
  });

  it('ends with phase and side in its last line', () => {
    expect(outcomeLine(copyingRun())).toBe('orders: migrating; phase bootstrapping, orders takes the writes');
  });
});

describe('R-SWITCH-1: the display of a version switch', () => {
  const record: SwitchRecord = {
    group: 'default',
    from: '3.5',
    to: '3.6',
    how: 'by-last-node',
    predicates: [{ name: 'two of three on 3.6.16', observed: '2', at: '2026-01-01T00:00:01.000Z' }],
    nodesAtLevel: [],
  };
  const at = '2026-01-01T00:00:05.000Z';

  it.each<[string, SwitchRecord, string]>([
    ['that is not cleared', record, 'not cleared yet, true so far: two of three on 3.6.16'],
    ['that is cleared', { ...record, clearedAt: at }, `cleared at ${at}`],
    [
      'that some nodes have reached',
      { ...record, clearedAt: at, nodesAtLevel: ['a', 'b'] },
      `cleared at ${at}, on it: a, b`,
    ],
    [
      'that is done',
      { ...record, clearedAt: at, at, nodesAtLevel: ['a', 'b', 'c'] },
      `every node on it since ${at}`,
    ],
  ])('%s, in one line', (_, shown, says) => {
    const lines = runFrame(rolling({ switches: [shown] }), plain).split('\n');
    expect(lines).toContain(`switch 3.5 → 3.6 (by-last-node): ${says}`);
  });

  it('an upgrade is shown as before', () => {
    expect(runFrame(rolling(), plain)).toContain('orders: postgres to 17.10');
    expect(runFrame(rolling({ direction: 'back' }), plain)).toContain('postgres back to the former version');
    expect(runFrame(ended('completed'), plain)).not.toContain('go on:');
  });
});

describe('R-FORM-3: a hint names the files of the user', () => {
  const hint = 'rollgate form expand -f FILE (the files of cluster registry)';

  it('quoted for a shell where they need it', () => {
    expect(withFiles(hint, { file: ['c.yaml', "it's $1 mine.yaml"], formation: 'three' })).toBe(
      `rollgate form expand -f c.yaml -f 'it'\\''s $1 mine.yaml' --formation three`,
    );
    expect(fileArguments({ file: ['/etc/rollgate/c.yaml'] })).toBe('-f /etc/rollgate/c.yaml');
  });

  it('and is left alone where it names none', () => {
    expect(withFiles('rollgate watch registry', { file: ['c.yaml'] })).toBe('rollgate watch registry');
  });
});
