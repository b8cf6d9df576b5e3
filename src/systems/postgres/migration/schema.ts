import { DatabaseError, type Client, type ClientBase } from 'pg';
import {
  RollgateError,
  type EffectContext,
  type MigrationFacet,
  type Pair,
} from '../../../contracts/index.js';
import type { Sessions } from '../connection.js';
import { onlyPrimary } from '../primary.js';
import { readFact, takeTurns, writeFact } from './bookkeeping.js';
import { requireExport } from './export.js';
import { longSession } from './long-session.js';
import { ddlGuard } from './names.js';
import { dumpSchema } from './pg-dump.js';
import { analyzedFact } from './received.js';
import { copyRoles } from './roles.js';
import { schemaStatements, type SchemaStatement } from './schema-statements.js';

/** Facts on the destination: the definitions are there; what is still to be run after the rows, and what of it has been. */
const preData = 'pre-data';
const postData = 'post-data';

/** Triggers of the user on DDL are not for ours; the setting is there since 17. */
const settings = { event_triggers: 'off' };

export function createSchemaSteps(sessions: Sessions): Pick<MigrationFacet, 'createSchema' | 'finishSchema'> {
  return {
    createSchema: (pair, ctx) => createSchema(sessions, pair, ctx),
    finishSchema: (pair, ctx) => finishSchema(sessions, pair, ctx),
  };
}

/**
 * Everything that is to be there before the rows, in one transaction. What comes after them is read at the same
 * snapshot and kept, so that it is one schema, and the source is not asked again.
 * @throws MIGRATION_RESTART when the source does not hold the export; SYSTEM_REFUSED
 */
async function createSchema(sessions: Sessions, pair: Pair, ctx: EffectContext): Promise<void> {
  const destinationNode = await onlyPrimary(sessions, pair.destination);
  if (await sessions.on(pair.destination, destinationNode, isMade)) {
    // For an export that is made anew: no guard sees a change of a role. What else is defined stays as it was, and is
    // compared before the cutover.
    await copyRoles(sessions, pair, ctx);
    return;
  }

  const node = await onlyPrimary(sessions, pair.source);
  const cut = await requireExport(sessions, pair.source, node);
  const at = { node, destinationNode, snapshot: cut.snapshot.id };
  const before = schemaStatements(await dumpSchema(sessions, pair, at, 'pre-data', ctx));
  const after = schemaStatements(await dumpSchema(sessions, pair, at, 'post-data', ctx));
  await copyRoles(sessions, pair, ctx);

  const progress = { statement: 0, of: before.length };
  const session = { name: 'schema', settings, progress: () => ({ ...progress }) };
  await longSession(sessions, pair.destination, destinationNode, ctx, session, async (client) => {
    await client.query('BEGIN');
    await takeTurns(client);
    if (await isMade(client)) return;
    for (const statement of before.filter(isUsers)) {
      await apply(client, statement, destinationNode);
      progress.statement += 1;
    }
    await writeFact(client, preData, { at: new Date().toISOString() });
    await writeFact(client, postData, after.filter(isUsers));
    await client.query('COMMIT');
  });
}

const isMade = async (client: ClientBase): Promise<boolean> =>
  (await readFact(client, preData)) !== undefined;

/** Statement by statement, each in one transaction with the record that it has been run; then statistics. */
async function finishSchema(sessions: Sessions, pair: Pair, ctx: EffectContext): Promise<void> {
  const node = await onlyPrimary(sessions, pair.destination);
  const progress = { statement: 0, of: 0, entry: '' };
  const session = { name: 'schema', settings, progress: () => ({ ...progress }) };
  await longSession(sessions, pair.destination, node, ctx, session, async (client) => {
    const statements = await readFact<SchemaStatement[]>(client, postData);
    if (!statements) {
      throw new RollgateError(
        'SYSTEM_REFUSED',
        `${node} has no schema that could be finished`,
        'Create the schema first.',
      );
    }
    progress.of = statements.length;
    for (const [index, statement] of statements.entries()) {
      progress.statement = index + 1;
      progress.entry = statement.entry ?? '';
      if (statement.setsUp) await apply(client, statement, node);
      else await once(client, `${postData}/${index}`, () => apply(client, statement, node));
    }
    if ((await readFact(client, analyzedFact)) !== undefined) return;
    progress.entry = 'ANALYZE';
    await client.query('ANALYZE');
    await writeFact(client, analyzedFact, { at: new Date().toISOString() });
  });
}

/** Another attempt that is still at it is waited for, and has then done it. */
async function once(client: Client, fact: string, effect: () => Promise<void>): Promise<void> {
  await client.query('BEGIN');
  await takeTurns(client);
  if ((await readFact(client, fact)) === undefined) {
    await effect();
    await writeFact(client, fact, { at: new Date().toISOString() });
  }
  await client.query('COMMIT');
}

async function apply(client: Client, { sql, entry }: SchemaStatement, node: string): Promise<void> {
  try {
    await client.query(sql);
  } catch (error) {
    // Class 08 and 57: the server, not the statement.
    if (!(error instanceof DatabaseError) || /^(?:08|57)/.test(error.code ?? '')) throw error;
    throw new RollgateError(
      'SYSTEM_REFUSED',
      `${node} refused ${entry ?? sql.slice(0, 80)}: ${error.message}`,
      'Give the destination what it lacks (an extension, a tablespace, room on its disk), or change the definition on the source and begin anew.',
      { cause: error },
    );
  }
}

/** The guard is ours, and watches the source alone. */
const isUsers = ({ entry, setsUp }: SchemaStatement): boolean =>
  setsUp || !/^(?:COMMENT )?EVENT TRIGGER /.test(entry ?? '') || !(entry ?? '').includes(` ${ddlGuard}`);
