import type { ClientBase } from 'pg';
import {
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type ExportCut,
} from '../../../contracts/index.js';
import type { Sessions } from '../connection.js';
import { onlyPrimary } from '../primary.js';
import { copiedTable, dropFacts, readFact, takeTurns, writeFact } from './bookkeeping.js';
import { longSession } from './long-session.js';
import { factTable, streamName } from './names.js';
import { replicatedTables } from './publication.js';
import { subscribedFact } from './stream/subscription.js';
import { openedFact } from './switch/side-state.js';

/** Fact on the destination: the position of the export that what was copied belongs to. */
const copyOf = 'copy-of';
/** Fact on the destination: the statistics are those of what was copied. */
export const analyzedFact = 'analyzed';

/**
 * Have the destination hold nothing but rows of this export: what was copied of another one is removed. Idempotent.
 * @throws SYSTEM_REFUSED when the stream flows or has been turned: what is there then is more than a copy
 */
export async function receiveOnly(
  sessions: Sessions,
  destination: ClusterSpec,
  cut: ExportCut,
  ctx: EffectContext,
): Promise<void> {
  const node = await onlyPrimary(sessions, destination);
  const same = await sessions.on(destination, node, (client) => belongsTo(client, cut));
  if (same) return;
  await longSession(sessions, destination, node, ctx, { name: 'void' }, async (client) => {
    await client.query('BEGIN');
    await takeTurns(client);
    await refuseBeyondCopy(client, node);
    // Copies that still run belong to the former export. They hold this row until they end; later ones see the new one.
    await writeFact(client, copyOf, { position: cut.position.text });
    if ((await readFact(client, 'pre-data')) !== undefined) {
      const tables = (await replicatedTables(client)).map((t) => t.table);
      // Triggers of the user on TRUNCATE are there once the schema is finished.
      await client.query('SET LOCAL session_replication_role = replica');
      if (tables.length > 0)
        await client.query(`TRUNCATE ${tables.map((table) => `ONLY ${table}`).join(', ')}`);
    }
    await client.query(`DELETE FROM ${copiedTable}`);
    await dropFacts(client, [analyzedFact, subscribedFact(streamName('forward'))]);
    await client.query('COMMIT');
  });
}

async function belongsTo(client: ClientBase, cut: ExportCut): Promise<boolean> {
  const fact = await readFact<{ position: string }>(client, copyOf);
  return fact?.position === cut.position.text;
}

/**
 * In the transaction of the caller, who writes what belongs to the export: until it ends nothing of that is removed.
 * @throws MIGRATION_RESTART when another export has been made since
 */
export async function keepReceived(client: ClientBase, cut: ExportCut): Promise<void> {
  await client.query(`SELECT FROM ${factTable} WHERE name = $1 FOR SHARE`, [copyOf]);
  if (await belongsTo(client, cut)) return;
  throw new RollgateError(
    'MIGRATION_RESTART',
    `the destination takes the rows of another export than that at ${cut.position.text}`,
    'Go on with the export that was made last.',
  );
}

/** @throws SYSTEM_REFUSED when the destination is more than a copy, so that it must not be emptied */
export async function requireCopy(sessions: Sessions, destination: ClusterSpec): Promise<void> {
  const node = await onlyPrimary(sessions, destination);
  await sessions.on(destination, node, (client) => refuseBeyondCopy(client, node));
}

async function refuseBeyondCopy(client: ClientBase, node: string): Promise<void> {
  const { rows } = await client.query<{ found: string }>(
    `SELECT 'the subscription ' || subname AS found FROM pg_subscription
      WHERE subname = $1 AND subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
     UNION ALL SELECT 'the publication ' || pubname FROM pg_publication WHERE pubname = $2
     UNION ALL SELECT 'the replication slot ' || slot_name FROM pg_replication_slots WHERE slot_name = $2`,
    [streamName('forward'), streamName('back')],
  );
  const found = rows.map((r) => r.found);
  if ((await readFact(client, openedFact('destination'))) !== undefined) found.push('let clients in');
  if (found.length === 0) return;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `${node} is more than a copy of an export and is not emptied for another one: it has ${found.join(', and ')}`,
    'End the stream first; once the destination has taken writes, go back or discard the migration.',
  );
}
