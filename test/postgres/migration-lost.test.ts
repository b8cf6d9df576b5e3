import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { StorageMigrationSpec } from '../../src/contracts/spec.js';
import { loseNode, startAgain } from '../../src/dev/postgres/lose-node.js';
import type { SampleCluster } from '../../src/dev/postgres/sample-cluster.js';
import { until } from '../../src/dev/postgres/until.js';
import { runMigrationScenario, type MigrationSample } from '../../src/dev/scenario/migration.js';
import type { ScenarioContext } from '../../src/dev/scenario/run.js';
import { Summary } from '../../src/report/summary-schema.js';
import { sql } from './support/lag.js';

const patience = { timeout: 300_000 };
/** Several migrations at once on few cores: a fence takes longer than it does alone. */
const calm = { maxWritePause: '10s' };

/** Start a node that was lost, and wait until it has recovered. */
async function bringBack(sample: SampleCluster, node: string): Promise<void> {
  await startAgain(sample, node);
  await until(`${node} answers again`, async () => (await sql(sample, node, 'SELECT 1')).length === 1);
}

/** Everything that a migration makes, on one node; the scratch objects and the probe's role too. */
const oursOn = async (sample: SampleCluster, node: string): Promise<string[]> => {
  const rows = await sql<{ name: string }>(
    sample,
    node,
    `SELECT 'publication ' || pubname AS name FROM pg_publication
     UNION ALL SELECT 'slot ' || slot_name FROM pg_replication_slots WHERE slot_type = 'logical'
     UNION ALL SELECT 'subscription ' || subname FROM pg_subscription
     UNION ALL SELECT 'event trigger ' || evtname FROM pg_event_trigger
     UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname LIKE 'rollgate%'
     UNION ALL SELECT 'role ' || rolname FROM pg_roles WHERE rolname LIKE 'rollgate\\_%'
     UNION ALL SELECT 'session ' || application_name FROM pg_stat_activity WHERE application_name LIKE 'rollgate hold%'
     ORDER BY 1`,
  );
  return rows.map((row) => row.name);
};

/** Every row of the shop, as one text. */
const rowsOn = async (sample: SampleCluster, node: string): Promise<string> => {
  const rows = await sql<{ digest: string }>(
    sample,
    node,
    `SELECT count(*) || ' rows, ' || md5(string_agg(line, chr(10) ORDER BY line)) AS digest
       FROM (SELECT o::text AS line FROM shop.orders o UNION ALL SELECT c::text FROM shop.customer c
             UNION ALL SELECT e::text FROM shop.event e UNION ALL SELECT l::text FROM shop.log l) x`,
  );
  return rows[0]?.digest ?? '';
};

/** What the probe has written, as one side has it. */
const probeWrites = async (sample: SampleCluster, node: string): Promise<string[]> => {
  const rows = await sql<{ key: string }>(
    sample,
    node,
    "SELECT writer || '/' || seq AS key FROM rollgate.ledger",
  );
  return rows.map((row) => row.key);
};

/** Nothing that the probe writes is applied on that node until it is released. */
async function holdApply(sample: SampleCluster, node: string): Promise<() => Promise<void>> {
  const client = new Client(sample.connection(node));
  client.on('error', () => undefined);
  await client.connect();
  await client.query('BEGIN; LOCK TABLE rollgate.ledger IN SHARE MODE');
  return () => client.end();
}

/** Commits of clients of that node go on. */
async function expectWrites(sample: SampleCluster, node: string): Promise<void> {
  const before = await probeWrites(sample, node);
  await until(
    `clients write to ${node}`,
    async () => (await probeWrites(sample, node)).length >= before.length + 50,
  );
}

/** A run that is in `dual-writing` and stays there until B is released: it is behind. */
const held = {
  maxLag: '64KiB',
  approvals: { before: ['dual-write'] },
  cutover: { approval: false, ...calm },
};
async function inDualWrite({
  until: reached,
  handle,
  sample,
}: ScenarioContext<MigrationSample>): Promise<() => Promise<void>> {
  const { plan } = await reached('the stream waits', (s) => s.waiting?.step === 'dual-write');
  const release = await holdApply(sample.pair.destination, 'new-1');
  await handle.approve({ by: 'the test', planHash: plan?.hash });
  await until('B is subscribed, and behind', async () => {
    const [row] = await sql<{ behind: number }>(
      sample.pair.source,
      'pg-1',
      `SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::float8 AS behind
         FROM pg_replication_slots WHERE slot_name = 'rollgate_forward' AND active`,
    );
    return (row?.behind ?? 0) > 65_536;
  });
  return release;
}

describe.concurrent('R-MIG-5: A is lost during dual write, on real servers', () => {
  it('and comes back: the run goes on by itself, and both copies are equal', patience, async () => {
    const result = await runMigrationScenario({
      migration: held,
      during: async (context) => {
        const { source } = context.sample.pair;
        const release = await inDualWrite(context);
        await loseNode(source, 'pg-1');
        await release();
        await new Promise((resolve) => setTimeout(resolve, 4000));
        const meanwhile = await context.handle.status();
        expect(meanwhile).toMatchObject({ phase: 'migrating', step: 'dual-write' });
        await bringBack(source, 'pg-1');
      },
      after: async ({ sample: { pair } }) => {
        expect(await rowsOn(pair.destination, 'new-1')).toBe(await rowsOn(pair.source, 'pg-1'));
      },
    });
    const { state } = result;
    expect(state.failure).toBeUndefined();
    expect(state.run.outcome).toBe('completed');
    expect(state.decisions.map((d) => d.action)).toEqual(['approve']);
    expect(state.migration?.phases.map((p) => p.phase)).toContain('accepted');
    expect(state.migration?.validations.map((v) => [v.cut, v.mismatches])).toEqual([
      ['at-export', 0],
      ['before-cutover-1', 0],
      ['cutover-1', 0],
    ]);
    expect(state.writes).toMatchObject({ lost: 0 });
  });

  it(
    'and does not come back: B, which may be the only copy, is not emptied before A answers',
    patience,
    async () => {
      const result = await runMigrationScenario({
        migration: { ...held, timeouts: { gate: '8s' } },
        during: async (context) => {
          const { until: reached, handle, cluster, sample } = context;
          const { source, destination } = sample.pair;
          const release = await inDualWrite(context);
          await loseNode(source, 'pg-1');
          await release();
          const blocked = await reached('A is missed', (s) => s.phase === 'blocked');
          expect(blocked.failure).toMatchObject({ code: 'GATE_HELD', step: 'dual-write' });
          expect(blocked.failure?.message).toContain(`no node of ${cluster.name} takes writes`);

          const before = await rowsOn(destination, 'new-1');
          await handle.rollback({ by: 'the test' });
          const kept = await reached('it is not discarded', (s) => s.failure?.step === 'discard');
          expect(kept.failure).toMatchObject({ code: 'SYSTEM_UNREACHABLE' });
          expect(kept.failure?.message).toContain(
            `${destination.cluster.name} may hold the only copy of what it had sent: nothing was removed`,
          );
          expect(await rowsOn(destination, 'new-1')).toBe(before);
          await expect(handle.skip({ by: 'the test' })).rejects.toMatchObject({ code: 'CONTROL_REFUSED' });
          await handle.abort({ by: 'the test', reason: 'its disks are gone' });
        },
        after: async ({ client, cluster, sample }, { state }) => {
          const { source, destination } = sample.pair;
          const input = {
            cluster,
            destination: sample.destination,
            migration: StorageMigrationSpec.parse({
              ...{ name: 'm', source: cluster.name, destination: destination.cluster.name },
            }),
          };
          expect(state.leftUndone.map((l) => [l.what, l.command])).toEqual([
            ['migration', 'rollgate migrate discard, once the cause is gone'],
            ['scratch', 'drop the scratch schema on the primary'],
          ]);
          const before = await rowsOn(destination, 'new-1');
          await expect(client.discardMigration(input)).rejects.toMatchObject({ code: 'SYSTEM_UNREACHABLE' });
          expect(await rowsOn(destination, 'new-1')).toBe(before);

          await bringBack(source, 'pg-1');
          await client.discardMigration(input);
          expect(await oursOn(source, 'pg-1')).toEqual(['role rollgate_probe', 'schema rollgate']);
          expect(await oursOn(destination, 'new-1')).toEqual([]);
        },
      });
      expect(result.state.run.outcome).toBe('aborted');
      expect(result.state.migration).toMatchObject({ phase: 'dual-writing', authority: 'source' });
      expect(result.state.ledger.map((b) => b.id)).toEqual([
        'scratch',
        'migration',
        'stream/forward',
        'snapshot/export',
      ]);
    },
  );

  it(
    'and its replica is promoted: the run says what is missing, and leaves the new primary clean',
    patience,
    async () => {
      const result = await runMigrationScenario({
        sample: { nodes: 2 },
        migration: { cutover: { approval: true, ...calm }, timeouts: { gate: '8s' } },
        during: async ({ until: reached, handle, client, cluster, sample }) => {
          const { source } = sample.pair;
          const { plan } = await reached('the cutover waits', (s) => s.waiting?.step === 'cutover');
          await loseNode(source, 'pg-1');
          await sql(source, 'pg-2', 'SELECT pg_promote()');
          await sql(source, 'pg-2', "ALTER SYSTEM SET synchronous_standby_names = ''");
          await sql(source, 'pg-2', 'SELECT pg_reload_conf()');
          await expectWrites(source, 'pg-2');

          const compared = client.validate(cluster.name);
          await expect(compared).rejects.toMatchObject({
            code: 'CUT_REFUSED',
            message: expect.stringContaining('pg-2 has no slot') as string,
          });
          await handle.approve({ by: 'the test', planHash: plan?.hash });
          const blocked = await reached('the stream is missed', (s) => s.phase === 'blocked');
          expect(blocked.failure).toMatchObject({ code: 'GATE_HELD', step: 'cutover' });
          expect(blocked.failure?.message).toContain('pg-2 has no slot rollgate_forward');
          expect(blocked.migration).toMatchObject({ authority: 'source', switches: [] });
          await handle.rollback({ by: 'the test' });
        },
        after: async ({ sample: { pair } }) => {
          expect(await oursOn(pair.source, 'pg-2')).toEqual([]);
          expect(await oursOn(pair.destination, 'new-1')).toEqual([]);
          const left = await sql(
            pair.destination,
            'new-1',
            "SELECT FROM pg_namespace WHERE nspname = 'shop'",
          );
          expect(left).toEqual([]);
        },
      });
      expect(result.state.run.outcome).toBe('rolled-back');
      expect(result.state.leftUndone).toEqual([]);
      expect(result.state.writes).toMatchObject({ lost: 0 });
    },
  );
});

describe.concurrent('R-MIG-1: a replica of B is lost, on real servers', () => {
  it('the cutover and the acceptance wait for it; commits of B do not', patience, async () => {
    const result = await runMigrationScenario({
      sample: { destinationNodes: 2, destinationSynchronous: null },
      migration: {
        cutover: { approval: true, ...calm },
        observe: { for: '12s', acceptance: true },
        timeouts: { gate: '8s' },
      },
      during: async ({ until: reached, handle, sample }) => {
        const { destination } = sample.pair;
        const missed = `new-2 of ${destination.cluster.name}: down`;
        const { plan } = await reached('the cutover waits', (s) => s.waiting?.step === 'cutover');
        await loseNode(destination, 'new-2');
        await handle.approve({ by: 'the test', planHash: plan?.hash });
        const held = await reached('the cutover is held', (s) => s.phase === 'blocked');
        expect(held.failure).toMatchObject({ code: 'GATE_HELD', step: 'cutover' });
        expect(held.failure?.message).toContain(missed);
        expect(held.migration).toMatchObject({ authority: 'source', switches: [] });
        await bringBack(destination, 'new-2');
        await handle.retry({ by: 'the test' });

        await reached('B takes the writes', (s) => s.migration?.authority === 'destination');
        await loseNode(destination, 'new-2');
        await expectWrites(destination, 'new-1');
        const shown = await reached('the status shows it', (s) =>
          s.gates.some((g) => g.name === 'replicas-follow' && g.verdict === 'hold'),
        );
        expect(shown.step).toBe('observe');
        await reached('the acceptance waits', (s) => s.waiting?.step === 'accept');
        await handle.approve({ by: 'the test', planHash: plan?.hash });
        const refused = await reached('the acceptance is held', (s) => s.phase === 'blocked');
        expect(refused.failure).toMatchObject({ code: 'GATE_HELD', step: 'accept' });
        expect(refused.failure?.message).toContain(missed);
        await expectWrites(destination, 'new-1');
        await bringBack(destination, 'new-2');
        await handle.retry({ by: 'the test' });
      },
      after: async ({ sample: { pair } }) => {
        expect(await rowsOn(pair.destination, 'new-2')).toBe(await rowsOn(pair.destination, 'new-1'));
      },
    });
    expect(result.state.failure).toBeUndefined();
    expect(result.state.run.outcome).toBe('completed');
    expect(result.state.leftUndone).toEqual([]);
    expect(result.state.writes).toMatchObject({ lost: 0 });
  });
});

describe.concurrent('R-MIG-2: a side is lost for good while B takes the writes, on real servers', () => {
  it('A: given up, it is not waited for by the commits of B any more', patience, async () => {
    const result = await runMigrationScenario({
      migration: { cutover: { approval: false, ...calm }, observe: { for: '1h' } },
      during: async ({ until: reached, handle, sample }) => {
        await reached('B takes the writes', (s) => s.migration?.validations.at(-1)?.cut === 'cutover-1');
        await loseNode(sample.pair.source, 'pg-1');
        await handle.rollback({ by: 'the test' });
        const blocked = await reached('A is missed', (s) => s.phase === 'blocked');
        expect(blocked.failure).toMatchObject({ code: 'SYSTEM_UNREACHABLE', step: 'cut-back' });
        await handle.skip({ by: 'the test', reason: 'its disks are gone' });
      },
      after: async ({ sample: { pair } }) => {
        expect(await sql(pair.destination, 'new-1', 'SHOW synchronous_standby_names')).toEqual([
          { synchronous_standby_names: '' },
        ]);
        expect(await oursOn(pair.destination, 'new-1')).toEqual([]);
      },
    });
    expect(result.state.run.outcome).toBe('completed');
    expect(result.state.migration).toMatchObject({ phase: 'accepted', authority: 'destination' });
    expect(result.state.writes).toMatchObject({ lost: 0 });
    expect(result.state.leftUndone).toEqual([]);
  });

  it(
    'R-PROOF-2: B, with an asynchronous way back: what A does not have is measured and told',
    patience,
    async () => {
      let onA: string[] = [];
      let names = { source: '', destination: '' };
      const asynchronous = { observe: { for: '1h', synchronousReverse: false } };
      await runMigrationScenario({
        migration: {
          ...asynchronous,
          cutover: { approval: false, ...calm },
          accept: ['reverse-asynchronous'],
        },
        during: async ({ until: reached, handle, client, cluster, sample }) => {
          const { source, destination } = sample.pair;
          names = { source: cluster.name, destination: destination.cluster.name };
          await reached('B takes the writes', (s) => s.migration?.validations.at(-1)?.cut === 'cutover-1');
          const { refusals } = await client.planMigration({
            cluster,
            destination: sample.destination,
            migration: StorageMigrationSpec.parse({ name: 'm', ...names, ...asynchronous }),
          });
          expect(refusals.map((r) => [r.code, r.acceptAs])).toContainEqual([
            'WINDOW_NOT_ACCEPTED',
            'reverse-asynchronous',
          ]);

          const release = await holdApply(source, 'pg-1');
          await expectWrites(destination, 'new-1');
          await loseNode(destination, 'new-1');
          await handle.rollback({ by: 'the test' });
          const blocked = await reached('B is missed', (s) => s.phase === 'blocked');
          expect(blocked.failure).toMatchObject({ code: 'SYSTEM_UNREACHABLE', step: 'cut-back' });
          onA = await probeWrites(source, 'pg-1');
          await handle.skip({ by: 'the test', reason: 'its disks are gone' });
          await reached('A is open', (s) => s.migration?.authority === 'source');
          await release();
        },
        after: async ({ sample: { pair } }, { state, artifacts }) => {
          expect(state.run.outcome).toBe('failed');
          expect(state.migration).toMatchObject({ phase: 'discarded', authority: 'source' });
          const { lost = 0, acknowledged, lostBetween } = state.writes ?? {};
          // The disks of B can be read after all: what it had confirmed, with the last write of each of the four clients
          // perhaps, which may have been committed and not confirmed.
          await bringBack(pair.destination, 'new-1');
          const there = new Set(onA);
          const missing = (await probeWrites(pair.destination, 'new-1')).filter((key) => !there.has(key));
          expect(lost).toBeGreaterThanOrEqual(50);
          expect(lost).toBeLessThanOrEqual(missing.length);
          expect(lost).toBeGreaterThanOrEqual(missing.length - 4);

          const message = `${lost} of ${acknowledged} acknowledged writes are lost with ${names.destination}: it confirmed them from ${lostBetween?.from} to ${lostBetween?.to}, before ${names.source} had them; the spec accepts this window by name, reverse-asynchronous`;
          expect(state.failure).toMatchObject({ code: 'WRITES_LOST', message });
          const read = (file: string) => readFile(join(artifacts, file), 'utf8');
          const summary = Summary.parse(JSON.parse(await read('summary.json')));
          expect(summary.writes).toMatchObject({ lost, lostBetween });
          expect(summary.failure?.message).toBe(message);
          expect(summary.migration?.lossWindow).toMatchObject({ window: 'reverse-asynchronous', lost });
          const told = `are missing on ${names.source}`;
          for (const text of [await read('summary.txt'), await read('report.html')]) {
            expect(text).toContain(message);
            expect(text).toContain(`Of the writes of the probe that it had confirmed ${lost} ${told}`);
          }
        },
      });
    },
  );
});
