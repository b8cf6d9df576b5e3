import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClusterSpec, EffectContext } from '../../../../src/contracts/index.js';
import { createSampleCluster } from '../../../../src/dev/postgres/cluster.js';
import type { SampleCluster } from '../../../../src/dev/postgres/sample-cluster.js';
import { createSessions } from '../../../../src/systems/postgres/connection.js';
import {
  findHeld,
  holdSnapshot,
  releaseHeld,
} from '../../../../src/systems/postgres/migration/held-snapshot.js';
import { createSecretResolver } from '../../../../src/worker/secrets.js';

const program = fileURLToPath(new URL('hold-and-wait.mjs', import.meta.url));
const node = 'pg-1';
const ctx: EffectContext = {
  signal: new AbortController().signal,
  heartbeat: () => undefined,
  runId: 'run-under-test',
};
const sessions = createSessions(createSecretResolver());

describe('R-MIG-3: a snapshot is held by the server itself', () => {
  let sample: SampleCluster;
  let cluster: ClusterSpec;
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    sample = await createSampleCluster({ nodes: 1, version: '17.10', synchronous: null });
    ({ cluster } = sample);
    await withClient((client) => client.query('CREATE TABLE item (id int); INSERT INTO item VALUES (1)'));
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await sample.destroy();
  });

  async function withClient<T>(body: (client: Client) => Promise<T>): Promise<T> {
    const client = new Client(sample.connection(node));
    await client.connect();
    try {
      return await body(client);
    } finally {
      await client.end();
    }
  }

  const rowsAt = (id: string): Promise<number> =>
    withClient(async (client) => {
      await client.query(`BEGIN ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '${id}'`);
      const { rows } = await client.query<{ n: number }>('SELECT count(*)::int AS n FROM item');
      return rows[0]?.n ?? -1;
    });

  const holders = (): Promise<number> =>
    withClient(async (client) => {
      const { rows } = await client.query<{ n: number }>(
        "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name LIKE 'rollgate hold%'",
      );
      return rows[0]?.n ?? -1;
    });

  /** The compiled product in a process of its own; its first line is the snapshot. */
  async function holdElsewhere(...args: string[]): Promise<{ child: ChildProcess; id: string }> {
    const child = spawn(process.execPath, [program, JSON.stringify(cluster), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const lines = createInterface({ input: child.stdout });
    const [id] = (await Promise.race([
      once(lines, 'line'),
      once(child, 'exit').then(([code]) => {
        throw new Error(`the process that holds ended with ${String(code)} and said nothing`);
      }),
    ])) as [string];
    return { child, id };
  }

  test('it outlives the process that made it, and is let go of by its name', async () => {
    const { child, id } = await holdElsewhere('export');
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    await withClient((client) => client.query('INSERT INTO item VALUES (2)'));

    expect(await findHeld(sessions, cluster, node, 'export')).toBe(id);
    expect(await rowsAt(id)).toBe(1);
    expect(await holdSnapshot(sessions, cluster, node, 'export', ctx)).toBe(id);

    await releaseHeld(sessions, cluster, node, 'export');
    expect(await findHeld(sessions, cluster, node, 'export')).toBeUndefined();
    await expect(rowsAt(id)).rejects.toThrow(/snapshot/);
    expect(await holders()).toBe(0);
    await releaseHeld(sessions, cluster, node, 'export');
  });

  test('it does not keep a process of ours from ending', async () => {
    const { child, id } = await holdElsewhere('short', 'once');
    const [code] = child.exitCode === null ? ((await once(child, 'exit')) as [number]) : [child.exitCode];
    expect(code).toBe(0);
    expect(await findHeld(sessions, cluster, node, 'short')).toBe(id);
    await releaseHeld(sessions, cluster, node, 'short');
  });

  test('an exported snapshot is held on to when its owner is gone; a lost one is refused', async () => {
    const before = await withClient(async (owner) => {
      await owner.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
      const { rows } = await owner.query<{ id: string }>('SELECT pg_export_snapshot() AS id');
      const exported = rows[0]?.id ?? '';
      await withClient((client) => client.query('INSERT INTO item VALUES (3)'));
      const id = await holdSnapshot(sessions, cluster, node, 'imported', ctx, { import: exported });
      return { id, exported };
    });
    const now = await withClient(async (client) => {
      const { rows } = await client.query<{ n: number }>('SELECT count(*)::int AS n FROM item');
      return rows[0]?.n ?? -1;
    });
    expect(await rowsAt(before.id)).toBe(now - 1);
    await expect(
      holdSnapshot(sessions, cluster, node, 'late', ctx, { import: before.exported }),
    ).rejects.toMatchObject({ code: 'CUT_LOST' });
    await releaseHeld(sessions, cluster, node, 'imported');
    expect(await holders()).toBe(0);
  });

  test('attempts at the same time hold one snapshot between them', async () => {
    const ids = await Promise.all(
      [1, 2, 3, 4].map(() => holdSnapshot(sessions, cluster, node, 'shared', ctx)),
    );
    expect(new Set(ids).size).toBe(1);
    expect(await holders()).toBe(1);
    // One name is no prefix of another.
    expect(await findHeld(sessions, cluster, node, 'share')).toBeUndefined();
    await releaseHeld(sessions, cluster, node, 'share');
    expect(await findHeld(sessions, cluster, node, 'shared')).toBe(ids[0]);
    await releaseHeld(sessions, cluster, node, 'shared');
  });
});
