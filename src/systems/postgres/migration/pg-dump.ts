import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  messageOf,
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type Pair,
} from '../../../contracts/index.js';
import { parseConninfo } from '../conninfo.js';
import { applicationName, settingsOf, type Sessions } from '../connection.js';
import { bookkeeping } from './names.js';
import { subscriptionConninfo } from './stream/conninfo.js';

const run = promisify(execFile);

/** How libpq is told by its environment: https://www.postgresql.org/docs/17/libpq-envars.html */
const variables: Readonly<Record<string, string>> = {
  host: 'PGHOST',
  port: 'PGPORT',
  dbname: 'PGDATABASE',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  connect_timeout: 'PGCONNECT_TIMEOUT',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
};

/** What a program needs of our environment; our secrets may be in the rest. */
const passedOn = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR', 'LD_LIBRARY_PATH', 'PGPASSFILE'];

const beatMs = 1000;

export type DumpSection = 'pre-data' | 'post-data';

/**
 * A section of the source's schema as it is at a held snapshot, as SQL: without publications and subscriptions, and
 * without what is ours. The program is `settings.pgDump` of the destination or else of the source, or else `pg_dump`
 * on the PATH of the worker. https://www.postgresql.org/docs/17/app-pgdump.html
 * @throws SYSTEM_REFUSED when the program is absent, of a version that does not fit, or fails
 */
export async function dumpSchema(
  sessions: Sessions,
  pair: Pair,
  at: { readonly node: string; readonly destinationNode: string; readonly snapshot: string },
  section: DumpSection,
  ctx: EffectContext,
): Promise<string> {
  const program = settingsOf(pair.destination).pgDump ?? settingsOf(pair.source).pgDump ?? 'pg_dump';
  const own = Object.fromEntries(
    passedOn.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  await requireVersion(sessions, pair, at, program, own, ctx);
  const conninfo = parseConninfo(await subscriptionConninfo(sessions, pair.source, at.node));
  const env = {
    ...own,
    ...Object.fromEntries([...conninfo].map(([key, value]) => [variables[key] ?? '', value])),
    PGAPPNAME: `${applicationName} dump`,
  };
  const args = [
    ...['--schema-only', `--section=${section}`, `--snapshot=${at.snapshot}`, '--encoding=UTF8'],
    ...['--no-publications', '--no-subscriptions', `--exclude-schema=${bookkeeping}`, '--no-password'],
  ];
  return execute(program, args, env, ctx);
}

async function execute(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  ctx: EffectContext,
): Promise<string> {
  const beat = setInterval(() => {
    ctx.heartbeat();
  }, beatMs);
  try {
    const { stdout } = await run(program, args, { env, signal: ctx.signal, maxBuffer: 2 ** 29 - 1 });
    return stdout;
  } catch (error) {
    ctx.signal.throwIfAborted();
    if ((error as { code?: unknown }).code === 'ENOENT') {
      throw new RollgateError(
        'SYSTEM_REFUSED',
        `there is no program ${program} on the worker's host; the schema is read by pg_dump`,
        'Install the client programs of PostgreSQL there, or set settings.pgDump of the destination to its path.',
        { cause: error },
      );
    }
    const { stderr } = error as { stderr?: string };
    const said = stderr === undefined || stderr.trim() === '' ? messageOf(error) : stderr.trim();
    throw new RollgateError(
      'SYSTEM_REFUSED',
      `${program} failed: ${said.slice(0, 1000)}`,
      'Remove what it names, then retry.',
      { cause: error },
    );
  } finally {
    clearInterval(beat);
  }
}

/** It reads servers up to its own version, and what it writes is made for servers from its own version on. */
async function requireVersion(
  sessions: Sessions,
  pair: Pair,
  at: { readonly node: string; readonly destinationNode: string },
  program: string,
  env: NodeJS.ProcessEnv,
  ctx: EffectContext,
): Promise<void> {
  const said = (await execute(program, ['--version'], env, ctx)).trim();
  const found = /\(PostgreSQL\) (\d+)/.exec(said)?.[1];
  const least = await majorOf(sessions, pair.source, at.node);
  const most = await majorOf(sessions, pair.destination, at.destinationNode);
  if (found !== undefined && Number(found) >= least && Number(found) <= most) return;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `${program} is ${said}; needed is one of version ${least === most ? least : `${least} to ${most}`}`,
    `Install the client programs of PostgreSQL ${most} on the worker's host, or set settings.pgDump of the destination to the path of its pg_dump.`,
  );
}

async function majorOf(sessions: Sessions, cluster: ClusterSpec, node: string): Promise<number> {
  return sessions.on(cluster, node, async (client) => {
    const { rows } = await client.query<{ major: number }>(
      "SELECT current_setting('server_version_num')::int / 10000 AS major",
    );
    return rows[0]?.major ?? 0;
  });
}
