import {
  receiverOf,
  RollgateError,
  senderOf,
  type Direction,
  type EffectContext,
  type MigrationFacet,
  type Pair,
} from '../../../../contracts/index.js';
import type { Sessions } from '../../connection.js';
import { waitUntil } from '../../../wait.js';
import { readFact } from '../bookkeeping.js';
import { streamName } from '../names.js';
import { makePublication } from '../publication.js';
import { readSideState } from '../switch/side-state.js';
import { subscriptionConninfo } from './conninfo.js';
import { locate, type Located } from './located.js';
import { createSlot, dropSlot, readSlot } from './slot.js';
import { stopStream } from './stop-stream.js';
import { streamView } from './stream-view.js';
import {
  alterSubscription,
  createSubscription,
  dropSubscription,
  readSubscription,
  subscribedFact,
} from './subscription.js';

export type StreamFacet = Pick<MigrationFacet, 'startStream' | 'stream' | 'stopStream'>;

/**
 * Logical replication of one direction: publication and slot on the sender, a subscription on the receiver, all of
 * the same name. https://www.postgresql.org/docs/17/logical-replication.html
 */
export function createStream(sessions: Sessions): StreamFacet {
  return {
    startStream: (pair, direction, options, ctx) => startStream(sessions, pair, direction, options, ctx),
    stream: (pair, direction, ctx) => streamView(sessions, pair, direction, ctx),
    stopStream: (pair, direction, ctx) => stopStream(sessions, pair, direction, ctx),
  };
}

/** A slot waits for the transactions that write when it is made. */
const patient = { statementTimeoutMs: 60_000 };

/**
 * Needs PostgreSQL 16 on both sides: origins are told apart since then. It goes on from the slot that is there (the
 * export has left one). On a sender that is closed to clients it makes one, because such a sender writes nothing
 * that the receiver does not have.
 *
 * @throws MIGRATION_RESTART when a sender with clients has no slot that it could go on from; SYSTEM_REFUSED
 */
async function startStream(
  sessions: Sessions,
  pair: Pair,
  direction: Direction,
  { synchronous }: { synchronous: boolean },
  ctx: EffectContext,
): Promise<void> {
  const name = streamName(direction);
  const [sender, receiver] = await Promise.all([
    locate(sessions, pair[senderOf(direction)]),
    locate(sessions, pair[receiverOf(direction)]),
  ]);
  await Promise.all([requireOrigins(sender), requireOrigins(receiver)]);
  const conninfo = await subscriptionConninfo(sessions, sender.cluster, sender.node);
  const goesOn = await canGoOn(sender, receiver, direction);

  if (!goesOn) await receiver.on((client) => dropSubscription(client, name), patient);
  if (!goesOn) await sender.on((client) => dropSlot(client, name, ctx), patient);
  // Before the slot: what was written before there was a publication cannot be decoded.
  await makePublication(sessions, sender.cluster, direction, ctx);
  if (!goesOn) await sender.on((client) => createSlot(client, name), patient);
  await receiver.on(async (client) => {
    const now = await readSubscription(client, name);
    const wanted = { name, conninfo, synchronous };
    if (now) await alterSubscription(client, now, wanted);
    else await createSubscription(client, wanted);
  }, patient);

  const flows = await waitUntil(
    async () => {
      const { flowing, lag } = await streamView(sessions, pair, direction, ctx);
      // A side that cannot be asked is another matter than a stream that does not flow: the call is repeated.
      if (lag.kind === 'unknown') {
        await Promise.all([locate(sessions, sender.cluster), locate(sessions, receiver.cluster)]);
      }
      return flowing.kind === 'known' && flowing.value;
    },
    { timeoutMs: 30_000, pollMs: 20 },
    ctx,
  );
  if (flows) return;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `the subscription ${name} on ${receiver.node} does not stream from ${sender.node}`,
    `The logs of both say why: the apply worker of ${receiver.node}, the walsender of ${sender.node}. Then retry.`,
  );
}

/**
 * Whether the slot stands exactly where the receiver stands: one that a subscription reads, or one that no
 * subscription has read yet. After a subscription was dropped nobody knows what it had applied.
 */
async function canGoOn(sender: Located, receiver: Located, direction: Direction): Promise<boolean> {
  const name = streamName(direction);
  const [{ slot, closed }, { subscription, before }] = await Promise.all([
    sender.on(async (client) => ({
      slot: await readSlot(client, name),
      closed: !(await readSideState(client, senderOf(direction))).open,
    })),
    receiver.on(async (client) => ({
      subscription: await readSubscription(client, name),
      before: (await readFact(client, subscribedFact(name))) !== undefined,
    })),
  ]);
  const read = subscription ? subscription.slot === name : !before;
  if (slot && !slot.lost && read) return true;
  if (closed) return false;
  throw new RollgateError(
    'MIGRATION_RESTART',
    `${sender.node} takes writes and has no slot ${name} from which ${receiver.node} could go on`,
    'The copy begins anew with a new export.',
  );
}

async function requireOrigins({ node, on }: Located): Promise<void> {
  const version = await on(async (client) => {
    const { rows } = await client.query<{ version: number }>(
      "SELECT current_setting('server_version_num')::int AS version",
    );
    return rows[0]?.version ?? 0;
  });
  if (version >= 160_000) return;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `${node} runs a PostgreSQL before 16, which cannot tell replicated changes from its own`,
    'Upgrade the source to 16 or later first; the way back needs it.',
  );
}
