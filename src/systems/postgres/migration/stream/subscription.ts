import type { ClientBase } from 'pg';
import { messageOf, RollgateError } from '../../../../contracts/index.js';
import { isSilence } from '../../silence.js';
import { dropFacts, hasBookkeeping, writeFact } from '../bookkeeping.js';
import { passGuard } from '../ddl-guard.js';

/** What the receiver has: https://www.postgresql.org/docs/17/catalog-pg-subscription.html */
export interface StreamSubscription {
  readonly enabled: boolean;
  readonly slot: string | null;
  readonly synchronousCommit: string;
  readonly conninfo: string;
  /** Its leading apply worker runs. */
  readonly running: boolean;
  /** How often it could not apply, since it was made. */
  readonly errors: number;
  /** Kinds of conflict and how often, as far as the version counts them (18 does). */
  readonly conflicts: Readonly<Record<string, number>>;
}

export async function readSubscription(
  client: ClientBase,
  name: string,
): Promise<StreamSubscription | undefined> {
  // As a document, because its columns for conflicts are not there in every version.
  const { rows } = await client.query<
    Omit<StreamSubscription, 'errors' | 'conflicts'> & { stats: Record<string, unknown> | null }
  >(
    `SELECT s.subenabled AS enabled, s.subslotname::text AS slot, s.subsynccommit AS "synchronousCommit",
            s.subconninfo AS conninfo, to_jsonb(c) AS stats,
            EXISTS (SELECT FROM pg_stat_subscription w
                     WHERE w.subid = s.oid AND w.pid IS NOT NULL AND w.relid IS NULL AND w.leader_pid IS NULL) AS running
       FROM pg_subscription s LEFT JOIN pg_stat_subscription_stats c ON c.subid = s.oid
      WHERE s.subname = $1 AND s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    [name],
  );
  const [row] = rows;
  if (!row) return undefined;
  const { stats, ...rest } = row;
  const counted = Object.entries(stats ?? {}).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number' && entry[1] > 0,
  );
  return {
    ...rest,
    errors: counted.find(([key]) => key === 'apply_error_count')?.[1] ?? 0,
    conflicts: Object.fromEntries(
      counted.flatMap(([key, value]) =>
        key.startsWith('confl_') ? [[key.slice('confl_'.length), value]] : [],
      ),
    ),
  };
}

/** That a subscription was made here once: its slot cannot be begun anew, because some of it may have been applied. */
export const subscribedFact = (name: string): string => `stream/${name}`;

interface Wanted {
  readonly name: string;
  readonly conninfo: string;
  readonly synchronous: boolean;
}

/**
 * The password is in the text of the statement: nothing on the server may write that down.
 * https://www.postgresql.org/docs/17/runtime-config-logging.html
 */
const unlogged = `
  SET LOCAL log_statement = 'none';
  SET LOCAL log_min_duration_statement = -1;
  SET LOCAL log_min_duration_sample = -1;
  SET LOCAL log_transaction_sample_rate = 0;
  SET LOCAL log_min_error_statement = 'panic';
  SET LOCAL pg_stat_statements.track_utility = off`;

/**
 * Subscribe to a slot that is there, from where it stands: https://www.postgresql.org/docs/17/sql-createsubscription.html.
 * `origin = none` keeps what came from the receiver from coming back; with `disable_on_error` a crash of the sender
 * could disable it for good. Without its own slot it can be made in one transaction with the fact of it.
 */
export async function createSubscription(client: ClientBase, wanted: Wanted): Promise<void> {
  const name = client.escapeIdentifier(wanted.name);
  await inTransaction(client, async () => {
    await client.query(unlogged);
    await client.query(
      `CREATE SUBSCRIPTION ${name} CONNECTION ${client.escapeLiteral(wanted.conninfo)} PUBLICATION ${name}
         WITH (slot_name = ${name}, create_slot = false, copy_data = false, enabled = true, binary = false,
               origin = none, streaming = parallel, disable_on_error = false,
               synchronous_commit = '${levelOf(wanted.synchronous)}')`,
    );
    await writeFact(client, subscribedFact(wanted.name), {});
  });
}

/** Give one that is there the options that are wanted now; what is so already is not touched. */
export async function alterSubscription(
  client: ClientBase,
  now: StreamSubscription,
  wanted: Wanted,
): Promise<void> {
  const name = client.escapeIdentifier(wanted.name);
  const statements = [
    ...(now.conninfo === wanted.conninfo ? [] : [`CONNECTION ${client.escapeLiteral(wanted.conninfo)}`]),
    ...(now.synchronousCommit === levelOf(wanted.synchronous)
      ? []
      : [`SET (synchronous_commit = '${levelOf(wanted.synchronous)}')`]),
    ...(now.enabled ? [] : ['ENABLE']),
  ];
  if (statements.length === 0) return;
  await inTransaction(client, async () => {
    await client.query(unlogged);
    for (const statement of statements) await client.query(`ALTER SUBSCRIPTION ${name} ${statement}`);
  });
}

/**
 * Drop it without a word to its sender, who may be gone; the slot is dropped over there, by itself. Idempotent.
 * https://www.postgresql.org/docs/17/logical-replication-subscription.html#LOGICAL-REPLICATION-SUBSCRIPTION-SLOT
 */
export async function dropSubscription(client: ClientBase, name: string): Promise<void> {
  if ((await readSubscription(client, name)) === undefined) return;
  const subscription = client.escapeIdentifier(name);
  await inTransaction(client, async () => {
    await client.query(`ALTER SUBSCRIPTION ${subscription} DISABLE`);
    await client.query(`ALTER SUBSCRIPTION ${subscription} SET (slot_name = NONE)`);
    await client.query(`DROP SUBSCRIPTION IF EXISTS ${subscription}`);
  });
}

export async function forgetSubscription(client: ClientBase, name: string): Promise<void> {
  if (await hasBookkeeping(client)) await dropFacts(client, [subscribedFact(name)]);
}

/** What the receiver's worker waits for before it tells the sender that a commit is safe. */
const levelOf = (synchronous: boolean): string => (synchronous ? 'on' : 'off');

/** `connection_failure`, `sqlclient_unable_to_establish_sqlconnection`, and a publisher that refuses. */
const connectionCodes = ['08006', '08001', '08P01'];

async function inTransaction(client: ClientBase, body: () => Promise<void>): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(passGuard);
    await body();
    await client.query('COMMIT');
  } catch (error) {
    if (isSilence(error)) throw error;
    await client.query('ROLLBACK');
    if (!connectionCodes.includes((error as { code?: string }).code ?? '')) throw error;
    throw new RollgateError(
      // Where there was no answer there may be one later; an answer stays the same.
      isRefusal(messageOf(error)) ? 'SYSTEM_REFUSED' : 'SYSTEM_UNREACHABLE',
      `the receiving server cannot subscribe: ${messageOf(error)}`,
      'The primaries of both sides must reach each other by the addresses and with the roles of the cluster files.',
    );
  }
}

/** The sender has answered, and with more than that it is not ready yet. */
const isRefusal = (message: string): boolean =>
  message.includes('FATAL:') && !/starting up|shutting down|recovery/.test(message);
