import type { ClientBase } from 'pg';
import {
  receiverOf,
  RollgateError,
  senderOf,
  type Direction,
  type Pair,
  type TableSize,
} from '../../../../contracts/index.js';
import type { Sessions } from '../../connection.js';
import { dropFacts } from '../bookkeeping.js';
import { releaseHeld } from '../held-snapshot.js';
import { streamName } from '../names.js';
import { locate, type Located } from '../stream/located.js';
import { publishedTables, tableSizes } from '../validation/table-sizes.js';
import { openHolder, type Holder } from './holder.js';
import { standbyRoles } from './log-ins.js';
import { openSession } from './session.js';
import { permitFact, readSideState, type FenceFact } from './side-state.js';

/** Everything about a fence that takes time and can be had before anybody waits. */
export interface Ready {
  readonly sender: Located;
  readonly receiver: Located;
  /** On the sender: what closes it. */
  readonly control: ClientBase;
  /** On the sender: what holds the locks. */
  readonly locker: ClientBase;
  readonly across: ClientBase;
  readonly holders: { readonly sender: Holder; readonly receiver: Holder };
  readonly tables: readonly string[];
  readonly sizes: { readonly sender: readonly TableSize[]; readonly receiver: readonly TableSize[] };
  /** Roles that are not closed, beside ours. */
  readonly stay: readonly string[];
  readonly cutName: string;
  /** The sender has been closed by a call that did not end. */
  readonly closed: FenceFact | undefined;
  /** End every session; locks are let go by it. Idempotent. */
  leave(): Promise<void>;
}

/**
 * What an earlier call has left is taken away, except that the sender stays closed when it is.
 * @throws PRIMARY_MOVED when the receiver takes the writes already; SYSTEM_REFUSED; SYSTEM_UNREACHABLE
 */
export async function openFenceSessions(
  sessions: Sessions,
  pair: Pair,
  direction: Direction,
  statementTimeoutMs: number,
): Promise<Ready> {
  const [sender, receiver] = await Promise.all([
    locate(sessions, pair[senderOf(direction)]),
    locate(sessions, pair[receiverOf(direction)]),
  ]);
  const closed = await requireCloseable(sender, receiver, direction);
  const cutName = `fence-${direction}`;
  const [tables, stay] = await sender.on(async (client) => [
    await publishedTables(client, streamName(direction)),
    await standbyRoles(client),
  ]);
  if (tables.length === 0) {
    throw new RollgateError(
      'SYSTEM_REFUSED',
      `${sender.node} publishes no table to ${receiver.node}`,
      'Start the stream of this direction first.',
    );
  }
  await Promise.all([
    receiver.on((client) => dropFacts(client, [permitFact(receiverOf(direction))])),
    releaseHeld(sessions, sender.cluster, sender.node, cutName),
    releaseHeld(sessions, receiver.cluster, receiver.node, cutName),
  ]);

  const opened: { end(): Promise<void> }[] = [];
  const keep = async <T extends { end(): Promise<void> }>(making: Promise<T>): Promise<T> => {
    const made = await making;
    opened.push(made);
    return made;
  };
  let left: Promise<unknown> | undefined;
  const leave = async (): Promise<void> => {
    left ??= Promise.allSettled(opened.map((session) => session.end()));
    await left;
  };
  const making = [
    keep(openSession(sessions, sender, { statementTimeoutMs })),
    keep(openSession(sessions, sender, {})),
    keep(openSession(sessions, receiver, { statementTimeoutMs })),
    keep(openHolder(sessions, sender, cutName)),
    keep(openHolder(sessions, receiver, cutName)),
  ] as const;
  try {
    const [control, locker, across, heldThere, heldAcross] = await Promise.all(making);
    return {
      ...{ sender, receiver, tables, stay, cutName, closed, leave },
      ...{ control: control.client, locker: locker.client, across: across.client },
      holders: { sender: heldThere, receiver: heldAcross },
      sizes: {
        sender: await tableSizes(control.client, tables),
        receiver: await tableSizes(across.client, tables),
      },
    };
  } catch (error) {
    await Promise.allSettled(making);
    await leave();
    throw error;
  }
}

async function requireCloseable(
  sender: Located,
  receiver: Located,
  direction: Direction,
): Promise<FenceFact | undefined> {
  const [here, there] = await Promise.all([
    sender.on((client) => readSideState(client, senderOf(direction))),
    receiver.on((client) => readSideState(client, receiverOf(direction))),
  ]);
  if (there.open) {
    throw new RollgateError(
      'PRIMARY_MOVED',
      `${receiver.node} takes the writes already, so ${sender.node} is not the one to be closed`,
      'Nothing was changed; the run observes again.',
    );
  }
  if (here.open || here.fence) return here.fence;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `${sender.node} has not been opened to clients yet, so there is nothing to close`,
    'A cutover opens it first.',
  );
}
