import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fenceFrom, nodeSpec, type Fence, type Promotion } from '../../../src/contracts/index.js';
import { layoutOf } from '../../../src/hosts/local/layout.js';
import { parseLsn } from '../../../src/systems/postgres/lsn.js';
import { realCluster, until, type Real } from './fixture.js';

let real: Real;
beforeAll(async () => {
  real = await realCluster();
  await real.sql('pg-1', 'CREATE TABLE t (n int)');
});
afterAll(() => real.dispose());

const limits = { timeoutMs: 30_000, pollMs: 5 };
const fence = (node: string, epoch: number): Promise<Fence> =>
  real.handover.fence(real.cluster, node, { ...limits, epoch }, real.ctx);
const unfence = (node: string, asked?: string): Promise<void> =>
  real.handover.unfence(real.cluster, node, { ...limits, asked }, real.ctx);
const promote = (node: string, held: Fence): Promise<Promotion> =>
  real.handover.promote(real.cluster, node, held, limits, real.ctx);
const replayed = async (node: string): Promise<string> =>
  (await real.sql<{ at: string }>(node, 'SELECT pg_last_wal_replay_lsn()::text AS at'))[0]?.at ?? '';
const isReplica = async (node: string): Promise<boolean | undefined> =>
  (await real.sql<{ it: boolean }>(node, 'SELECT pg_is_in_recovery() AS it'))[0]?.it;
const applies = (node: string, position: string): Promise<void> =>
  until(`${node} has applied ${position}`, async () => (await replayed(node)) === position);
const rows = async (node: string): Promise<number | undefined> =>
  (await real.sql<{ n: number }>(node, 'SELECT count(*)::int AS n FROM t'))[0]?.n;
const timeline = async (node: string): Promise<number | undefined> =>
  (
    await real.sql<{ t: number }>(
      node,
      'SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)::int AS t',
    )
  )[0]?.t;
/** What rollgate did to the node's host since `from`, by the host's own record. */
async function actions(node: string, from = 0): Promise<string[]> {
  const text = await readFile(layoutOf(nodeSpec(real.cluster, node)).journal, 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { action: string }).action)
    .slice(from);
}
const marked = async (node: string): Promise<boolean> =>
  (await real.host.readFile(nodeSpec(real.cluster, node), 'standby.signal', real.ctx)) !== undefined;

describe('R-ROLL-7, R-SAFE-4: what is not the primary of that epoch is not fenced', () => {
  it.each(['pg-2', 'pg-3'])('NOT_PRIMARY: the replica %s', async (node) => {
    const before = (await actions(node)).length;
    await expect(fence(node, 1)).rejects.toMatchObject({ code: 'NOT_PRIMARY' });
    expect(await actions(node, before)).toEqual([]);
    expect(await isReplica(node)).toBe(true);
  });

  it('PRIMARY_MOVED: the primary of another timeline', async () => {
    const before = (await actions('pg-1')).length;
    await expect(fence('pg-1', 2)).rejects.toMatchObject({ code: 'PRIMARY_MOVED' });
    expect(await actions('pg-1', before)).toEqual([]);
    expect(await isReplica('pg-1')).toBe(false);
  });

  it('FENCE_UNCLEAN: a replica that is stopped', async () => {
    await real.stop('pg-3');
    await expect(fence('pg-3', 1)).rejects.toMatchObject({ code: 'FENCE_UNCLEAN' });
    await real.start('pg-3');
    await real.ready('pg-3');
    await real.streaming('pg-1', ['pg-2', 'pg-3']);
  });
});

describe('R-SAFE-4: the identity of the data is read again before the primary is stopped', () => {
  it('IDENTITY_CHANGED: the address leads to a server whose data is not that of the host', async () => {
    const other = await realCluster({ nodes: 1, synchronous: null });
    try {
      const cluster = {
        ...real.cluster,
        nodes: real.cluster.nodes.map((n) =>
          n.id === 'pg-1' ? { ...n, address: nodeSpec(other.cluster, 'pg-1').address } : n,
        ),
        settings: other.cluster.settings,
      };
      const before = (await actions('pg-1')).length;
      await expect(
        real.handover.fence(cluster, 'pg-1', { ...limits, epoch: 1 }, real.ctx),
      ).rejects.toMatchObject({ code: 'IDENTITY_CHANGED' });
      expect(await actions('pg-1', before)).toEqual([]);
      expect(await isReplica('pg-1')).toBe(false);
    } finally {
      await other.dispose();
    }
  });
});

describe('R-ROLL-7, R-SAGA-1: a fence, and the way back', () => {
  it('fenced twice: the same position, one stop', async () => {
    const before = (await actions('pg-1')).length;
    const first = await fence('pg-1', 1);
    const second = await fence('pg-1', 1);
    expect({ ...second, at: first.at }).toEqual(first);
    expect(first).toMatchObject({ node: 'pg-1', group: 'default', epoch: 1, stopped: true, clean: true });
    const done = await actions('pg-1', before);
    expect(done.filter((a) => a === 'stop')).toEqual(['stop']);
    expect([...done].sort()).toEqual(['fence', 'stop', 'write']);
    for (const node of ['pg-2', 'pg-3']) await applies(node, first.position.text);
    const applied = await real.handover.applied(real.cluster, ['pg-2', 'pg-3'], real.ctx);
    expect(applied).toEqual(['pg-2', 'pg-3'].map((node) => ({ node, position: first.position })));
  });

  it('HOST_FENCED: while it is fenced, rollgate does not start it', async () => {
    await expect(real.start('pg-1')).rejects.toMatchObject({ code: 'HOST_FENCED' });
    expect(await real.status('pg-1')).toMatchObject({ kind: 'stopped', fenced: true });
  });

  it('unfenced twice: the primary it was, on its timeline, one start', async () => {
    const before = (await actions('pg-1')).length;
    await unfence('pg-1');
    await unfence('pg-1');
    expect((await actions('pg-1', before)).filter((a) => a === 'start')).toEqual(['start']);
    expect(await isReplica('pg-1')).toBe(false);
    expect(await timeline('pg-1')).toBe(1);
    expect(await marked('pg-1')).toBe(false);
    await real.streaming('pg-1', ['pg-2', 'pg-3']);
    // Synchronous: it returns when a replica has it.
    await real.sql('pg-1', 'INSERT INTO t VALUES (1)');
  });

  it('a foreign start of a fenced primary is read-only, voids the fence, and unfence still leads back', async () => {
    const held = await fence('pg-1', 1);
    await startAsSomebodyElse('pg-1');
    expect(await isReplica('pg-1')).toBe(true);
    await expect(real.sql('pg-1', 'INSERT INTO t VALUES (2)')).rejects.toMatchObject({ code: '25006' });
    await applies('pg-2', held.position.text);

    await expect(promote('pg-2', held)).rejects.toMatchObject({ code: 'FENCE_VOID' });
    // Stopped again it is a standby that was stopped: no proof either.
    await real.stop('pg-1');
    await expect(promote('pg-2', held)).rejects.toMatchObject({ code: 'FENCE_VOID' });
    expect(await isReplica('pg-2')).toBe(true);

    await startAsSomebodyElse('pg-1');
    await unfence('pg-1');
    expect(await isReplica('pg-1')).toBe(false);
    expect(await timeline('pg-1')).toBe(1);
    await real.streaming('pg-1', ['pg-2', 'pg-3']);
    await real.sql('pg-1', 'INSERT INTO t VALUES (3)');
    expect(await rows('pg-1')).toBe(2);
  });

  it('a promotion that was asked for is withdrawn for good before the primary is put back', async () => {
    const held = await fence('pg-1', 1);
    await applies('pg-2', held.position.text);
    // Its startup process is held up, so that the promotion it is asked for cannot happen yet.
    const startup = await startupProcess('pg-2');
    process.kill(startup, 'SIGSTOP');
    try {
      await expect(
        real.handover.promote(real.cluster, 'pg-2', held, { timeoutMs: 300, pollMs: 5 }, real.ctx),
      ).rejects.toMatchObject({ code: 'PROMOTION_UNVERIFIED' });
      const back = unfence('pg-1', 'pg-2');
      await until('the host is asked to stop pg-2', async () => !(await answers('pg-2')));
      process.kill(startup, 'SIGCONT');
      const outcome = await back.then(
        () => 'withdrawn',
        (error: unknown) => (error as { code: string }).code,
      );
      const primaries = [!(await isReplicaOrDown('pg-1')), !(await isReplicaOrDown('pg-2'))];
      // Whichever came first, there is one primary, and it is the one that the outcome names.
      expect({ outcome, primaries }).toEqual(
        outcome === 'withdrawn'
          ? { outcome: 'withdrawn', primaries: [true, false] }
          : { outcome: 'PRIMARY_MOVED', primaries: [false, true] },
      );
      expect(outcome).toBe('withdrawn');
    } finally {
      if (await alive(startup)) process.kill(startup, 'SIGCONT');
    }
    await unfence('pg-1', 'pg-2');
    // The promotion had pointed it to the candidate already.
    await real.system.follow(real.cluster, 'pg-3', 'pg-1', real.ctx);
    await real.streaming('pg-1', ['pg-2', 'pg-3']);
    expect(await isReplica('pg-2')).toBe(true);
    expect(await timeline('pg-1')).toBe(1);
  });

  it('HOST_UNKNOWN: while it cannot be learned whether another node is a primary, it is not put back', async () => {
    const held = await fence('pg-1', 1);
    await applies('pg-2', held.position.text);
    // Its server does not answer, and its host has no control file to show.
    await real.kill('pg-3', 'SIGKILL');
    const directory = layoutOf(nodeSpec(real.cluster, 'pg-3')).dataDir;
    await rename(join(directory, 'global/pg_control'), join(directory, 'global/pg_control.aside'));
    await expect(unfence('pg-1')).rejects.toMatchObject({ code: 'HOST_UNKNOWN' });
    await expect(promote('pg-2', held)).rejects.toMatchObject({ code: 'HOST_UNKNOWN' });
    expect(await real.status('pg-1')).toMatchObject({ kind: 'stopped', fenced: true });
    expect(await isReplica('pg-2')).toBe(true);
    await rename(join(directory, 'global/pg_control.aside'), join(directory, 'global/pg_control'));
    // Its control file says that it was a standby when it died: that is enough, also for one that was asked.
    await unfence('pg-1', 'pg-3');
    expect(await isReplica('pg-3')).toBe(true);
    await real.streaming('pg-1', ['pg-2', 'pg-3']);
  });

  it('FENCE_VOID: the position of the fence is not where the log ends', async () => {
    const held = await fence('pg-1', 1);
    await applies('pg-2', held.position.text);
    const offset = held.position.offset - 8;
    const other = fenceFrom({ ...held, position: { ...held.position, offset } });
    await expect(promote('pg-2', other)).rejects.toMatchObject({ code: 'FENCE_VOID' });
    expect(await isReplica('pg-2')).toBe(true);
    await unfence('pg-1');
    await real.streaming('pg-1', ['pg-2', 'pg-3']);
  });
});

describe('R-ROLL-7, R-ROLL-8: a promotion', () => {
  let held: Fence;

  it('CANDIDATE_BEHIND: what the candidate has not applied keeps it from being promoted', async () => {
    await real.sql('pg-2', 'SELECT pg_wal_replay_pause()');
    await real.sql('pg-1', 'INSERT INTO t VALUES (4)');
    held = await fence('pg-1', 1);
    expect(parseLsn(await replayed('pg-2')).offset).toBeLessThan(held.position.offset);
    await expect(promote('pg-2', held)).rejects.toMatchObject({ code: 'CANDIDATE_BEHIND' });
    expect(await isReplica('pg-2')).toBe(true);
    await real.sql('pg-2', 'SELECT pg_wal_replay_resume()');
    await applies('pg-2', held.position.text);
  });

  it('promoted twice: one promotion, one epoch more, no write missing', async () => {
    const first = await promote('pg-2', held);
    const second = await promote('pg-2', held);
    expect(first).toMatchObject({ group: 'default', node: 'pg-2', epoch: 2 });
    expect({ ...second, at: first.at }).toEqual(first);
    expect(await timeline('pg-2')).toBe(2);
    expect(await rows('pg-2')).toBe(3);
    const history = join(layoutOf(nodeSpec(real.cluster, 'pg-2')).dataDir, 'pg_wal', '00000002.history');
    // "parent timeline, where it was left, why": exactly the position of the fence.
    expect((await readFile(history, 'utf8')).split('\t').slice(0, 2)).toEqual(['1', held.position.text]);
    await real.streaming('pg-2', ['pg-3']);
    await real.sql('pg-2', 'INSERT INTO t VALUES (5)');
  });

  it('PRIMARY_MOVED: the old primary is not put back, and a foreign start of it takes no write', async () => {
    await expect(unfence('pg-1')).rejects.toMatchObject({ code: 'PRIMARY_MOVED' });
    expect(await real.status('pg-1')).toMatchObject({ kind: 'stopped', fenced: true });
    await expect(real.start('pg-1')).rejects.toMatchObject({ code: 'HOST_FENCED' });
    await startAsSomebodyElse('pg-1');
    expect(await isReplica('pg-1')).toBe(true);
    await expect(real.sql('pg-1', 'INSERT INTO t VALUES (6)')).rejects.toMatchObject({ code: '25006' });
    const view = await real.observe();
    expect(view.groups[0]?.primaries).toEqual(['pg-2']);
    await real.stop('pg-1');
  });

  it('released twice, the old primary comes back as a replica with every write', async () => {
    const promotion = await promote('pg-2', held);
    for (let i = 0; i < 2; i++) await real.handover.release(real.cluster, held, promotion, real.ctx);
    for (let i = 0; i < 2; i++) await real.system.startAsReplica(real.cluster, 'pg-1', 'pg-2', real.ctx);
    await real.start('pg-1');
    await real.ready('pg-1');
    await real.streaming('pg-2', ['pg-1', 'pg-3']);
    const before = await rows('pg-2');
    expect(before).toBe(4);
    for (const node of ['pg-1', 'pg-3'])
      await until(`${node} has every row`, async () => (await rows(node)) === before);
    expect((await real.observe()).obstacles).toEqual([]);
  });

  it('PRIMARY_MOVED: somebody promoted another replica by hand, and behind: no second one, no adoption', async () => {
    // It is cut off, then the last write is confirmed by the other replica alone.
    await real.sql('pg-3', "ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=1'");
    await real.sql('pg-3', 'SELECT pg_reload_conf()');
    await until('pg-3 is cut off', async () => {
      const names = await real.sql('pg-2', "SELECT FROM pg_stat_replication WHERE application_name = 'pg-3'");
      return names.length === 0;
    });
    await real.sql('pg-2', 'INSERT INTO t VALUES (7)');
    const second = await fence('pg-2', 2);
    await applies('pg-1', second.position.text);
    await real.sql('pg-3', 'SELECT pg_promote()');

    await expect(unfence('pg-2')).rejects.toMatchObject({ code: 'PRIMARY_MOVED' });
    expect(await real.status('pg-2')).toMatchObject({ kind: 'stopped', fenced: true });
    await expect(promote('pg-1', second)).rejects.toMatchObject({ code: 'PRIMARY_MOVED' });
    expect(await isReplica('pg-1')).toBe(true);
    await expect(promote('pg-3', second)).rejects.toMatchObject({ code: 'PRIMARY_MOVED' });
    expect(await timeline('pg-3')).toBe(3);
    expect(await rows('pg-3')).toBe(4);
    expect(await rows('pg-1')).toBe(5);
  });
});

const answers = async (node: string): Promise<boolean> => {
  try {
    await real.sql(node, 'SELECT 1');
    return true;
  } catch {
    return false;
  }
};

const isReplicaOrDown = async (node: string): Promise<boolean> =>
  !(await answers(node)) || (await isReplica(node)) === true;

async function startupProcess(node: string): Promise<number> {
  const [row] = await real.sql<{ pid: number }>(
    node,
    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'startup'",
  );
  if (!row) throw new Error(`${node} has no startup process`);
  return row.pid;
}

const alive = (pid: number): Promise<boolean> =>
  readFile(`/proc/${pid}/stat`).then(
    () => true,
    () => false,
  );

/** `pg_ctl start` by hand, or a service manager: knows nothing of rollgate's fence on the host. */
async function startAsSomebodyElse(node: string): Promise<void> {
  const spec = nodeSpec(real.cluster, node);
  const { fence: path } = layoutOf(spec);
  await rename(path, `${path}.aside`);
  try {
    await real.start(node);
  } finally {
    await rename(`${path}.aside`, path);
  }
  await real.ready(node);
}
