import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Direction } from '../../../../src/contracts/index.js';
import { createCompareDefinitions } from '../../../../src/systems/postgres/migration/definitions.js';
import { createObstacles } from '../../../../src/systems/postgres/migration/obstacles/again.js';
import { createCopyingPair, type CopyingPair } from './copying-pair.js';
import { logIns, twoSides, validated, type TwoSides } from './switch/two-sides.js';

describe('R-MIG-4: who may log in is as it was where the writes were last, not as it was at the export', () => {
  let two: TwoSides;
  beforeAll(async () => {
    two = await twoSides();
    await two.exported();
    await two.stream.startStream(two.pair, 'forward', { synchronous: false }, two.ctx);
  });
  afterAll(() => two.destroy());

  async function move(direction: Direction, way: Direction): Promise<void> {
    await two.stream.startStream(two.pair, way, { synchronous: false }, two.ctx);
    const limits = { maxWritePauseMs: 5000, timeoutMs: 20_000 };
    const fence = await two.change.fence(two.pair, direction, limits, two.ctx);
    await two.change.cutOver(two.pair, direction, fence, validated(direction), two.ctx);
    await two.stream.stopStream(two.pair, direction, two.ctx);
  }

  it('a role that came later is told with what to do, and one that was let in on B too early as well', async () => {
    await two.sql('source', "CREATE ROLE late LOGIN PASSWORD 'late'");
    const differences = await createCompareDefinitions(two.sessions)(two.pair, two.ctx);
    expect(differences.filter((line) => line.includes('late'))).toEqual([
      expect.stringMatching(/^role late: only on source \(CREATE ROLE … NOLOGIN on the destination/),
    ]);
    const codes = async (): Promise<string[]> =>
      (await createObstacles(two.sessions)(two.pair, 'forward', two.ctx)).map((o) => o.code);
    await two.sql('destination', 'CREATE ROLE late LOGIN');
    expect(await codes()).toEqual(['PG_DESTINATION_OPEN']);
    await two.sql('destination', 'ALTER ROLE late NOLOGIN');
    expect(await codes()).toEqual([]);
    const [there] = await two.sql<{ verifier: string }>(
      'source',
      "SELECT rolpassword AS verifier FROM pg_authid WHERE rolname = 'late'",
    );
    await two.sql('destination', `ALTER ROLE late PASSWORD '${there?.verifier ?? ''}'`);
    const left = await createCompareDefinitions(two.sessions)(two.pair, two.ctx);
    expect(left.filter((line) => line.includes('late'))).toEqual([]);
  });

  it('a right to log in that was given or taken on A since counts on B once that is open', async () => {
    await two.sql('source', 'ALTER ROLE app NOLOGIN');
    await two.sql('source', 'ALTER ROLE locked LOGIN');
    await move('forward', 'back');
    expect(await logIns(two, 'destination')).toEqual({
      ...{ app: false, locked: true, late: true, owner: true, root: true, 'Odd Name': true },
    });
  });

  it('and one that was given or taken on B counts on A after a cut-back', async () => {
    await two.sql('destination', 'ALTER ROLE owner NOLOGIN');
    await two.sql('destination', 'ALTER ROLE app LOGIN');
    await move('back', 'forward');
    expect(await logIns(two, 'source')).toEqual({
      ...{ app: true, locked: true, late: true, owner: false, root: true, 'Odd Name': true },
    });
  });
});

describe('R-MIG-4: an export that is made anew has the roles of now', () => {
  let copying: CopyingPair;
  beforeAll(async () => {
    copying = await createCopyingPair();
    await copying.sql('source', 'CREATE TABLE t (id int PRIMARY KEY)');
    await copying.sql('source', "CREATE ROLE app LOGIN PASSWORD 'old'");
  });
  afterAll(() => copying.sample.destroy());

  it('passwords, settings and roles that came since, and definitions that came past the guard are told', async () => {
    const { pair, ctx, steps, sessions, sql } = copying;
    const compare = createCompareDefinitions(sessions);
    await steps.prepare(pair, ctx);
    await steps.exportAt(pair, ctx);
    await steps.createSchema(pair, ctx);

    await sql('source', "ALTER ROLE app PASSWORD 'new'");
    await sql('source', "ALTER ROLE app SET work_mem = '9MB'");
    await sql('source', 'CREATE ROLE late LOGIN');
    await sql('source', "SET rollgate.migration = 'on'; ALTER TABLE t ADD note text");
    await sql('source', "INSERT INTO t VALUES (1, 'x')");
    const told = (await compare(pair, ctx)).map((line) => line.replace(/ \(.*/, ''));
    expect(told).toEqual(
      expect.arrayContaining([
        ...[
          'role app, password: not the same on source and destination',
          'role app, settings: only on source',
        ],
        ...['role late: only on source', 'table public.t, column note: only on source'],
      ]),
    );
    await sql(
      'source',
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rollgate hold export'",
    );

    const cut = await steps.exportAt(pair, ctx);
    await steps.createSchema(pair, ctx);
    await steps.createSchema(pair, ctx);
    expect(
      await sql('destination', "SELECT rolcanlogin AS open FROM pg_roles WHERE rolname = 'late'"),
    ).toEqual([{ open: false }]);
    await copying.copyAll(cut);
    await steps.finishSchema(pair, ctx);
    // The schema is that of the first export: what is different now is told, and nothing else.
    expect(await compare(pair, ctx)).toEqual(['table public.t, column note: only on source']);
  });
});
