import {
  receiverOf,
  RollgateError,
  senderOf,
  type Direction,
  type EffectContext,
  type Pair,
} from '../../../../contracts/index.js';
import type { Sessions } from '../../connection.js';
import { passGuard } from '../ddl-guard.js';
import { streamName } from '../names.js';
import { locateIfThere, type Located } from './located.js';
import { dropSlot } from './slot.js';
import { dropSubscription, forgetSubscription } from './subscription.js';

/**
 * The receiver first, so that nobody reads the slot any more; neither side is asked about the other one. A side that
 * does not answer is left as it is: what remains there is told by `residue`, and removed when this is called again.
 *
 * @throws SYSTEM_UNREACHABLE when neither side answers; SYSTEM_REFUSED while commits wait for it
 */
export async function stopStream(
  sessions: Sessions,
  pair: Pair,
  direction: Direction,
  ctx: EffectContext,
): Promise<void> {
  const name = streamName(direction);
  const [sender, receiver] = await Promise.all([
    locateIfThere(sessions, pair[senderOf(direction)]),
    locateIfThere(sessions, pair[receiverOf(direction)]),
  ]);
  if (sender instanceof RollgateError && receiver instanceof RollgateError) throw receiver;
  if (!(sender instanceof RollgateError)) await requireNotWaitedFor(sender, name);
  if (!(receiver instanceof RollgateError)) {
    await receiver.on((client) => dropSubscription(client, name), { statementTimeoutMs: 60_000 });
  }
  if (sender instanceof RollgateError) return;
  await sender.on(async (client) => {
    await dropSlot(client, name, ctx);
    await client.query(`BEGIN; ${passGuard}; DROP PUBLICATION IF EXISTS ${name}; COMMIT`);
  });
  // Only now: with a slot left over the next start must know that it has been read.
  if (!(receiver instanceof RollgateError)) {
    await receiver.on((client) => forgetSubscription(client, name));
  }
}

/** Every commit on the sender would hang, ours first. */
async function requireNotWaitedFor({ node, on }: Located, name: string): Promise<void> {
  const names = await on(async (client) => {
    const { rows } = await client.query<{ names: string }>(
      "SELECT current_setting('synchronous_standby_names') AS names",
    );
    return rows[0]?.names ?? '';
  });
  if (!names.includes(name)) return;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `commits on ${node} wait for ${name}: its synchronous_standby_names is '${names}'`,
    'Give that setting its former value first, then end the stream.',
  );
}
