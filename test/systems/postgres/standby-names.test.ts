import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findNode, type StopSafety } from '../../../src/contracts/index.js';
import { counted, parseStandbyNames } from '../../../src/systems/postgres/standby-names.js';
import { realCluster, until, type Real } from './fixture.js';

const replicas = ['pg-2', 'pg-3'];
let real: Real;
beforeAll(async () => {
  real = await realCluster();
  await real.sql('pg-1', 'CREATE TABLE t (n int)');
});
afterAll(() => real.dispose());

/** Set it, and return when the server goes by it. */
async function setNames(node: string, text: string): Promise<void> {
  const literal = `'${text.replaceAll("'", "''")}'`;
  await real.sql(node, `ALTER SYSTEM SET synchronous_standby_names = ${literal}`);
  await real.sql(node, 'SELECT pg_reload_conf()');
  await until(`${node} goes by ${text}`, async () => {
    const [row] = await real.sql<{ now: string }>(
      node,
      "SELECT current_setting('synchronous_standby_names') AS now",
    );
    return row?.now === text;
  });
}

const syncStates = async (): Promise<Record<string, string>> => {
  const rows = await real.sql<{ id: string; state: string }>(
    'pg-1',
    'SELECT application_name AS id, sync_state AS state FROM pg_stat_replication',
  );
  return Object.fromEntries(rows.map((r) => [r.id, r.state]));
};

/** What the server would make of the two streaming replicas by our reading of the setting. */
function expectedStates(text: string): Record<string, string> {
  const rule = parseStandbyNames(text);
  if (!rule) return { 'pg-2': 'async', 'pg-3': 'async' };
  const counts = counted(rule, replicas);
  const rank = (id: string): number => rule.names.findIndex((n) => n === '*' || n.toLowerCase() === id);
  const ranked = [...counts].sort((a, b) => rank(a) - rank(b));
  const stateOf = (id: string): string => {
    if (!counts.includes(id)) return 'async';
    if (rule.method === 'ANY') return 'quorum';
    return ranked.indexOf(id) < rule.count ? 'sync' : 'potential';
  };
  return Object.fromEntries(replicas.map((id) => [id, stateOf(id)]));
}

describe('R-ROLL-3: synchronous_standby_names is read as the server reads it', () => {
  it.each([
    '',
    '*',
    '"*"',
    '"pg-2"',
    '"pg-3", "pg-2"',
    ' "PG-2" ,\t"other" ',
    'other, "pg-3"',
    'FIRST 1 ("pg-2", "pg-3")',
    'first 1 ("pg-3", "pg-2")',
    'FIRST 2 ("pg-2", "pg-3")',
    'FIRST 2 (other, "pg-3", "pg-2")',
    'FIRST 1 (*)',
    '1 ("pg-3")',
    '2("pg-2","pg-3","pg-1")',
    'ANY 1 ("pg-1", "pg-2", "pg-3")',
    'any 1("pg-3")',
    'ANY 2 (*)',
    'ANY 1 (other, another)',
    'ANY 1 ("pg""2", "pg-2")',
    'ANY 1 ("pg 2", "pg,3", "pg(3)", "pg-3")',
  ])('%j', async (text) => {
    await setNames('pg-1', text);
    // Under a wildcard all are of one priority, and which of them is taken is the server's choice.
    const comparable = (states: Record<string, string>): string[] =>
      text.includes('*') ? Object.values(states).sort() : replicas.map((id) => states[id] ?? '');
    const expected = comparable(expectedStates(text));
    await expect
      .poll(async () => comparable(await syncStates()), { timeout: 5000, interval: 20 })
      .toEqual(expected);
  });

  it.each(['"pg-2', '"pg-2" "pg-3"', 'ANY 1 ("pg-2"', 'ANY ("pg-2")', 'ANY 1 ("pg-2") x'])(
    'what the server refuses is no rule: %j',
    async (text) => {
      await expect(setNames('pg-1', text)).rejects.toMatchObject({ code: '42601' });
      expect(() => parseStandbyNames(text)).toThrow(SyntaxError);
    },
  );
});

/**
 * Whether a commit on the primary is confirmed within 300 ms. No timeout of the server covers this wait; a cancel
 * ends it with a warning, not with an error.
 */
async function isConfirmed(): Promise<boolean> {
  const client = new Client(real.sample.connection('pg-1'));
  client.on('error', () => undefined);
  let confirmed = true;
  client.on('notice', () => {
    confirmed = false;
  });
  await client.connect();
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const cancel = setTimeout(() => {
    void real.sql('pg-1', 'SELECT pg_cancel_backend($1)', [rows[0]?.pid]);
  }, 300);
  try {
    await client.query('INSERT INTO t VALUES (1)');
    return confirmed;
  } finally {
    clearTimeout(cancel);
    await client.end();
  }
}

const stopOf = async (node: string): Promise<StopSafety | undefined> =>
  findNode(await real.observe(), node)?.stop;

describe('R-ROLL-1, R-PLAN-2: the answer whether a replica may be stopped is what then happens', () => {
  it.each([
    ['', 'pg-2', 'pass'],
    ['ANY 1 ("pg-1", "pg-2", "pg-3")', 'pg-2', 'pass'],
    ['ANY 1 ("pg-1", "pg-2", "pg-3")', 'pg-3', 'pass'],
    ['ANY 2 ("pg-2", "pg-3")', 'pg-3', 'hold'],
    ['FIRST 1 ("pg-2", "pg-3")', 'pg-2', 'pass'],
    ['FIRST 2 (*)', 'pg-2', 'hold'],
    ['"pg-2"', 'pg-2', 'hold'],
    ['"pg-2"', 'pg-3', 'pass'],
    ['other, "pg-3"', 'pg-3', 'hold'],
  ] as const)('with %j, stopping %s: %s', async (text, node, verdict) => {
    await setNames('pg-1', text);
    const stop = await stopOf(node);
    expect(stop?.verdict, stop?.evidence).toBe(verdict);
    await real.stop(node);
    try {
      expect(await isConfirmed()).toBe(verdict === 'pass');
      if (verdict === 'hold') {
        const window = stop?.window;
        expect(window?.name).toBe('sole-synchronous-replica-down');
        expect(window?.borrow).toEqual([{ node: 'pg-1', setting: 'synchronous_standby_names', value: '' }]);
        for (const { node: at, setting, value } of window?.borrow ?? [])
          await real.system.settings.write(real.cluster, at, setting, value, real.ctx);
        expect(await isConfirmed()).toBe(true);
      }
    } finally {
      await real.start(node);
      await real.ready(node);
      await real.streaming('pg-1', replicas);
    }
  });
});

describe('R-ROLL-1, R-PLAN-2: whether the primary may be stopped depends on what each candidate would wait for', () => {
  beforeAll(() => setNames('pg-1', 'ANY 1 ("pg-1", "pg-2", "pg-3")'));

  it('pass: each candidate has its quorum among the rest', async () => {
    expect((await stopOf('pg-1'))?.verdict).toBe('pass');
  });

  it('hold: one candidate waits for more than there will be', async () => {
    await setNames('pg-3', 'ANY 2 ("pg-1", "pg-2", "pg-3")');
    expect(await stopOf('pg-1')).toMatchObject({
      verdict: 'hold',
      window: {
        name: 'sole-synchronous-replica-down',
        borrow: [{ node: 'pg-3', setting: 'synchronous_standby_names', value: '' }],
      },
    });
    await real.system.settings.write(real.cluster, 'pg-3', 'synchronous_standby_names', undefined, real.ctx);
    expect((await stopOf('pg-1'))?.verdict).toBe('pass');
  });

  it('hold: the only candidate that is left would have nobody to confirm its commits', async () => {
    await real.stop('pg-3');
    expect(await stopOf('pg-1')).toMatchObject({ verdict: 'hold', window: { borrow: [{ node: 'pg-2' }] } });
    expect(await stopOf('pg-2')).toMatchObject({ verdict: 'hold', window: { borrow: [{ node: 'pg-1' }] } });
  });

  it('hold without a window: nobody could take over', async () => {
    await real.stop('pg-2');
    const stop = await stopOf('pg-1');
    expect(stop?.verdict).toBe('hold');
    expect(stop?.window).toBeUndefined();
  });
});
