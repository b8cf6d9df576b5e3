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
import { locate } from '../stream/located.js';
import { setLogIn } from './log-ins.js';
import { fenceFact, permitFact, readSideState } from './side-state.js';
import { transaction } from './transaction.js';

/**
 * Open the sending side again exactly as it was. Before that the other side loses what it would be opened by, so
 * that an attempt to open it which is still under way finds nothing: never are both open.
 *
 * @throws PRIMARY_MOVED when the other side takes the writes; SYSTEM_UNREACHABLE, also when the other side cannot
 *   be asked
 */
export async function unfence(sessions: Sessions, pair: Pair, direction: Direction): Promise<void> {
  const sender = await locate(sessions, pair[senderOf(direction)]);
  const { fence } = await sender.on((client) => readSideState(client, senderOf(direction)));
  if (!fence) return;
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
  const name = `fence-${direction}`;
  await releaseHeld(sessions, sender.cluster, sender.node, name);
  await releaseHeld(sessions, receiver.cluster, receiver.node, name);
}
