import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeSpec, type Side } from '../../../../src/contracts/index.js';
import { sampleLaunch } from '../../../../src/dev/postgres/sample-cluster.js';
import { until } from '../../../../src/dev/postgres/until.js';
import { createLocalHost } from '../../../../src/hosts/local/host.js';
import { openSurvivor } from '../../../../src/systems/postgres/migration/switch/open-survivor.js';
import { createAccept } from '../../../../src/systems/postgres/migration/accept.js';
import { createDiscard } from '../../../../src/systems/postgres/migration/discard.js';
import { createStream } from '../../../../src/systems/postgres/migration/stream/stream.js';
import { createSwitch } from '../../../../src/systems/postgres/migration/switch/switch.js';
import { createCopyingPair, nodeOf, richSchema, type CopyingPair } from './copying-pair.js';
import { validated } from './switch/two-sides.js';

let real: CopyingPair;
let before: Record<Side, Listing>;
beforeEach(async () => {
  real = await createCopyingPair();
  for (const statement of [
    "ALTER SYSTEM SET wal_retrieve_retry_interval = '50ms'",
    'SELECT pg_reload_conf()',
  ])
    for (const side of ['source', 'destination'] as const) await real.sql(side, statement);
  await real.withClient('source', (client) => client.query(richSchema));
  before = { source: await listing('source'), destination: await listing('destination') };
});
afterEach(() => real.sample.destroy());

type Listing = Readonly<Record<string, readonly string[]>>;

/** Everything that a migration could leave, as the catalogs tell it. */
async function listing(side: Side): Promise<Listing> {
  const [row] = await real.sql<Listing>(
    side,
    `SELECT ARRAY(SELECT slot_name::text FROM pg_replication_slots ORDER BY 1) AS slots,
            ARRAY(SELECT pubname::text FROM pg_publication ORDER BY 1) AS publications,
            ARRAY(SELECT subname::text FROM pg_subscription ORDER BY 1) AS subscriptions,
            ARRAY(SELECT roname FROM pg_replication_origin ORDER BY 1) AS origins,
            ARRAY(SELECT tgrelid::regclass || ' ' || tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1) AS triggers,
            ARRAY(SELECT evtname::text FROM pg_event_trigger ORDER BY 1) AS "eventTriggers",
            ARRAY(SELECT nspname || ' ' || pg_get_userbyid(nspowner) || ' ' || coalesce(nspacl::text, '') || ' ' || coalesce(obj_description(oid, 'pg_namespace'), '')
                    FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_t%' ORDER BY 1) AS schemas,
            ARRAY(SELECT concat_ws(' ', relkind, relnamespace::regnamespace, relname, relreplident, pg_get_userbyid(relowner), relacl)
                    FROM pg_class WHERE oid >= 16384 AND relnamespace <> 'pg_toast'::regnamespace ORDER BY 1) AS relations,
            ARRAY(SELECT oid::regprocedure::text FROM pg_proc WHERE oid >= 16384 ORDER BY 1) AS routines,
            ARRAY(SELECT extname::text FROM pg_extension ORDER BY 1) AS extensions,
            ARRAY(SELECT to_jsonb(a)::text FROM (SELECT oid::int * 0 AS none, rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin,
                    rolreplication, rolbypassrls, rolconnlimit, rolpassword, rolvaliduntil, shobj_description(oid, 'pg_authid') FROM pg_authid) a ORDER BY 1) AS roles,
            ARRAY(SELECT roleid::regrole || ' ' || member::regrole || ' ' || admin_option FROM pg_auth_members ORDER BY 1) AS members,
            ARRAY(SELECT setdatabase || ' ' || setrole || ' ' || setconfig::text FROM pg_db_role_setting ORDER BY 1) AS "roleSettings",
            ARRAY(SELECT concat_ws(' ', datname, pg_get_userbyid(datdba), (SELECT array_agg(x::text ORDER BY x::text) FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) x), datconnlimit, shobj_description(oid, 'pg_database')) FROM pg_database ORDER BY 1) AS databases,
            ARRAY(SELECT name || ' = ' || setting FROM pg_settings WHERE source = 'configuration file' ORDER BY 1) AS settings,
            ARRAY(SELECT application_name FROM pg_stat_activity WHERE application_name LIKE 'rollgate hold%') AS held`,
  );
  if (!row) throw new Error('no listing');
  return row;
}

async function copied(): Promise<void> {
  const { steps, pair, ctx } = real;
  await steps.prepare(pair, ctx);
  const cut = await steps.exportAt(pair, ctx);
  await steps.createSchema(pair, ctx);
  await real.copyAll(cut);
  await steps.finishSchema(pair, ctx);
  await createStream(real.sessions).startStream(pair, 'forward', { synchronous: false }, ctx);
}

async function cutOver(): Promise<void> {
  const { pair, ctx, sessions } = real;
  const change = createSwitch(sessions);
  await createStream(sessions).startStream(pair, 'back', { synchronous: true }, ctx);
  const fence = await change.fence(pair, 'forward', { maxWritePauseMs: 5000, timeoutMs: 20_000 }, ctx);
  await change.cutOver(pair, 'forward', fence, validated('forward'), ctx);
  await createStream(sessions).stopStream(pair, 'forward', ctx);
}

const accept = (without?: 'source') => createAccept(real.sessions)(real.pair, { without }, real.ctx);
const discard = () => createDiscard(real.sessions)(real.pair, real.ctx);

/** For good. */
async function kill(side: Side): Promise<void> {
  const host = createLocalHost();
  const node = nodeSpec(real.pair[side], nodeOf[side]);
  const now = await host.status(node, sampleLaunch(node), real.ctx);
  if (now.kind !== 'running') throw new Error(`${side} does not run`);
  process.kill(now.pid, 'SIGKILL');
  await until(
    'it is gone',
    async () => (await host.status(node, sampleLaunch(node), real.ctx)).kind === 'stopped',
  );
}

describe('R-MIG-5: discarded', () => {
  it('both sides are as they were, also when it is called twice and from the middle of a fence', async () => {
    await copied();
    const change = createSwitch(real.sessions);
    await createStream(real.sessions).startStream(real.pair, 'back', { synchronous: true }, real.ctx);
    await change.fence(real.pair, 'forward', { maxWritePauseMs: 5000, timeoutMs: 20_000 }, real.ctx);
    expect(await listing('source')).not.toEqual(before.source);
    await discard();
    expect(await listing('source')).toEqual(before.source);
    expect(await listing('destination')).toEqual(before.destination);
    await discard();
    expect(await listing('source')).toEqual(before.source);
    expect(await listing('destination')).toEqual(before.destination);
    // And the same again from the beginning.
    await copied();
    await discard();
    expect(await listing('destination')).toEqual(before.destination);
  });

  it('PRIMARY_MOVED: not once B takes the writes', async () => {
    await copied();
    await cutOver();
    await expect(discard()).rejects.toMatchObject({ code: 'PRIMARY_MOVED' });
    await expect(accept()).resolves.toBeUndefined();
  });

  it('with B dead A is as it was, and what may be left on B is named', async () => {
    await copied();
    await kill('destination');
    await expect(discard()).rejects.toMatchObject({
      code: 'SYSTEM_UNREACHABLE',
      message: expect.stringContaining('rollgate_forward') as string,
    });
    expect(await listing('source')).toEqual(before.source);
  });
});

describe('R-MIG-2: accepted', () => {
  it('nothing of ours is on either side, A stays closed, B lets in whom A let in', async () => {
    await copied();
    await expect(accept()).rejects.toMatchObject({ code: 'SYSTEM_REFUSED' });
    await cutOver();
    await accept();
    await accept();
    const source = await listing('source');
    const closed = (list: readonly string[] | undefined): string[] =>
      (list ?? []).map((role) =>
        role.includes('"rolname": "rollgate"')
          ? role
          : role.replace('"rolcanlogin": true', '"rolcanlogin": false'),
      );
    expect(source).toEqual({ ...before.source, roles: closed(before.source.roles) });
    const destination = await listing('destination');
    for (const kind of ['slots', 'subscriptions', 'origins', 'eventTriggers', 'held'])
      expect([kind, destination[kind]]).toEqual([kind, before.destination[kind]]);
    expect((destination.schemas ?? []).filter((name) => name.startsWith('rollgate'))).toEqual([]);
    const mayLogIn = (list: readonly string[] | undefined): string[] =>
      (list ?? [])
        .map((role) => JSON.parse(role) as { rolname: string; rolcanlogin: boolean })
        .filter((role) => role.rolcanlogin)
        .map((role) => role.rolname);
    expect(mayLogIn(destination.roles)).toEqual(mayLogIn(before.source.roles));
  });

  it('with A dead B is clean, and what may be left on A is named; while commits wait for A it is refused', async () => {
    await copied();
    await cutOver();
    await real.sql('destination', "ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (rollgate_back)'");
    await real.sql('destination', 'SELECT pg_reload_conf()');
    await expect(accept()).rejects.toMatchObject({
      code: 'SYSTEM_REFUSED',
      message: expect.stringContaining('wait for rollgate_back') as string,
    });
    await real.sql('destination', 'ALTER SYSTEM RESET synchronous_standby_names');
    await real.sql('destination', 'SELECT pg_reload_conf()');
    await kill('source');
    await expect(accept()).rejects.toMatchObject({
      code: 'SYSTEM_UNREACHABLE',
      message: expect.stringContaining('rollgate_back') as string,
    });
    const destination = await listing('destination');
    for (const kind of ['slots', 'subscriptions', 'origins', 'eventTriggers', 'held'])
      expect([kind, destination[kind]]).toEqual([kind, before.destination[kind]]);
    // Given up, it is not asked for.
    await expect(accept('source')).resolves.toBeUndefined();
  });

  it('a side that answers is not given up: nothing is changed', async () => {
    await copied();
    await cutOver();
    const seen = [await listing('source'), await listing('destination')];
    await expect(accept('source')).rejects.toMatchObject({ code: 'SYSTEM_REFUSED' });
    await expect(openSurvivor(real.sessions, real.pair, real.ctx)).rejects.toMatchObject({
      code: 'SYSTEM_REFUSED',
    });
    expect([await listing('source'), await listing('destination')]).toEqual(seen);
  });
});
