import { randomUUID } from 'node:crypto';
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
import { timeouts } from '../long-session.js';
import { streamName } from '../names.js';
import { locate, type Located } from '../stream/located.js';
import { publishedTables, tableSizes } from '../validation/table-sizes.js';
import { openHolder, type Holder } from './holder.js';
import { standbyRoles } from './log-ins.js';
import { opensByItself } from './opens-by-itself.js';
import { fenceSessionName, openSession, type FenceSession } from './session.js';
import { permitFact, readSideState, type FenceFact } from './side-state.js';
import { graceMs } from './writers.js';

/** Everything about a fence that takes time and can be had before anybody waits. */
export interface Ready {
  readonly sender: Located;
  readonly receiver: Located;
  /** On the sender: what closes it. */
  readonly control: ClientBase;
  /** On the sender: what holds the locks. */
  readonly locker: ClientBase;
  readonly across: ClientBase;
  /** Tells this call from others that have closed the same side, or still try to. */
  readonly attempt: string;
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
  /**
   * The same when something has gone wrong: what the sender does for this call is over when this returns, also a commit
   * that was under way. @throws SYSTEM_UNREACHABLE
   */
  giveUp(): Promise<void>;
}

/**
 * What an earlier call has left is taken away, except that the sender stays closed when it is.
 * @throws PRIMARY_MOVED when the receiver takes the writes already; SYSTEM_REFUSED; SYSTEM_UNREACHABLE
 */
export async function openFenceSessions(
  sessions: Sessions,
  pair: Pair,
  direction: Direction,
  limits: { maxWritePauseMs: number; timeoutMs: number },
): Promise<Ready> {
  const statementTimeoutMs = Math.max(1000, limits.maxWritePauseMs);
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
  const attempt = randomUUID();
  const making = [
    keep(openSession(sessions, sender, { statementTimeoutMs })),
    keep(openSession(sessions, sender, { statementTimeoutMs })),
    keep(openSession(sessions, receiver, { statementTimeoutMs })),
    keep(openHolder(sessions, sender, cutName, statementTimeoutMs)),
    keep(openHolder(sessions, receiver, cutName, statementTimeoutMs)),
    keep(openWatch(sessions, sender, statementTimeoutMs)),
  ] as const;
  try {
    const [control, locker, across, heldThere, heldAcross, watch] = await Promise.all(making);
    const pids = await Promise.all([control, locker, watch].map((session) => pidOf(session.client)));
    const lifetimeMs = limits.timeoutMs + limits.maxWritePauseMs + 10 * graceMs;
    opensByItself(watch.client, { side: senderOf(direction), attempt }, lifetimeMs);
    return {
      ...{ sender, receiver, tables, stay, cutName, closed, attempt },
      async leave() {
        // It does not notice that we are gone; where this fails it ends by itself.
        await end(control.client, [pids[2]], 0).catch(() => undefined);
        await leave();
      },
      async giveUp() {
        const leaving = leave();
        await sender.on((client) => end(client, pids, 1000)).finally(() => leaving);
      },
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

/** A session that goes on with what it does when we are gone. */
async function openWatch(
  sessions: Sessions,
  sender: Located,
  statementTimeoutMs: number,
): Promise<FenceSession> {
  const session = await openSession(sessions, sender, { statementTimeoutMs });
  await session.client.query(`SELECT set_config(name, '0', false) FROM pg_settings WHERE name = ANY ($1)`, [
    [...timeouts, 'client_connection_check_interval'],
  ]);
  return session;
}

async function pidOf(client: ClientBase): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid ?? 0;
}

/** Sessions of ours, whose numbers nobody else has as long as they may be there. */
async function end(client: ClientBase, pids: readonly (number | undefined)[], waitMs: number): Promise<void> {
  await client.query(
    `SELECT pg_terminate_backend(pid, $3) FROM pg_stat_activity
      WHERE pid = ANY ($1) AND application_name = $2 AND usename = current_user`,
    [pids, fenceSessionName, waitMs],
  );
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
