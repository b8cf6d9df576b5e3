import { escapeIdentifier, escapeLiteral, type ClientBase } from 'pg';
import { RollgateError, type EffectContext, type Pair } from '../../../contracts/index.js';
import { settingsOf, type Sessions } from '../connection.js';
import { onlyPrimary } from '../primary.js';
import { readFact, takeTurns, writeFact } from './bookkeeping.js';
import { databaseStatements, readDatabase } from './database-properties.js';
import { readMemberships, membershipStatements } from './memberships.js';
import { readSettings, settingStatements } from './role-settings.js';
import { loginsFact } from './switch/side-state.js';

/** Fact on the destination: the names of the roles there that we have made, to be dropped if it is discarded. */
export const rolesFact = 'roles';
/** Fact on the destination: what its database was set to before, as statements that set it so again. */
export const databaseFact = 'database-before';

interface Role {
  readonly name: string;
  readonly superuser: boolean;
  readonly inherit: boolean;
  readonly createrole: boolean;
  readonly createdb: boolean;
  readonly login: boolean;
  readonly replication: boolean;
  readonly bypassrls: boolean;
  readonly connections: number;
  readonly verifier: string | null;
  readonly until: string | null;
  readonly comment: string | null;
}

/**
 * Copy the roles of the source with their verifiers, memberships and settings, and what is set for its database, in
 * one transaction on the destination. None of them may log in there until the cutover; who may on the source is kept
 * as the fact `logins`. Superusers and replication roles that the destination has already belong to its own
 * operation and stay as they are. Idempotent: roles that we have made are brought into line.
 * https://www.postgresql.org/docs/17/catalog-pg-authid.html
 * @throws SYSTEM_REFUSED when the destination has other roles of the same names
 */
export async function copyRoles(sessions: Sessions, pair: Pair, ctx: EffectContext): Promise<void> {
  ctx.signal.throwIfAborted();
  const sourceNode = await onlyPrimary(sessions, pair.source);
  const source = await sessions.on(pair.source, sourceNode, async (client) => ({
    roles: await readRoles(client),
    memberships: await readMemberships(client),
    settings: await readSettings(client),
    database: await readDatabase(client),
  }));
  const node = await onlyPrimary(sessions, pair.destination);
  await sessions.on(
    pair.destination,
    node,
    async (client) => {
      await client.query('BEGIN');
      await takeTurns(client);
      await keepOutOfLog(client);
      const there = new Map((await readRoles(client)).map((role) => [role.name, role]));
      const made = new Set((await readFact<string[]>(client, rolesFact)) ?? []);
      const own = source.roles.filter(({ name }) => made.has(name) || !there.has(name));
      refuseStrangers(
        source.roles.flatMap(({ name }) => (made.has(name) ? [] : (there.get(name) ?? []))),
        settingsOf(pair.destination).user,
        node,
      );
      for (const role of own) {
        for (const statement of roleStatements(role, there.get(role.name))) await client.query(statement);
      }
      const names = new Set(own.map((role) => role.name));
      const known = new Set([...names, ...there.keys()]);
      for (const statement of membershipStatements(source.memberships, names, known)) {
        await client.query(statement);
      }
      await copySettings(client, source, names, known);
      await writeFact(client, rolesFact, [...new Set([...made, ...names])]);
      await writeFact(
        client,
        loginsFact,
        own.filter((role) => role.login).map((role) => role.name),
      );
      await client.query('COMMIT');
    },
    { statementTimeoutMs: 60_000, fresh: true },
  );
}

async function copySettings(
  client: ClientBase,
  source: {
    readonly settings: Awaited<ReturnType<typeof readSettings>>;
    readonly database: Awaited<ReturnType<typeof readDatabase>>;
  },
  names: ReadonlySet<string>,
  known: ReadonlySet<string>,
): Promise<void> {
  const before = await readDatabase(client);
  const { name } = before;
  if ((await readFact(client, databaseFact)) === undefined) {
    const settings = (await readSettings(client)).filter((setting) => setting.role === null);
    await writeFact(client, databaseFact, [
      ...databaseStatements(before, name, known),
      ...settingStatements(settings, name, { roles: new Set(), reset: true }),
    ]);
  }
  const statements = [
    ...databaseStatements(source.database, name, known),
    ...settingStatements(source.settings, name, { roles: names, reset: true }),
  ];
  for (const statement of statements) {
    try {
      await client.query(statement);
    } catch (error) {
      throw new RollgateError(
        'SYSTEM_REFUSED',
        `the destination does not take what the source has set: ${statement}: ${error instanceof Error ? error.message : String(error)}`,
        'Reset it on the source, or have the destination know it, then retry.',
        { cause: error },
      );
    }
  }
}

async function readRoles(client: ClientBase): Promise<Role[]> {
  // Roles named pg_… come with the server.
  const { rows } = await client.query<Role>(
    `SELECT rolname AS name, rolsuper AS superuser, rolinherit AS inherit, rolcreaterole AS createrole,
            rolcreatedb AS createdb, rolcanlogin AS login, rolreplication AS replication, rolbypassrls AS bypassrls,
            rolconnlimit AS connections, rolpassword AS verifier, rolvaliduntil::text AS until,
            shobj_description(oid, 'pg_authid') AS comment
       FROM pg_authid WHERE rolname !~ '^pg_' ORDER BY rolname COLLATE "C"`,
  );
  return rows;
}

function roleStatements(role: Role, now: Role | undefined): string[] {
  const name = escapeIdentifier(role.name);
  const flag = (on: boolean, word: string): string => (on ? word : `NO${word}`);
  const options = [
    'NOLOGIN',
    flag(role.superuser, 'SUPERUSER'),
    flag(role.inherit, 'INHERIT'),
    flag(role.createrole, 'CREATEROLE'),
    flag(role.createdb, 'CREATEDB'),
    flag(role.replication, 'REPLICATION'),
    flag(role.bypassrls, 'BYPASSRLS'),
    `CONNECTION LIMIT ${role.connections}`,
    `PASSWORD ${role.verifier === null ? 'NULL' : escapeLiteral(role.verifier)}`,
    // There is no way to take a bound in time away but to set one that never comes.
    ...(role.until === (now?.until ?? null)
      ? []
      : [`VALID UNTIL ${escapeLiteral(role.until ?? 'infinity')}`]),
  ];
  return [
    `${now ? 'ALTER' : 'CREATE'} ROLE ${name} WITH ${options.join(' ')}`,
    `COMMENT ON ROLE ${name} IS ${role.comment === null ? 'NULL' : escapeLiteral(role.comment)}`,
  ];
}

/** A verifier is a secret: it must not be read in the server's log. Needs a superuser. */
async function keepOutOfLog(client: ClientBase): Promise<void> {
  await client.query(
    `SET LOCAL log_statement = 'none'; SET LOCAL log_min_duration_statement = -1; SET LOCAL log_duration = off;
     SET LOCAL log_min_duration_sample = -1; SET LOCAL log_transaction_sample_rate = 0;
     SET LOCAL log_min_error_statement = 'panic'`,
  );
}

function refuseStrangers(there: readonly Role[], own: string, node: string): void {
  const strangers = there.filter((r) => r.name !== own && !r.superuser && !r.replication);
  if (strangers.length === 0) return;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `${node} has roles of its own with names of the source: ${strangers.map((r) => r.name).join(', ')}`,
    `Drop them on ${node}: rollgate makes them as they are on the source.`,
  );
}
