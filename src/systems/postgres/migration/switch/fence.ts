import { setTimeout as delay } from 'node:timers/promises';
import type { ClientBase } from 'pg';
import {
  messageOf,
  receiverOf,
  RollgateError,
  senderOf,
  sideFenceFrom,
  type Direction,
  type EffectContext,
  type Pair,
  type Position,
  type SideFence,
} from '../../../../contracts/index.js';
import type { Sessions } from '../../connection.js';
import { waitUntil } from '../../../wait.js';
import { writeFact } from '../bookkeeping.js';
import { factTable } from '../names.js';
import { clientsThere, endClients } from './clients.js';
import type { Located } from '../stream/located.js';
import { openFenceSessions, type Ready } from './fence-sessions.js';
import { requireHeld } from './holder.js';
import { mayLogIn, setLogIn } from './log-ins.js';
import { newMarker, seesMarker, writeMarker } from './marker.js';
import { fenceFact, permitFact, type FenceFact, type FenceIdentity } from './side-state.js';
import { transaction } from './transaction.js';
import { unfence } from './unfence.js';
import { graceMs, lockOut } from './writers.js';

/** What has been done by then; for tests, which break off there. */
export type FenceStep = 'locked' | 'closed' | 'gone' | 'applied' | 'permitted';

export interface FenceOptions {
  /** From the first writer that waits to the end of the call, ms; a call that goes on after a crash has it anew. */
  readonly maxWritePauseMs: number;
  /** Before anybody waits: until nobody writes for long and the receiver is close behind, ms. */
  readonly timeoutMs: number;
  readonly onStep?: (step: FenceStep) => Promise<void>;
}

/**
 * Close the sending side. Writers wait behind locks, so that none is cut off within a transaction; then every role
 * but ours loses its right to log in, superusers among them, and every session ends. Only a role that physical
 * standbys stream with and that cannot write stays. Roles are of the whole server, and so are the clients that are
 * cut off. https://www.postgresql.org/docs/17/role-attributes.html
 *
 * Neither a superuser nor the owner of a table gets around it. The role that rollgate itself uses is not closed:
 * nobody else may use it. When it fails for whatever reason, the side is opened again.
 *
 * @throws FENCE_LATE, PRIMARY_MOVED, SYSTEM_REFUSED, SYSTEM_UNREACHABLE
 */
export async function fence(
  sessions: Sessions,
  pair: Pair,
  direction: Direction,
  options: FenceOptions,
  ctx: EffectContext,
): Promise<SideFence> {
  const end = Date.now() + options.timeoutMs;
  const ready = await openFenceSessions(sessions, pair, direction, options);
  try {
    if (!ready.closed) await waitUntilNear(ready, direction, options.maxWritePauseMs, end, ctx);
    return await close(ready, direction, options, end, ctx);
  } catch (error) {
    // Whatever it was: clients must not wait for somebody to look.
    await ready
      .giveUp()
      .then(() => unfence(sessions, pair, direction))
      .catch((undone: unknown) => {
        throw stillClosed(ready.sender.node, error, undone);
      });
    throw await judged(error, [ready.sender, ready.receiver]);
  } finally {
    await ready.leave();
  }
}

/** The receiver's way through what is under way is part of the pause: it begins when that is short. */
async function waitUntilNear(
  { control, across, sender, receiver }: Ready,
  direction: Direction,
  pauseMs: number,
  end: number,
  ctx: EffectContext,
): Promise<void> {
  for (;;) {
    const name = newMarker(`near-${direction}`);
    const began = Date.now();
    await writeMarker(control, name);
    const seen = await seesMarker(across, name, Math.max(0, end - Date.now()), ctx);
    if (seen && Date.now() - began <= pauseMs / 4) return;
    if (Date.now() < end) continue;
    throw late(
      `a write on ${sender.node} was ${seen ? `applied on ${receiver.node} after ${Date.now() - began} ms` : `not applied on ${receiver.node}`}`,
    );
  }
}

async function close(
  ready: Ready,
  direction: Direction,
  { maxWritePauseMs: pauseMs, onStep = () => Promise.resolve() }: FenceOptions,
  end: number,
  ctx: EffectContext,
): Promise<SideFence> {
  const { control, across, holders, sender, receiver, cutName } = ready;
  const began = ready.closed ? Date.now() : await lockOut(ready.locker, ready.tables, { pauseMs, end }, ctx);
  const left = (): number => {
    if (Date.now() > began + pauseMs) throw late(`writers have waited for ${Date.now() - began} ms`);
    return began + pauseMs - Date.now();
  };
  // A side that falls silent is not waited for any longer than writers wait.
  const of = <T>({ node }: Located, ask: () => Promise<T>): Promise<T> => inTime(node, left(), ask);
  await onStep('locked');
  const fact = await of(sender, () => closeRoles(ready, direction, new Date(began).toISOString(), left()));
  await onStep('closed');
  await of(sender, () => endAllClients(control, sender.node, left(), ctx));
  await onStep('gone');

  const marker = newMarker(cutName);
  const [position, senderId] = await of(sender, () =>
    Promise.all([writeMarker(control, marker), holders.sender.take()]),
  );
  if (!(await of(receiver, () => seesMarker(across, marker, left(), ctx))))
    throw late(`${receiver.node} has not applied everything of ${sender.node} within ${pauseMs} ms`);
  const receiverId = await of(receiver, () => holders.receiver.take());
  await onStep('applied');

  // Up to here nobody can open the receiver; from the record on, only a question to it tells whether somebody has.
  await of(sender, () => recordPosition(control, direction, fact, position));
  const [held, heldAcross] = await Promise.all([
    of(sender, () => holders.sender.confirm(control, left(), ctx)),
    of(receiver, async () => {
      await permit(across, direction, { position: position.text, from: fact.from });
      return holders.receiver.confirm(across, left(), ctx);
    }),
  ]);
  requireHeld(held, sender.node);
  requireHeld(heldAcross, receiver.node);
  await onStep('permitted');
  left();
  const at = new Date().toISOString();
  const snapshots = {
    sender: { id: senderId, tables: ready.sizes.sender },
    receiver: { id: receiverId, tables: ready.sizes.receiver },
  };
  return sideFenceFrom({
    side: senderOf(direction),
    position,
    closedTo: fact.logins,
    sessionsGone: true,
    applied: true,
    from: fact.from,
    at,
    cut: {
      name: cutName,
      position,
      snapshots:
        direction === 'forward'
          ? { source: snapshots.sender, destination: snapshots.receiver }
          : { source: snapshots.receiver, destination: snapshots.sender },
      writePauseMs: Date.now() - Date.parse(fact.from),
      at,
    },
  });
}

/**
 * In one transaction with the fact of it; who was let in again meanwhile is closed and remembered too. Only where the
 * side is still as this call has found it: a fence that somebody else has made since, and rests on, must stay.
 */
async function closeRoles(
  { control, closed, stay, attempt }: Ready,
  direction: Direction,
  from: string,
  leftMs: number,
): Promise<FenceFact> {
  return transaction(control, async () => {
    const logins = await mayLogIn(control, stay);
    const { rows } = await control.query<{ until: number }>(
      'SELECT extract(epoch FROM clock_timestamp())::float8 + $1 / 1000.0 AS until',
      [leftMs + graceMs],
    );
    const fact: FenceFact = {
      logins: [...new Set([...(closed?.logins ?? []), ...logins])].sort(),
      ...{ stay, from: closed?.from ?? from, attempt, until: rows[0]?.until ?? 0 },
    };
    const name = fenceFact(senderOf(direction));
    const { rowCount } = closed
      ? await control.query(
          `UPDATE ${factTable} SET value = $2 WHERE name = $1 AND value ->> 'attempt' = $3`,
          [name, JSON.stringify(fact), closed.attempt],
        )
      : await control.query(
          `INSERT INTO ${factTable} (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`,
          [name, JSON.stringify(fact)],
        );
    if (rowCount !== 1) throw undone();
    await setLogIn(control, logins, 'NOLOGIN');
    return fact;
  });
}

/** How often sessions are looked for, ms: clients wait for it. */
const lookMs = 2;

async function endAllClients(
  control: ClientBase,
  node: string,
  timeoutMs: number,
  ctx: EffectContext,
): Promise<void> {
  let clean = 0;
  const gone = await waitUntil(
    async () => {
      clean = (await endClients(control)) === 0 ? clean + 1 : 0;
      return clean === 2;
    },
    { timeoutMs, pollMs: lookMs },
    ctx,
  );
  if (gone) return;
  throw late(`these sessions of ${node} do not end: ${(await clientsThere(control)).join(', ')}`);
}

/** The last write of ours on the closed side: by its transaction any later one of somebody else is noticed. */
async function recordPosition(
  control: ClientBase,
  direction: Direction,
  fact: FenceFact,
  position: Position,
): Promise<void> {
  await transaction(control, async () => {
    // Only while it is this fence's: one that was undone meanwhile must not come back.
    const { rowCount } = await control.query(
      `UPDATE ${factTable}
          SET value = value || jsonb_build_object('position', $3::jsonb, 'last', pg_current_xact_id()::text)
        WHERE name = $1 AND value ->> 'attempt' = $2`,
      [fenceFact(senderOf(direction)), fact.attempt, JSON.stringify(position)],
    );
    if (rowCount !== 1) throw undone();
  });
}

/**
 * A side that cannot be reached is waited for by a repetition, which closes nothing before both answer. One that
 * answers, and only was too slow, would have clients cut off again and again.
 */
async function judged(error: unknown, sides: readonly Located[]): Promise<unknown> {
  if (!(error instanceof RollgateError && error.code === 'SYSTEM_UNREACHABLE')) return error;
  try {
    for (const { on } of sides) await on((client) => client.query('SELECT'), { fresh: true });
  } catch {
    return error;
  }
  return late(error.message);
}

const undone = (): RollgateError =>
  new RollgateError(
    'FENCE_VOID',
    'the fence was made or undone by somebody else while it was being made',
    'Another worker acts on this migration at the same time; look at its status, then retry.',
  );

/** @throws SYSTEM_UNREACHABLE, which has the call repeated: that begins by seeing whether both sides answer */
async function inTime<T>(node: string, timeoutMs: number, ask: () => Promise<T>): Promise<T> {
  const over = new AbortController();
  const silent = delay(timeoutMs + graceMs / 4, undefined, { signal: over.signal }).then(() => {
    throw new RollgateError(
      'SYSTEM_UNREACHABLE',
      `${node} did not answer within the ${timeoutMs} ms that were left of the write pause`,
      `Check ${node} and the network between it and the workers; the call is repeated by itself.`,
    );
  });
  try {
    return await Promise.race([ask(), silent]);
  } finally {
    over.abort();
  }
}

const permit = (across: ClientBase, direction: Direction, identity: FenceIdentity): Promise<void> =>
  writeFact(across, permitFact(receiverOf(direction)), identity);

const stillClosed = (node: string, error: unknown, undone: unknown): RollgateError =>
  new RollgateError(
    'SYSTEM_UNREACHABLE',
    `the fence failed (${messageOf(error)}), and ${node} could not be opened again: ${messageOf(undone)}`,
    'The call is repeated by itself and goes on from there; `unfence` opens the side.',
    { cause: error },
  );

const late = (seen: string): RollgateError =>
  new RollgateError(
    'FENCE_LATE',
    `the fence was given up: ${seen}`,
    'The side is open as before. Try again when less is written, or allow a longer pause (cutover.maxWritePause).',
  );
