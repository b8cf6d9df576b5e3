import { writeFile } from 'node:fs/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findNode, nodesOf, valueOf, type ClusterView, type NodeView } from '../../../src/contracts/index.js';
import { parseLsn } from '../../../src/systems/postgres/lsn.js';
import { realCluster, until, type Real } from './fixture.js';

let real: Real;
beforeAll(async () => {
  real = await realCluster();
  await real.sql('pg-1', "ALTER SYSTEM SET autovacuum = 'off'");
  await real.sql('pg-1', 'SELECT pg_reload_conf()');
  await real.sql('pg-1', 'CREATE TABLE t (n int)');
});
afterAll(() => real.dispose());

const node = (view: ClusterView, id: string): NodeView => {
  const found = findNode(view, id);
  if (!found) throw new Error(`the view has no ${id}`);
  return found;
};
const unknowns = (n: NodeView): string[] =>
  Object.entries(n)
    .filter(([, fact]: [string, unknown]) => (fact as { kind?: string } | undefined)?.kind === 'unknown')
    .map(([name]) => name);
const learned = [
  ...['role', 'version', 'serving', 'position', 'lag', 'inSync', 'upstream', 'epoch', 'identity'],
  ...['inFlight', 'startedAt'],
];
const level = (): Promise<void> =>
  until('every replica has lag 0', async () => {
    const view = await real.observe();
    return nodesOf(view).every((n) => valueOf(n.lag) === 0 && valueOf(n.inSync) === true);
  });

describe('R-ROLL-3: what an observation of real servers says', () => {
  it('roles, versions, timeline, upstreams and identity of a healthy cluster', async () => {
    await level();
    const view = await real.observe();
    const [identity] = await real.sql<{ id: string }>(
      'pg-1',
      'SELECT system_identifier::text AS id FROM pg_control_system()',
    );
    expect(view).toMatchObject({ system: 'postgres', positionUnit: 'bytes', obstacles: [] });
    expect(view.groups).toMatchObject([
      {
        primaries: ['pg-1'],
        epoch: { kind: 'known', value: 1 },
        durability: { kind: 'known', value: 'quorum' },
      },
    ]);
    expect(nodesOf(view).map((n) => [n.id, valueOf(n.role), valueOf(n.upstream), valueOf(n.inSync)])).toEqual(
      [
        ['pg-1', 'primary', undefined, true],
        ['pg-2', 'replica', 'pg-1', true],
        ['pg-3', 'replica', 'pg-1', true],
      ],
    );
    for (const n of nodesOf(view)) {
      expect(unknowns(n)).toEqual([]);
      expect(valueOf(n.version)).toBe('17.5');
      expect(valueOf(n.epoch)).toBe(1);
      expect(valueOf(n.identity)).toBe(identity?.id);
      expect(n.stop.verdict).toBe('pass');
    }
  });

  it('lag is the distance in bytes, on the node that lags alone', async () => {
    await real.sql('pg-3', 'SELECT pg_wal_replay_pause()');
    await until('replay has stopped', async () => {
      const [row] = await real.sql<{ s: string }>('pg-3', 'SELECT pg_get_wal_replay_pause_state() AS s');
      return row?.s === 'paused';
    });
    await real.sql('pg-1', 'INSERT INTO t SELECT generate_series(1, 1000)');
    const at = async (id: string, f: string): Promise<number> =>
      parseLsn((await real.sql<{ at: string }>(id, `SELECT ${f}()::text AS at`))[0]?.at ?? '').offset;
    await until('pg-2 is level', async () => valueOf(node(await real.observe(), 'pg-2').lag) === 0);

    const before = (await at('pg-1', 'pg_current_wal_lsn')) - (await at('pg-3', 'pg_last_wal_replay_lsn'));
    const view = await real.observe();
    const after = (await at('pg-1', 'pg_current_wal_lsn')) - (await at('pg-3', 'pg_last_wal_replay_lsn'));
    const lag = valueOf(node(view, 'pg-3').lag) ?? -1;
    expect(before).toBeGreaterThan(50_000);
    expect(lag).toBeGreaterThanOrEqual(before);
    expect(lag).toBeLessThanOrEqual(after);
    expect(valueOf(node(view, 'pg-3').position)?.offset).toBe(await at('pg-3', 'pg_last_wal_replay_lsn'));
    expect(valueOf(node(view, 'pg-2').lag)).toBe(0);
    // It still streams, so its confirmations count; that it does not apply is an obstacle of its own.
    expect(view.obstacles.map((o) => [o.code, o.node])).toEqual([['PG_REPLAY_PAUSED', 'pg-3']]);
    await real.sql('pg-3', 'SELECT pg_wal_replay_resume()');
    await level();
  });

  it('transactions of clients are in flight, those of rollgate are not', async () => {
    const client = new Client({ ...real.sample.connection('pg-2'), application_name: 'orders' });
    await client.connect();
    try {
      await client.query('BEGIN');
      await new Promise((resolve) => setTimeout(resolve, 120));
      const view = await real.observe();
      expect(valueOf(node(view, 'pg-2').inFlight)).toMatchObject({ count: 1 });
      expect(valueOf(node(view, 'pg-2').inFlight)?.oldestMs).toBeGreaterThanOrEqual(100);
      expect(valueOf(node(view, 'pg-1').inFlight)).toEqual({ count: 0, oldestMs: 0 });
    } finally {
      await client.end();
    }
  });
});

describe('R-ROLL-3: what does not answer is unknown, never healthy', () => {
  function expectSilent(view: ClusterView, id: string): void {
    const silent = node(view, id);
    expect(silent.reachable.kind).toBe('unknown');
    expect(unknowns(silent).sort()).toEqual([...learned, 'reachable'].sort());
  }

  it('a replica that is stopped', async () => {
    await real.stop('pg-3');
    const view = await real.observe();
    expectSilent(view, 'pg-3');
    expect(view.groups[0]?.primaries).toEqual(['pg-1']);
    expect(unknowns(node(view, 'pg-2'))).toEqual([]);
    expect(node(view, 'pg-2').stop.verdict).toBe('hold');
    await real.start('pg-3');
    await real.ready('pg-3');
    await level();
  });

  it('a replica that hangs: the kernel takes the connection, the server says nothing', async () => {
    const status = await real.status('pg-2');
    if (status.kind !== 'running') throw new Error('pg-2 does not run');
    process.kill(status.pid, 'SIGSTOP');
    try {
      const began = Date.now();
      const view = await real.observe();
      expect(Date.now() - began).toBeLessThan(8000);
      expectSilent(view, 'pg-2');
      expect(valueOf(node(view, 'pg-3').lag)).toBe(0);
    } finally {
      process.kill(status.pid, 'SIGCONT');
    }
    await level();
  });

  it('a primary that is stopped: no primary, no epoch, no lag, no node may be stopped', async () => {
    await real.stop('pg-1');
    const view = await real.observe();
    expectSilent(view, 'pg-1');
    expect(view.groups[0]?.primaries).toEqual([]);
    expect(view.groups[0]?.epoch.kind).toBe('unknown');
    expect(view.groups[0]?.durability.kind).toBe('unknown');
    for (const id of ['pg-2', 'pg-3']) {
      expect(node(view, id).lag.kind).toBe('unknown');
      expect(node(view, id).inSync.kind).toBe('unknown');
      expect(valueOf(node(view, id).role)).toBe('replica');
    }
    expect(nodesOf(view).map((n) => n.stop.verdict)).toEqual(['unknown', 'unknown', 'unknown']);
    await real.start('pg-1');
    await real.ready('pg-1');
    await level();
  });

  it('R-SPEC-3: a password that is refused; it is not shown', async () => {
    const file = `${real.sample.directory}/wrong`;
    await writeFile(file, 'canary-4711-secret');
    const cluster = { ...real.cluster, settings: { ...real.cluster.settings, password: `file:${file}` } };
    const view = await real.system.observe(cluster, real.ctx);
    for (const { id } of cluster.nodes) expectSilent(view, id);
    expect(JSON.stringify(view)).not.toContain('canary-4711');
    expect(node(view, 'pg-1').role).toMatchObject({ reason: /password authentication failed/ });
  });

  it('R-ROLL-8: two primaries: both are named, and neither is believed', async () => {
    await real.sql('pg-3', 'SELECT pg_promote()');
    const view = await real.observe();
    expect(view.groups[0]?.primaries).toEqual(['pg-1', 'pg-3']);
    expect(view.groups[0]?.epoch).toEqual({ kind: 'unknown', reason: 'pg-1 and pg-3 are primaries' });
    expect(valueOf(node(view, 'pg-3').epoch)).toBe(2);
    expect(node(view, 'pg-2').lag.kind).toBe('unknown');
    expect(node(view, 'pg-2').stop.verdict).toBe('unknown');
  });
});
