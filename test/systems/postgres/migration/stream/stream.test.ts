import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeSpec, type Side } from '../../../../../src/contracts/index.js';
import { until } from '../../../../../src/dev/postgres/until.js';
import { sampleLaunch } from '../../../../../src/dev/postgres/sample-cluster.js';
import { createLocalHost } from '../../../../../src/hosts/local/host.js';
import { layoutOf } from '../../../../../src/hosts/local/layout.js';
import { readResidue } from '../../../../../src/systems/postgres/migration/residue.js';
import { twoSides, type TwoSides } from '../switch/two-sides.js';

let two: TwoSides;
beforeAll(async () => {
  two = await twoSides();
  await two.exported();
});
afterAll(() => two.destroy());

const words = async (side: Side, word: string): Promise<number> =>
  (await two.sql<{ n: number }>(side, 'SELECT count(*)::int AS n FROM events WHERE word = $1', [word]))[0]
    ?.n ?? -1;
const arrives = (side: Side, word: string): Promise<void> =>
  until(`${word} is on the ${side}`, async () => (await words(side, word)) > 0);
const add = (side: Side, word: string): Promise<unknown> =>
  two.sql(side, 'INSERT INTO events VALUES ($1)', [word]);
const subscriptions = (side: Side): Promise<{ name: string; level: string; pid: number | null }[]> =>
  two.sql(
    side,
    `SELECT s.subname AS name, s.subsynccommit AS level, w.pid
       FROM pg_subscription s LEFT JOIN pg_stat_subscription w ON w.subid = s.oid ORDER BY 1`,
  );
const ofStreams = async (side: Side): Promise<string[]> =>
  (await readResidue(two.sessions, two.pair[side])).filter((name) => name.includes('rollgate_forward'));

describe('R-MIG-1: changes flow from the export on', () => {
  it('what was written after the export and before the stream arrives; started twice it is the same stream', async () => {
    await add('source', 'early');
    await two.stream.startStream(two.pair, 'forward', { synchronous: false }, two.ctx);
    await arrives('destination', 'early');
    const before = await subscriptions('destination');
    await two.stream.startStream(two.pair, 'forward', { synchronous: false }, two.ctx);
    expect(await subscriptions('destination')).toEqual(before);
    expect(before).toMatchObject([{ name: 'rollgate_forward', level: 'off' }]);
    await until('the stream is caught up', async () => {
      const view = await two.stream.stream(two.pair, 'forward', two.ctx);
      return view.lag.kind === 'known' && view.lag.value === 0;
    });
    expect(await two.stream.stream(two.pair, 'forward', two.ctx)).toEqual({
      flowing: { kind: 'known', value: true },
      lag: { kind: 'known', value: 0 },
    });
  });

  it('the way back is synchronous when asked for, and no change comes back to where it was made', async () => {
    await two.stream.startStream(two.pair, 'back', { synchronous: true }, two.ctx);
    expect(await subscriptions('source')).toMatchObject([{ name: 'rollgate_back', level: 'on' }]);
    await add('source', 'there');
    await arrives('destination', 'there');
    // Whatever B had sent before this one has been applied on A when it is there.
    await add('destination', 'back');
    await arrives('source', 'back');
    await add('source', 'last');
    await arrives('destination', 'last');
    for (const side of ['source', 'destination'] as const) {
      for (const word of ['there', 'back', 'last'])
        expect([side, word, await words(side, word)]).toEqual([side, word, 1]);
    }
    await two.stream.startStream(two.pair, 'back', { synchronous: false }, two.ctx);
    expect(await subscriptions('source')).toMatchObject([{ name: 'rollgate_back', level: 'off' }]);
  });

  it('no password is in the log of the receiver', async () => {
    await two.sql('source', "ALTER SYSTEM SET log_statement = 'all'");
    await two.sql('source', 'SELECT pg_reload_conf()');
    await two.stream.stopStream(two.pair, 'back', two.ctx);
    await two.stream.startStream(two.pair, 'back', { synchronous: false }, two.ctx);
    await two.sql('source', "SELECT 'it is logged'");
    const log = await readFile(layoutOf(nodeSpec(two.pair.source, 'pg-1')).log, 'utf8');
    expect(log).toContain('it is logged');
    expect(log).toContain('SET LOCAL log_statement');
    expect(log).not.toContain(two.sample.destination.connection('new-1').password);
    await two.sql('source', 'ALTER SYSTEM RESET log_statement');
    await two.sql('source', 'SELECT pg_reload_conf()');
  });
});

describe('R-SAGA-1: a stream that fails or ends', () => {
  it('what cannot be applied is an error that names the conflict, until it is out of the way', async () => {
    await two.stream.stopStream(two.pair, 'back', two.ctx);
    await two.sql('destination', "INSERT INTO notes VALUES (1, 'in the way')");
    await two.sql('source', "INSERT INTO notes VALUES (1, 'right')");
    await until('the error is told', async () => {
      const { error } = await two.stream.stream(two.pair, 'forward', two.ctx);
      return (
        error !== undefined && /new-1 could not apply rollgate_forward \d+ times .*insert_exists/.test(error)
      );
    });
    await two.sql('destination', 'DELETE FROM notes WHERE id = 1');
    await until('it has been overcome', async () => {
      const { error, flowing } = await two.stream.stream(two.pair, 'forward', two.ctx);
      return error === undefined && flowing.kind === 'known' && flowing.value;
    });
    expect(await two.sql('destination', 'SELECT text FROM notes')).toEqual([{ text: 'right' }]);
  });

  it('with the sender dead the receiver is freed of it, and the sender when it is back', async () => {
    const host = createLocalHost();
    const node = nodeSpec(two.pair.source, 'pg-1');
    const now = await host.status(node, sampleLaunch(node), two.ctx);
    if (now.kind !== 'running') throw new Error('it does not run');
    process.kill(now.pid, 'SIGKILL');
    await until(
      'it is gone',
      async () => (await host.status(node, sampleLaunch(node), two.ctx)).kind === 'stopped',
    );

    const view = await two.stream.stream(two.pair, 'forward', two.ctx);
    expect(view.lag).toMatchObject({ kind: 'unknown' });
    await two.stream.stopStream(two.pair, 'forward', two.ctx);
    expect(await ofStreams('destination')).toEqual([]);
    await two.stream.stopStream(two.pair, 'forward', two.ctx);

    await host.start(node, sampleLaunch(node), two.ctx);
    await until('it answers', async () => (await two.sql('source', 'SELECT 1')).length === 1);
    expect(await ofStreams('source')).toEqual(['publication rollgate_forward', 'slot rollgate_forward']);
    // Its slot has been read before: nobody knows how far the receiver had come.
    await expect(
      two.stream.startStream(two.pair, 'forward', { synchronous: false }, two.ctx),
    ).rejects.toMatchObject({ code: 'MIGRATION_RESTART' });
    await two.stream.stopStream(two.pair, 'forward', two.ctx);
    await two.stream.stopStream(two.pair, 'forward', two.ctx);
    expect(await ofStreams('source')).toEqual([]);
    await expect(
      two.stream.startStream(two.pair, 'forward', { synchronous: false }, two.ctx),
    ).rejects.toMatchObject({ code: 'MIGRATION_RESTART' });
  });

  it('a stream that flows is ended on both sides', async () => {
    await two.stream.startStream(two.pair, 'back', { synchronous: false }, two.ctx);
    await two.stream.stopStream(two.pair, 'back', two.ctx);
    expect(await subscriptions('source')).toEqual([]);
    expect(
      await two.sql('destination', "SELECT FROM pg_replication_slots WHERE slot_name LIKE 'rollgate%'"),
    ).toEqual([]);
    expect(await two.sql('destination', 'SELECT FROM pg_publication')).toEqual([]);
    expect((await two.stream.stream(two.pair, 'back', two.ctx)).flowing).toEqual({
      kind: 'known',
      value: false,
    });
  });
});
