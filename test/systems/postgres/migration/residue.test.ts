import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSampleCluster } from '../../../../src/dev/postgres/cluster.js';
import { sampleContext, type SampleCluster } from '../../../../src/dev/postgres/sample-cluster.js';
import { until } from '../../../../src/dev/postgres/until.js';
import { createSessions } from '../../../../src/systems/postgres/connection.js';
import { createDdlGuard, passGuard } from '../../../../src/systems/postgres/migration/ddl-guard.js';
import { holdSnapshot, releaseHeld } from '../../../../src/systems/postgres/migration/held-snapshot.js';
import { readResidue } from '../../../../src/systems/postgres/migration/residue.js';
import { createSecretResolver } from '../../../../src/worker/secrets.js';

let sample: SampleCluster;
let client: Client;
const sessions = createSessions(createSecretResolver());
const guard = createDdlGuard(sessions);
const residue = (): Promise<string[]> => readResidue(sessions, sample.cluster);
const run = async (...statements: string[]): Promise<void> => {
  for (const statement of statements) await client.query(statement);
};

beforeAll(async () => {
  sample = await createSampleCluster({
    ...{ nodes: 1, version: '18.4', synchronous: null, artifacts: ['18.4'], logical: true },
  });
  client = new Client(sample.connection('pg-1'));
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await sample.destroy();
});

describe('R-MIG-5: everything of ours on a side is told, and nothing of the user', () => {
  it("what is the user's is none of it", async () => {
    await run(
      'CREATE SCHEMA rollgate; CREATE TABLE rollgate.canary (token text PRIMARY KEY); CREATE PUBLICATION theirs FOR ALL TABLES',
      "SELECT pg_create_logical_replication_slot('theirs', 'pgoutput')",
      "SELECT pg_replication_origin_create('theirs')",
      "CREATE SUBSCRIPTION theirs CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false)",
      "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER theirs ON sql_drop EXECUTE FUNCTION f()",
      `ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (rollgate_backup)'`,
      'SELECT pg_reload_conf()',
    );
    await until(
      'the setting is in force',
      async () =>
        (await client.query('SELECT WHERE current_setting($1) <> $2', ['synchronous_standby_names', '']))
          .rowCount === 1,
    );
    expect(await residue()).toEqual([]);
    await run('ALTER SYSTEM RESET synchronous_standby_names', 'SELECT pg_reload_conf()');
  });

  it('all that is ours has its words, and each goes when it is removed', async () => {
    await run(
      'CREATE PUBLICATION rollgate_forward; CREATE PUBLICATION rollgate_back',
      "SELECT pg_create_logical_replication_slot('rollgate_forward', 'pgoutput')",
      "CREATE SUBSCRIPTION rollgate_back CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false)",
      "SELECT pg_replication_origin_create('rollgate_lost')",
    );
    const { rows } = await client.query<{ oid: number }>(
      "SELECT oid FROM pg_subscription WHERE subname = 'rollgate_back'",
    );
    const origin = `origin pg_${rows[0]?.oid ?? 0}`;
    await guard.set(sample.cluster, sampleContext);
    await holdSnapshot(sessions, sample.cluster, 'pg-1', 'export', sampleContext);
    const objects = [
      ...['event trigger rollgate_ddl_guard', 'event trigger rollgate_ddl_guard_drop'],
      ...['event trigger rollgate_ddl_guard_end', origin, 'origin rollgate_lost'],
      ...['publication rollgate_back', 'publication rollgate_forward', 'schema rollgate_migration'],
      expect.stringMatching(/^session rollgate hold export /) as unknown as string,
      ...['slot rollgate_forward', 'subscription rollgate_back'],
    ];
    expect(await residue()).toEqual(objects);

    await releaseHeld(sessions, sample.cluster, 'pg-1', 'export');
    await run(
      `BEGIN; ${passGuard}; ALTER SUBSCRIPTION rollgate_back SET (slot_name = NONE); DROP SUBSCRIPTION rollgate_back;
       DROP PUBLICATION rollgate_forward, rollgate_back; COMMIT`,
      "SELECT pg_drop_replication_slot('rollgate_forward')",
      "SELECT pg_replication_origin_drop('rollgate_lost')",
    );
    await guard.remove(sample.cluster, sampleContext);
    expect(await residue()).toEqual(['schema rollgate_migration']);
    await run('DROP SCHEMA rollgate_migration CASCADE');
    expect(await residue()).toEqual([]);
  });

  it('a name of ours in synchronous_standby_names is told', async () => {
    await run(
      `ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (standby, "rollgate_back")'`,
      'SELECT pg_reload_conf()',
    );
    await until('it is told', async () => (await residue()).length > 0, 10_000);
    expect(await residue()).toEqual(['name in synchronous_standby_names rollgate_back']);
    await run('ALTER SYSTEM RESET synchronous_standby_names', 'SELECT pg_reload_conf()');
    await until('it is told no more', async () => (await residue()).length === 0, 10_000);
  });
});
