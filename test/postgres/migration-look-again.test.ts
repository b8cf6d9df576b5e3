import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import type { SampleCluster } from '../../src/dev/postgres/sample-cluster.js';
import { runMigrationScenario } from '../../src/dev/scenario/migration.js';

const patience = { timeout: 180_000 };

/** As a superuser of whom the guard knows nothing. */
async function on(sample: SampleCluster, ...statements: string[]): Promise<void> {
  const client = new Client(sample.connection(sample.cluster.nodes[0]?.id ?? ''));
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

describe.concurrent('R-MIG-4: what forbids a migration is looked for again, on real servers', () => {
  it(
    'large objects made in mid-migration, and an unlogged table past the guard while the approval is waited for, do not get past the cutover; those of B are told before a cut-back and kept after it',
    patience,
    async () => {
      const result = await runMigrationScenario({
        migration: {
          approvals: { before: ['validate/cutover'] },
          ...{ cutover: { approval: true }, observe: { for: '1h' } },
        },
        during: async ({ until, handle, sample }) => {
          const { source, destination } = sample.pair;
          const by = { by: 'the test' };
          const { plan } = await until('the comparison waits', (s) => s.waiting?.step === 'validate/cutover');
          await on(source, 'SELECT lo_create(4711)');
          await handle.approve({ ...by, planHash: plan?.hash });
          const first = await until('it is blocked', (s) => s.phase === 'blocked');
          expect(first.failure).toMatchObject({ code: 'GATE_HELD', step: 'validate/cutover' });
          expect(first.failure?.message).toContain('PG_LARGE_OBJECTS: 1 large object on the source (pg-1)');
          expect(first.failure?.remedy).toContain('lo_unlink');
          await on(source, 'SELECT lo_unlink(4711)');
          await handle.retry(by);

          await until('the cutover waits', (s) => s.waiting?.step === 'cutover');
          await on(
            source,
            'SET event_triggers = off',
            'CREATE UNLOGGED TABLE shop.cache (id int PRIMARY KEY)',
          );
          await handle.approve({ ...by, planHash: plan?.hash });
          const second = await until('it is blocked again', (s) => s.phase === 'blocked');
          expect(second.failure).toMatchObject({ code: 'GATE_HELD', step: 'cutover' });
          expect(second.failure?.message).toContain('PG_UNLOGGED_TABLES');
          expect(second.migration).toMatchObject({ phase: 'validating-cutover', authority: 'source' });
          await on(source, 'SET event_triggers = off', 'DROP TABLE shop.cache');
          await handle.retry(by);

          await until('B is observed', (s) => s.migration?.observedSince !== undefined);
          await on(destination, 'SELECT lo_create(815)', 'CREATE ROLE late');
          // The next look is minutes away.
          await handle.rollback(by);
          const back = await until('A takes the writes', (s) => s.phase === 'blocked');
          expect(back.failure).toMatchObject({ code: 'GATE_HELD', step: 'validate/cut-back' });
          expect(back.failure?.message).toMatch(
            /: PG_LARGE_OBJECTS: 1 large object on the destination \(new-1\)[^;]*$/,
          );
          expect(back.migration).toMatchObject({ phase: 'cut-back', authority: 'source' });
          await on(destination, 'SELECT lo_unlink(815)');
          await handle.retry(by);
          const differs = await until('the role is told', (s) => s.failure?.code === 'COPIES_DIFFER');
          expect(differs.failure?.message).toContain('role late: only on destination');
          await on(source, 'CREATE ROLE late');
          await handle.retry(by);
          const asked = await until('asked again', (s) => s.waiting?.step === 'cutover/2');
          expect(asked.migration?.validations.map((v) => [v.cut, v.mismatches])).toEqual([
            ['at-export', 0],
            ['before-cutover-1', 0],
            ['before-cutover-1', 0],
            ['cutover-1', 0],
            ['cut-back-1', 0],
          ]);
          await handle.rollback(by);
        },
      });
      expect(result.state.run.outcome).toBe('rolled-back');
      expect(result.state.writes?.lost).toBe(0);
      expect(result.state.leftUndone).toEqual([]);
    },
  );
});

describe.concurrent('R-MIG-2: what came back with the writes is compared, on real servers', () => {
  it(
    'a row of A that somebody has changed meanwhile is told with its place while A takes the writes; mended, the writes move again by the comparison of the cut-back',
    patience,
    async () => {
      const result = await runMigrationScenario({
        migration: { observe: { for: '1h' } },
        during: async ({ until, handle, sample }) => {
          const { source } = sample.pair;
          const by = { by: 'the test' };
          const { plan } = await until('B is observed', (s) => s.migration?.observedSince !== undefined);
          await on(source, "UPDATE shop.customer SET name = 'another' WHERE id = 1");
          await handle.rollback(by);
          const told = await until('it is told', (s) => s.phase === 'blocked');
          expect(told.failure).toMatchObject({ code: 'COPIES_DIFFER', step: 'validate/cut-back' });
          expect(told.migration).toMatchObject({ phase: 'cut-back', authority: 'source' });
          const rows = told.migration?.validations.at(-1)?.tables.flatMap((t) => t.mismatches);
          expect(rows).toMatchObject([
            { table: '"shop"."customer"', kind: 'differs', key: { id: '1' }, columns: [{ name: 'name' }] },
          ]);
          await on(source, "UPDATE shop.customer SET name = 'customer 1' WHERE id = 1");
          await handle.retry(by);
          await until('asked again', (s) => s.waiting?.step === 'cutover/2');
          await handle.approve({ ...by, planHash: plan?.hash });
          await until('B is observed again', (s) => s.migration?.validations.at(-1)?.cut === 'cutover-2');
          await handle.rollback(by);
          await until('asked a third time', (s) => s.waiting?.step === 'cutover/3');
          await handle.rollback(by);
        },
      });
      expect(result.state.run.outcome).toBe('rolled-back');
      expect(result.state.migration?.validations.map((v) => [v.cut, v.mismatches])).toEqual([
        ['at-export', 0],
        ['before-cutover-1', 0],
        ['cutover-1', 0],
        ['cut-back-1', 1],
        ['cut-back-1', 0],
        ['cutover-2', 0],
        ['cut-back-2', 0],
      ]);
      expect(result.state.writes?.lost).toBe(0);
    },
  );
});
