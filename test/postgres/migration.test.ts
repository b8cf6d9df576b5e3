import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import type { SampleCluster } from '../../src/dev/postgres/sample-cluster.js';
import { runMigrationScenario } from '../../src/dev/scenario/migration.js';

const patience = { timeout: 300_000 };

async function on<T>(sample: SampleCluster, body: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(sample.connection(sample.cluster.nodes[0]?.id ?? ''));
  await client.connect();
  try {
    return await body(client);
  } finally {
    await client.end();
  }
}

describe.concurrent('R-MIG-3: a validation that anybody may ask for, on real servers', () => {
  it(
    'finds a changed value, a missing row and an extra one, and equality once they are mended',
    patience,
    async () => {
      const result = await runMigrationScenario({
        migration: { cutover: { approval: true } },
        during: async ({ until, handle, client, cluster, sample }) => {
          await until('the cutover waits', (s) => s.waiting?.step === 'cutover');
          expect(await client.validate(cluster.name)).toMatchObject({ mismatches: 0 });

          const { destination } = sample.pair;
          await on(destination, async (b) => {
            // As an application would not: the foreign keys and triggers of the shop do not see it.
            await b.query('SET session_replication_role = replica');
            await b.query('UPDATE shop.orders SET amount = amount + 0.0001 WHERE id = 7');
            await b.query('DELETE FROM shop.orders WHERE id = 8');
            await b.query("INSERT INTO shop.log VALUES ('line 3', '2025-01-01Z')");
          });
          const found = await client.validate(cluster.name, 5);
          expect(found.mismatches).toBe(3);
          const rows = found.tables.flatMap((t) => t.mismatches);
          expect(rows.map((r) => [r.table, r.kind]).sort()).toEqual([
            ['"shop"."log"', 'extra'],
            ['"shop"."orders"', 'differs'],
            ['"shop"."orders"', 'missing'],
          ]);
          const changed = rows.find((r) => r.kind === 'differs');
          expect(changed?.key).toEqual({ id: '7' });
          expect(changed?.columns.map((c) => c.name).sort()).toEqual(['amount', 'double_amount']);

          await on(destination, async (b) => {
            await b.query('SET session_replication_role = replica');
            await b.query('UPDATE shop.orders SET amount = amount - 0.0001 WHERE id = 7');
            await b.query("DELETE FROM shop.log WHERE line = 'line 3' AND at = '2025-01-01Z'");
          });
          const left = await client.validate(cluster.name);
          expect(left.tables.filter((t) => !t.equal).map((t) => t.table)).toEqual(['"shop"."orders"']);
          await handle.rollback({ by: 'the test' });
        },
      });
      expect(result.state.run.outcome).toBe('rolled-back');
      expect(result.state.leftUndone).toEqual([]);
      expect(result.state.writes?.lost).toBe(0);
    },
  );

  it('a difference blocks the cutover, whatever is retried, until it is gone', patience, async () => {
    const result = await runMigrationScenario({
      migration: { approvals: { before: ['validate/cutover'] } },
      during: async ({ until, handle, sample }) => {
        const { plan } = await until('the comparison waits', (s) => s.waiting?.step === 'validate/cutover');
        const { destination } = sample.pair;
        await on(destination, (b) => b.query("UPDATE shop.customer SET name = 'another' WHERE id = 1"));
        await handle.approve({ by: 'the test', planHash: plan?.hash });
        const blocked = await until('it is blocked', (s) => s.phase === 'blocked');
        expect(blocked.failure).toMatchObject({ code: 'COPIES_DIFFER', step: 'validate/cutover' });
        expect(blocked.migration).toMatchObject({ phase: 'validating-cutover', authority: 'source' });
        await on(destination, (b) => b.query("UPDATE shop.customer SET name = 'customer 1' WHERE id = 1"));
        await handle.retry({ by: 'the test' });
      },
    });
    expect(result.state.failure).toBeUndefined();
    expect(result.state.run.outcome).toBe('completed');
    expect(result.state.migration?.validations.map((v) => [v.cut, v.mismatches])).toEqual([
      ['at-export', 0],
      ['before-cutover-1', 1],
      ['before-cutover-1', 0],
      ['cutover-1', 0],
    ]);
    expect(result.state.writes).toMatchObject({ lost: 0 });
  });
});
