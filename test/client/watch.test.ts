import { afterAll, describe, expect, it } from 'vitest';
import { RollgateError, type RunState } from '../../src/contracts/index.js';
import { createEventTeller } from '../../src/client/cli/run-lines.js';
import { copyingRun, migratedRun, waitingRun } from '../report/migration-fixture.js';
import { fakeRun } from './support/fake-client.js';
import { rollgate } from './support/rollgate.js';
import { ended, plan, rolling, waiting } from './support/run-states.js';
import { specFile } from './support/spec-file.js';

const watched = (...looks: (RunState | RollgateError)[]) => ({ get: () => Promise.resolve(fakeRun(looks)) });

describe('watch', () => {
  it('prints each event once, then how the run ended, and exits with that', async () => {
    const client = watched(rolling(), rolling(), ended('rolled-back'));
    const { code, stdout, stderr } = await rollgate(['watch', 'orders'], { client });
    expect(code).toBe(3);
    const lines = stdout.trim().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[1]).toMatch(/^2026-01-01T00:00:01\.000Z {2}node .*\[replace\/pg-2 pg-2\] pg-2 draining$/);
    expect(lines[3]).toBe('orders: rolled-back');
    expect(stderr).toBe('');
  });

  it('as ndjson prints events and an end that carries the exit code', async () => {
    const { code, stdout } = await rollgate(['watch', 'orders', '-o', 'ndjson'], {
      client: watched(rolling(), ended('completed')),
    });
    expect(code).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((l) => JSON.parse(l) as Record<string, unknown>);
    expect(lines.map((l) => l.type)).toEqual(['event', 'event', 'event', 'end']);
    expect(lines.at(-1)).toMatchObject({ exitCode: 0, run: { outcome: 'completed' } });
  });

  it('on a terminal draws the node table', async () => {
    const { code, stdout } = await rollgate(['watch', 'orders'], {
      client: watched(rolling(), ended('completed')),
      terminal: true,
      env: { NO_COLOR: '1' },
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/pg-2 +draining +replica +17\.5/);
    expect(stdout).toContain('outcome completed');
  });

  it('says the command once for each approval and keeps waiting', async () => {
    const { code, stderr } = await rollgate(['watch', 'orders'], {
      client: watched(waiting(), waiting(), ended('completed')),
    });
    expect(code).toBe(0);
    expect(stderr.match(/rollgate approve orders/g)).toHaveLength(1);
    expect(stderr).toContain(`--step handover/default --plan-hash ${plan.hash}`);
  });

  it('R-SAGA-6: tells how far a migration is, once for each tenth, and what an approval of it means', async () => {
    const copying = copyingRun();
    const { code, stdout, stderr } = await rollgate(['watch', 'orders', '-o', 'ndjson'], {
      client: watched(copying, copying, waitingRun('cutover'), waitingRun('accept'), migratedRun()),
    });
    expect(code).toBe(0);
    expect(stderr.match(/copy: 2 of 5 ranges/g)).toHaveLength(1);
    expect(stderr).toMatch(/approve: orders is closed.*\n.*rollgate approve orders --step cutover/);
    expect(stderr).toMatch(/there is no way back from there.*\n.*--step accept/);
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
      type: 'end',
      migration: { phase: 'accepted', authority: 'destination' },
    });
  });

  it('--exit-on-approval ends with exit code 5', async () => {
    const { code } = await rollgate(['watch', 'orders', '--exit-on-approval'], {
      client: watched(waiting()),
    });
    expect(code).toBe(5);
  });

  it('--timeout ends with 124 while the run goes on, also when nobody answers at all', async () => {
    const late = await rollgate(['watch', 'orders', '--timeout', '100ms'], { client: watched(rolling()) });
    expect(late.code).toBe(124);
    expect(late.stderr).toContain('The run goes on by itself: rollgate watch orders');
    const mute = await rollgate(['watch', 'orders', '--timeout', '100ms'], { client: watched() });
    expect(mute.code).toBe(124);
  });

  it('waits for a worker that is away and says so once', async () => {
    const away = new RollgateError('NO_WORKER', 'nobody answered', 'rollgate worker');
    const { code, stderr } = await rollgate(['watch', 'orders'], {
      client: watched(rolling(), away, away, ended('completed')),
    });
    expect(code).toBe(0);
    expect(stderr).toBe('nobody answered; the run waits\n');
  });

  it('an interruption ends with 130, leaves the run alone and says so', async () => {
    const interrupt = new AbortController();
    setTimeout(() => interrupt.abort(), 50);
    const { code, stderr } = await rollgate(['watch', 'orders'], {
      client: watched(rolling()),
      signal: interrupt.signal,
    });
    expect(code).toBe(130);
    expect(stderr).toBe('interrupted\n  remedy: The run goes on by itself: rollgate watch orders\n');
  });

  it('a failure of another kind ends it', async () => {
    const client = watched(rolling(), new RollgateError('RUN_NOT_FOUND', 'gone', 'rollgate list'));
    expect((await rollgate(['watch', 'orders'], { client })).code).toBe(6);
  });
});

describe('start --wait', () => {
  const { file, remove } = specFile();
  afterAll(remove);

  const started = (...looks: RunState[]) => ({ start: () => Promise.resolve(fakeRun(looks)) });

  it.each([
    ['completed', 0],
    ['failed', 1],
    ['rolled-back', 3],
  ] as const)('%s ends with exit code %i; data is the end alone', async (outcome, code) => {
    const client = started(rolling(), ended(outcome));
    const result = await rollgate(['start', '-f', file, '--wait', '-o', 'json'], { client });
    expect(result.code).toBe(code);
    expect(JSON.parse(result.stdout)).toMatchObject({ run: { outcome } });
    expect(result.stderr).toContain('pg-2 draining');
  });

  it('keeps waiting for an approval, or ends with 5 where told to', async () => {
    const on = await rollgate(['start', '-f', file, '--wait'], {
      client: started(waiting(), ended('completed')),
    });
    expect(on.code).toBe(0);
    expect(on.stderr).toContain('rollgate approve orders --step handover/default');
    const off = await rollgate(['start', '-f', file, '--wait', '--exit-on-approval'], {
      client: started(rolling(), waiting()),
    });
    expect(off.code).toBe(5);
  });

  it('--timeout ends with 124', async () => {
    const { code } = await rollgate(['start', '-f', file, '--wait', '--timeout', '50ms'], {
      client: started(rolling()),
    });
    expect(code).toBe(124);
  });
});

describe('telling events', () => {
  it('tells what came new although the middle of the timeline was thinned', () => {
    const tell = createEventTeller();
    const event = (text: string) => ({ at: '2026-01-01T00:00:00.000Z', kind: 'step', text }) as const;
    expect(tell([event('a'), event('b'), event('b'), event('c')]).map((e) => e.text)).toEqual([
      'a',
      'b',
      'b',
      'c',
    ]);
    expect(tell([event('a'), event('c'), event('d')]).map((e) => e.text)).toEqual(['d']);
    expect(tell([event('a'), event('c'), event('d'), event('d')]).map((e) => e.text)).toEqual(['d']);
  });
});
