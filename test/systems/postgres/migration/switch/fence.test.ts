import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Client } from 'pg';
import type { Side } from '../../../../../src/contracts/index.js';
import { cutOver } from '../../../../../src/systems/postgres/migration/switch/cut-over.js';
import { fence, type FenceStep } from '../../../../../src/systems/postgres/migration/switch/fence.js';
import { findHeld } from '../../../../../src/systems/postgres/migration/held-snapshot.js';
import { until } from '../../../../../src/dev/postgres/until.js';
import { brokenOff } from './broken-off.js';
import { logIns, twoSides, validated, type TwoSides } from './two-sides.js';

let two: TwoSides;
let before: Record<string, boolean>;
beforeAll(async () => {
  two = await twoSides();
  await two.exported();
  before = await logIns(two, 'source');
  await two.stream.startStream(two.pair, 'forward', { synchronous: false }, two.ctx);
});
afterAll(() => two.destroy());

const limits = { maxWritePauseMs: 2000, timeoutMs: 10_000 };
const close = (more: Partial<typeof limits> = {}) =>
  two.change.fence(two.pair, 'forward', { ...limits, ...more }, two.ctx);
const unfence = () => two.change.unfence(two.pair, 'forward', two.ctx);
const open = async (side: Side) => (await two.change.open(two.pair, two.ctx))[side];
const count = async (side: Side): Promise<number> =>
  (await two.sql<{ n: number }>(side, 'SELECT count(*)::int AS n FROM events'))[0]?.n ?? -1;
const held = async (side: Side): Promise<boolean> =>
  (await findHeld(two.sessions, two.pair[side], two.pair[side].nodes[0]?.id ?? '', 'fence-forward')) !==
  undefined;

/** Nothing of a fence is left. */
async function expectAsBefore(): Promise<void> {
  expect(await logIns(two, 'source')).toEqual(before);
  expect(await open('source')).toEqual({ kind: 'known', value: true });
  expect(await open('destination')).toEqual({ kind: 'known', value: false });
  expect([await held('source'), await held('destination')]).toEqual([false, false]);
  expect(
    await two.sql('source', "SELECT name FROM rollgate_migration.fact WHERE name LIKE 'fence/%'"),
  ).toEqual([]);
  expect(
    await two.sql('destination', "SELECT name FROM rollgate_migration.fact WHERE name LIKE 'permit/%'"),
  ).toEqual([]);
  const app = await two.login('source', 'app');
  await app.query("INSERT INTO notes VALUES ((random() * 1e9)::int, 'as before')");
  await app.end();
}

describe('R-MIG-2: a fence lets nobody write any more', () => {
  beforeEach(expectAsBefore);

  it('neither a superuser without triggers nor the owner, in sessions of before or new ones', async () => {
    const root = await two.login('source', 'root');
    await root.query("SET session_replication_role = 'replica'; SET default_transaction_read_only = off");
    const owner = await two.login('source', 'owner');
    await owner.query('ALTER TABLE events DISABLE TRIGGER ALL').then(
      () => undefined,
      // The guard against DDL refuses even that.
      (error: unknown) => expect(error).toMatchObject({ code: '55000' }),
    );
    let acknowledged = 0;
    const writing = [root, owner].map(async (client) => {
      try {
        for (;;) {
          await client.query("INSERT INTO events VALUES ('x')");
          acknowledged += 1;
        }
      } catch (error) {
        return error;
      }
    });
    await until('they write', () => Promise.resolve(acknowledged > 20));
    const proof = await close();
    const errors = await Promise.all(writing);
    expect(errors).toHaveLength(2);
    for (const role of ['root', 'owner', 'app', 'Odd Name'])
      await expect(two.login('source', role)).rejects.toMatchObject({ code: '28000' });

    expect(await count('source')).toBe(acknowledged);
    expect(await count('destination')).toBe(acknowledged);
    expect(proof).toMatchObject({
      side: 'source',
      closedTo: ['Odd Name', 'app', 'owner', 'replicator', 'root'],
      sessionsGone: true,
      applied: true,
      cut: { name: 'fence-forward', position: proof.position },
    });
    expect(await held('source')).toBe(true);
    expect(await held('destination')).toBe(true);
    expect(await open('source')).toEqual({ kind: 'known', value: false });

    // Called again it is the same fence; the snapshots are those of the later call.
    const again = await close();
    expect(again).toMatchObject({ closedTo: proof.closedTo, from: proof.from });
    await unfence();
    await unfence();
  });

  it('what is held shows both sides equal, whatever comes later', async () => {
    const proof = await close();
    const rows = await Promise.all(
      (['source', 'destination'] as const).map(async (side) => {
        const client = new Client(two.sample[side].connection(two.pair[side].nodes[0]?.id ?? ''));
        await client.connect();
        await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
        await client.query(`SET TRANSACTION SNAPSHOT '${proof.cut.snapshots[side].id}'`);
        await two.sql(side, "INSERT INTO events VALUES ('later on both')");
        const answer = await client.query<{ n: number }>('SELECT count(*)::int AS n FROM events');
        await client.end();
        return answer.rows[0]?.n;
      }),
    );
    expect(rows[0]).toBe(rows[1]);
    expect(rows[0]).toBe((await count('source')) - 1);
    await two.sql('destination', "DELETE FROM events WHERE word = 'later on both'");
    await two.sql('source', "DELETE FROM events WHERE word = 'later on both'");
    await unfence();
  });

  it('FENCE_LATE: a transaction that writes for long is waited for, and is not cut off', async () => {
    const app = await two.login('source', 'app');
    await app.query("BEGIN; INSERT INTO notes VALUES (-1, 'slow')");
    await expect(close({ timeoutMs: 300 })).rejects.toMatchObject({
      code: 'FENCE_LATE',
      message: expect.stringMatching(/held by app \(pid \d+\)/) as string,
    });
    await app.query('COMMIT');
    await app.end();
  });

  it('a session that only sits in a transaction is ended', async () => {
    const app = await two.login('source', 'app');
    await app.query('BEGIN; SELECT count(*) FROM notes');
    await close();
    await expect(app.query('SELECT 1')).rejects.toThrow();
    await unfence();
  });

  it('FENCE_LATE: a receiver that is far behind keeps it from being made', async () => {
    await stalled('orders', async () => {
      const app = await two.login('source', 'app');
      await app.query("INSERT INTO orders (writer, seq, ticket) VALUES (99, 0, nextval('tickets'))");
      await app.end();
      await expect(close({ timeoutMs: 300 })).rejects.toMatchObject({
        code: 'FENCE_LATE',
        message: expect.stringContaining('not applied on new-1') as string,
      });
    });
  });

  it.each(['locked', 'closed', 'gone', 'applied', 'permitted'] satisfies FenceStep[])(
    'FENCE_LATE: too slow after "%s", everything is as before',
    async (at) => {
      const slow = async (step: FenceStep): Promise<void> => {
        if (step === at) await new Promise((resolve) => setTimeout(resolve, 350));
      };
      await expect(
        fence(
          two.sessions,
          two.pair,
          'forward',
          { maxWritePauseMs: 300, timeoutMs: 5000, onStep: slow },
          two.ctx,
        ),
      ).rejects.toMatchObject({ code: 'FENCE_LATE' });
    },
  );

  it.each(['closed', 'applied'] satisfies FenceStep[])(
    'FENCE_LATE: after "%s" the server has opened by itself meanwhile, and nothing is held any more',
    async (at) => {
      const onStep = (step: FenceStep): Promise<void> =>
        step === at
          ? until('it is open', async () => (await logIns(two, 'source')).app === true)
          : Promise.resolve();
      await expect(
        fence(two.sessions, two.pair, 'forward', { maxWritePauseMs: 300, timeoutMs: 5000, onStep }, two.ctx),
      ).rejects.toMatchObject({ code: 'FENCE_LATE' });
    },
  );

  it('a receiver that stops applying in the middle: the side is open again', async () => {
    let blocked: Promise<void> | undefined;
    let release: () => void = () => undefined;
    const onStep = async (step: FenceStep): Promise<void> => {
      if (step !== 'gone') return;
      await new Promise<void>((locked) => {
        blocked = stalled('rollgate_migration.marker', () => {
          locked();
          return new Promise<void>((resolve) => {
            release = resolve;
          });
        });
      });
    };
    await expect(
      fence(two.sessions, two.pair, 'forward', { maxWritePauseMs: 500, timeoutMs: 5000, onStep }, two.ctx),
    ).rejects.toMatchObject({ code: 'FENCE_LATE' });
    release();
    await blocked;
  });

  it.each(['locked', 'closed', 'gone', 'applied', 'permitted'] satisfies FenceStep[])(
    'R-SAGA-1: broken off after "%s", called again it is made, and undone it is as before',
    async (at) => {
      await brokenOff(two, at, (onStep) =>
        fence(two.sessions, two.pair, 'forward', { ...limits, onStep }, two.ctx),
      );
      const proof = await close();
      expect(proof.closedTo).toEqual(['Odd Name', 'app', 'owner', 'replicator', 'root']);
      await unfence();
    },
  );

  it('R-SAGA-1: broken off and undone without having been made', async () => {
    await brokenOff(two, 'closed', (onStep) =>
      fence(two.sessions, two.pair, 'forward', { ...limits, onStep }, two.ctx),
    );
    expect(await open('source')).toEqual({ kind: 'known', value: false });
    await unfence();
  });
});

/** While `body` runs, nothing is applied to that table of B. */
async function stalled(table: string, body: () => Promise<void>): Promise<void> {
  const client = new Client({
    ...two.sample.destination.connection('new-1'),
    application_name: 'rollgate test',
  });
  await client.connect();
  try {
    await client.query(`BEGIN; LOCK TABLE ${table} IN EXCLUSIVE MODE`);
    await body();
  } finally {
    await client.end();
  }
}

describe('R-SAFE-4: a cutover through a fence that does not hold', () => {
  beforeEach(expectAsBefore);
  const passed = validated('forward');
  const tryOver = (proof: Awaited<ReturnType<typeof close>>) =>
    two.change.cutOver(two.pair, 'forward', proof, passed, two.ctx);

  it('FENCE_VOID: undone since, and made again since', async () => {
    const proof = await close();
    await unfence();
    await expect(tryOver(proof)).rejects.toMatchObject({ code: 'FENCE_VOID' });
    await close();
    await expect(tryOver(proof)).rejects.toMatchObject({ code: 'FENCE_VOID' });
    await unfence();
  });

  it('FENCE_VOID: a role was let in', async () => {
    const proof = await close();
    await two.sql('source', 'ALTER ROLE app LOGIN');
    await expect(tryOver(proof)).rejects.toMatchObject({
      code: 'FENCE_VOID',
      message: expect.stringContaining('may log in: app') as string,
    });
    expect(await open('source')).toMatchObject({ kind: 'unknown' });
    await unfence();
  });

  it('FENCE_VOID: rollgate’s own role wrote past it; a transaction that writes no row does not matter', async () => {
    const first = await close();
    await two.sql('source', 'SELECT pg_current_xact_id()');
    await two.sql('source', "INSERT INTO events VALUES ('past the fence')");
    await expect(tryOver(first)).rejects.toMatchObject({
      code: 'FENCE_VOID',
      message: expect.stringContaining('1 changes were written') as string,
    });
    await unfence();
  });

  it('FENCE_VOID: somebody of that role is there', async () => {
    const proof = await close();
    const there = new Client({ ...two.sample.source.connection('pg-1'), application_name: 'psql' });
    await there.connect();
    await expect(tryOver(proof)).rejects.toMatchObject({
      code: 'FENCE_VOID',
      message: expect.stringContaining('psql') as string,
    });
    await there.end();
    await unfence();
  });

  it('SYSTEM_REFUSED: a sequence that is not there opens nothing', async () => {
    await two.sql('destination', 'ALTER SEQUENCE "Never Used" RENAME TO gone');
    const proof = await close();
    await expect(tryOver(proof)).rejects.toMatchObject({
      code: 'SYSTEM_REFUSED',
      message: expect.stringContaining('"Never Used"') as string,
    });
    expect(await open('destination')).toEqual({ kind: 'known', value: false });
    await two.sql('destination', 'ALTER SEQUENCE gone RENAME TO "Never Used"');
    await unfence();
  });

  it('R-SAGA-1: broken off before it opened, undone and called again: FENCE_VOID', async () => {
    const proof = await close();
    await brokenOff(two, 'verified', (onStep) =>
      cutOver(two.sessions, two.pair, 'forward', proof, passed, onStep),
    );
    await unfence();
    await expect(tryOver(proof)).rejects.toMatchObject({ code: 'FENCE_VOID' });
  });
});

describe('R-MIG-2: never are both sides open', () => {
  beforeEach(expectAsBefore);

  it('FENCE_VOID: an opening that is still under way when the fence is undone opens nothing', async () => {
    const proof = await close();
    await expect(
      cutOver(two.sessions, two.pair, 'forward', proof, validated('forward'), async (step) => {
        if (step === 'verified') await unfence();
      }),
    ).rejects.toMatchObject({
      code: 'FENCE_VOID',
      message: expect.stringContaining('no permit') as string,
    });
    await expectAsBefore();
  });
});

describe('R-MIG-4: a cutover carries the sequences over and opens once', () => {
  it('with the values that were next, and headroom where there is room', async () => {
    await two.sql('source', "SELECT setval('tickets', 100); SELECT nextval('tickets')");
    await two.sql('source', "SELECT setval('downwards', 40); SELECT setval('nearly_out', 9)");
    const proof = await close();
    // A transaction of the server's own, such as that of ANALYZE, is no write.
    await two.sql('source', 'SELECT pg_current_xact_id()');
    await brokenOff(two, 'verified', (onStep) =>
      cutOver(two.sessions, two.pair, 'forward', proof, validated('forward'), onStep),
    );
    await brokenOff(two, 'opened', (onStep) =>
      cutOver(two.sessions, two.pair, 'forward', proof, validated('forward'), onStep),
    );
    const opening = await two.change.cutOver(two.pair, 'forward', proof, validated('forward'), two.ctx);
    expect(opening).toMatchObject({ direction: 'forward', sequences: 5 });
    expect(opening.writeGapMs).toBe(Date.parse(opening.at) - Date.parse(proof.from));
    expect(await two.change.cutOver(two.pair, 'forward', proof, validated('forward'), two.ctx)).toEqual(
      opening,
    );
    const next = async (sequence: string): Promise<string | undefined> =>
      (await two.sql<{ v: string }>('destination', `SELECT nextval('${sequence}')::text AS v`))[0]?.v;
    expect(await next('tickets')).toBe(String(105 + 5 * 32 + 5));
    expect(await next('downwards')).toBe(String(40 - 32 - 1));
    expect(await next('nearly_out')).toBe('10');
    expect(await next('"Never Used"')).toBe('7');
    expect(await logIns(two, 'destination')).toEqual(before);
  });

  it('PRIMARY_MOVED: once the other side is open, this one is neither opened nor fenced', async () => {
    await expect(unfence()).rejects.toMatchObject({ code: 'PRIMARY_MOVED' });
    await expect(close()).rejects.toMatchObject({ code: 'PRIMARY_MOVED' });
    expect(await open('source')).toEqual({ kind: 'known', value: false });
    await expect(two.login('source', 'app')).rejects.toMatchObject({ code: '28000' });
  });
});
