import type { ClientBase } from 'pg';
import {
  receiverOf,
  RollgateError,
  senderOf,
  type Direction,
  type Pair,
} from '../../../../contracts/index.js';
import type { Sessions } from '../../connection.js';
import { dropFacts, hasBookkeeping } from '../bookkeeping.js';
import { releaseHeld } from '../held-snapshot.js';
import { factTable } from '../names.js';
import { locate, locateIfThere } from '../stream/located.js';
import { setLogIn } from './log-ins.js';
import { fenceFact, permitFact, readSideState, type FenceFact } from './side-state.js';
import { transaction } from './transaction.js';

/**
 * Open the sending side again exactly as it was. As long as its fence has no position, the other side has nothing that
 * it could be opened by, and is not asked: it may be what has failed. Later it loses that first, so that an attempt to
 * open it which is still under way finds nothing: never are both open.
 *
 * @throws PRIMARY_MOVED when the other side takes the writes; SYSTEM_UNREACHABLE, also when the other side cannot
 *   be asked and has been given its permit
 */
export async function unfence(sessions: Sessions, pair: Pair, direction: Direction): Promise<void> {
  const sender = await locate(sessions, pair[senderOf(direction)]);
  const { fence } = await sender.on((client) => readSideState(client, senderOf(direction)));
  const name = `fence-${direction}`;
  const unpermitted = fence !== undefined && fence.position === undefined;
  // Without a fence the server may have opened by itself: what was held for it is let go all the same.
  if (!fence || (unpermitted && (await sender.on((client) => openUnpermitted(client, direction))))) {
    await releaseHeld(sessions, sender.cluster, sender.node, name);
    const across = await locateIfThere(sessions, pair[receiverOf(direction)]);
    // What a silent one holds is let go by the next fence, or the end of the migration.
    if (!(across instanceof RollgateError)) {
      await releaseHeld(sessions, across.cluster, across.node, name);
    }
    return;
  }
  const receiver = await locate(sessions, pair[receiverOf(direction)]);
  const opened = await receiver.on(async (client) => {
    if (await hasBookkeeping(client)) await dropFacts(client, [permitFact(receiverOf(direction))]);
    return (await readSideState(client, receiverOf(direction))).open;
  });
  if (opened) {
    throw new RollgateError(
      'PRIMARY_MOVED',
      `${receiver.node} takes the writes by now, so ${sender.node} stays closed`,
      'Nothing was changed. The way back is a cutover in the other direction.',
    );
  }
  await sender.on((client) =>
    transaction(client, async () => {
      const { fence: now } = await readSideState(client, senderOf(direction));
      if (!now) return;
      await setLogIn(client, now.logins, 'LOGIN');
      await dropFacts(client, [fenceFact(senderOf(direction))]);
    }),
  );
  await releaseHeld(sessions, sender.cluster, sender.node, name);
  await releaseHeld(sessions, receiver.cluster, receiver.node, name);
}

/** @returns false when a position is there by now: the other side must be asked */
function openUnpermitted(client: ClientBase, direction: Direction): Promise<boolean> {
  return transaction(client, async () => {
    // Who gives the permit writes the position into this row first, and finds it gone.
    const { rows } = await client.query<{ value: FenceFact }>(
      `DELETE FROM ${factTable} WHERE name = $1 AND value -> 'position' IS NULL RETURNING value`,
      [fenceFact(senderOf(direction))],
    );
    const [fence] = rows;
    if (fence) await setLogIn(client, fence.value.logins, 'LOGIN');
    return fence !== undefined;
  });
}
