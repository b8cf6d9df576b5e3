import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { RollgateError, type RunState, type Validation } from '../../src/contracts/index.js';
import type { StartMigrationInput } from '../../src/client/index.js';
import { requireNoRun, validationOf } from '../../src/client/validation.js';
import { fakeRun } from './support/fake-client.js';
import { rollgate } from './support/rollgate.js';
import { plan, rolling } from './support/run-states.js';
import { migratedRun } from '../report/migration-fixture.js';

const example = (name: string): string =>
  fileURLToPath(new URL(`../../examples/postgres/${name}.yaml`, import.meta.url));
const files = ['cluster', 'destination', 'migration'].flatMap((name) => ['-f', example(name)]);

const codeOf = (f: () => unknown): string | undefined => {
  try {
    f();
    return undefined;
  } catch (error) {
    return error instanceof RollgateError ? error.code : 'another error';
  }
};

const validation = (mismatches: Validation['tables'][number]['mismatches']): Validation => ({
  id: 'asked-1@0/1',
  cut: 'asked-1',
  position: { offset: 1, text: '0/1' },
  tables: [
    {
      table: '"public"."orders"',
      rows: { source: 9, destination: 9 },
      equal: mismatches.length === 0,
      mismatches,
    },
  ],
  rows: 9,
  mismatches: mismatches.length,
  writePauseMs: 4,
  startedAt: '2026-01-01T00:00:00.000Z',
  endedAt: '2026-01-01T00:00:01.000Z',
});

describe('R-MIG-1: plan and start of a migration', () => {
  it('are of the migration that the files hold, with both of its clusters', async () => {
    const seen: string[] = [];
    const client = {
      planMigration: ({ cluster, destination, migration }: StartMigrationInput) => {
        seen.push(cluster.name, destination.name, migration.name);
        return Promise.resolve(plan);
      },
      startMigration: ({ expectPlan }: StartMigrationInput) => {
        seen.push(String(expectPlan));
        return Promise.resolve(fakeRun([rolling()]));
      },
    };
    expect((await rollgate(['plan', ...files], { client })).code).toBe(0);
    expect((await rollgate(['start', ...files, '--plan-hash', 'abc'], { client })).code).toBe(0);
    expect(seen).toEqual(['orders', 'orders-18', 'orders-to-18', 'abc']);
  });

  it('an upgrade in the same files is planned when it is named', async () => {
    const client = { plan: () => Promise.resolve(plan) };
    const argv = ['plan', ...files, '-f', example('upgrade'), '--upgrade', 'orders-17.10'];
    expect((await rollgate(argv, { client })).code).toBe(0);
  });
});

describe('R-MIG-3: validate', () => {
  it('says that both copies are equal, and ends with 0', async () => {
    const client = { validate: () => Promise.resolve(validation([])) };
    const { code, stdout } = await rollgate(['validate', 'orders'], { client });
    expect(code).toBe(0);
    expect(stdout).toContain('equal');
    expect(stdout).toContain('9 rows of 1 table');
  });

  it('says what differs, to the row and column, and ends with 1', async () => {
    const asked: unknown[] = [];
    const mismatch = {
      table: '"public"."orders"',
      kind: 'differs' as const,
      key: { id: '7' },
      columns: [{ name: 'amount', source: '1.10', destination: '1.100' }],
    };
    const client = {
      validate: (...given: unknown[]) => {
        asked.push(...given);
        return Promise.resolve(validation([mismatch]));
      },
    };
    const { code, stdout } = await rollgate(['validate', 'orders', '--sample', '3'], { client });
    expect(code).toBe(1);
    expect(asked).toEqual(['orders', 3]);
    for (const told of ['"public"."orders"', 'id=', '7', 'amount', '1.10 ', '1.100']) {
      expect(stdout).toContain(told);
    }
  });

  it.each(['0', '1001', 'x', '1.5'])('refuses --sample %s', async (sample) => {
    expect((await rollgate(['validate', 'orders', '--sample', sample])).code).toBe(2);
  });

  it.each([
    ['observing', 'back'],
    ['cut-back', 'forward'],
    ['awaiting-approval', 'forward'],
  ] as const)('%s is compared along the stream %s', (phase, direction) => {
    expect(validationOf(inPhase(phase), 7)).toMatchObject({
      direction,
      migration: { validation: { mismatches: 7 } },
    });
  });

  it('is refused where nothing flows, and for what is no migration', () => {
    expect(codeOf(() => validationOf(inPhase('bootstrapping')))).toBe('CONTROL_REFUSED');
    expect(codeOf(() => validationOf(inPhase('cutting-over')))).toBe('CONTROL_REFUSED');
    expect(codeOf(() => validationOf(rolling()))).toBe('CONTROL_REFUSED');
    const over = inPhase('observing');
    expect(codeOf(() => validationOf({ ...over, run: { ...over.run, outcome: 'completed' } }))).toBe(
      'CONTROL_REFUSED',
    );
  });
});

describe('R-MIG-5: migrate discard', () => {
  it('removes what is left, and says so', async () => {
    const seen: string[] = [];
    const client = {
      discardMigration: ({ destination }: StartMigrationInput) => {
        seen.push(destination.name);
        return Promise.resolve();
      },
    };
    const { code, stdout } = await rollgate(['migrate', 'discard', ...files], { client });
    expect([code, seen]).toEqual([0, ['orders-18']]);
    expect(stdout).toContain('nothing of a migration is left on orders and orders-18');
  });

  it('is refused while a run is in progress', async () => {
    const running = () => Promise.resolve(fakeRun([rolling()]));
    await expect(requireNoRun(running, 'orders')).rejects.toMatchObject({ code: 'RUN_ALREADY_RUNNING' });
    const none = () => Promise.reject(new RollgateError('RUN_NOT_FOUND', 'there is none', 'rollgate list'));
    await expect(requireNoRun(none, 'orders')).resolves.toBeUndefined();
    const away = () => Promise.reject(new RollgateError('NO_WORKER', 'nobody answers', 'start one'));
    await expect(requireNoRun(away, 'orders')).rejects.toMatchObject({ code: 'NO_WORKER' });
  });
});

function inPhase(phase: NonNullable<RunState['migration']>['phase']): RunState {
  const state = migratedRun();
  if (!state.migration) throw new Error('the fixture is a migration');
  return { ...state, run: { ...state.run, outcome: 'running' }, migration: { ...state.migration, phase } };
}
