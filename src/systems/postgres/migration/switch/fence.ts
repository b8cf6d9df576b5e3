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
import { openFenceSessions, type Ready } from './fence-sessions.js';
import { requireHeld } from './holder.js';
import { mayLogIn, setLogIn } from './log-ins.js';
import { newMarker, seesMarker, writeMarker } from './marker.js';
import { fenceFact, permitFact, type FenceFact, type FenceIdentity } from './side-state.js';
import { transaction } from './transaction.js';
import { unfence } from './unfence.js';
import { lockOut } from './writers.js';

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
  const ready = await openFenceSessions(sessions, pair, direction, Math.max(1000, options.maxWritePauseMs));
  try {
    if (!ready.closed) await waitUntilNear(ready, direction, options.maxWritePauseMs, end, ctx);
    return await close(ready, direction, options, end, ctx);
  } catch (error) {
    // Whatever it was: clients must not wait for somebody to look.
    await ready.leave();
    await unfence(sessions, pair, direction).catch((undone: unknown) => {
      throw stillClosed(ready.sender.node, error, undone);
    });
    throw error;
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
  await onStep('locked');
  left();
  const fact = await closeRoles(ready, direction, new Date(began).toISOString());
  await onStep('closed');
  await endAllClients(control, sender.node, left(), ctx);
  await onStep('gone');

  const marker = newMarker(cutName);
  const [position, senderId] = await Promise.all([writeMarker(control, marker), holders.sender.take()]);
  if (!(await seesMarker(across, marker, left(), ctx)))
    throw late(`${receiver.node} has not applied everything of ${sender.node} within ${pauseMs} ms`);
  const receiverId = await holders.receiver.take();
  await onStep('applied');
  left();

  await Promise.all([
    recordPosition(control, direction, fact, position),
    permit(across, direction, { position: position.text, from: fact.from }),
    holders.sender.confirm(control).then((held) => requireHeld(held, sender.node)),
  ]);
  requireHeld(await holders.receiver.confirm(across), receiver.node);
  await onStep('permitted');
  left();
  const at = new Date().toISOString();
  const held = {
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
          ? { source: held.sender, destination: held.receiver }
          : { source: held.receiver, destination: held.sender },
      writePauseMs: Date.now() - Date.parse(fact.from),
      at,
    },
  });
}

/** In one transaction with the fact of it; who was let in again meanwhile is closed and remembered too. */
async function closeRoles(
  { control, closed, stay }: Ready,
  direction: Direction,
  from: string,
): Promise<FenceFact> {
  return transaction(control, async () => {
    const logins = await mayLogIn(control, stay);
    const fact: FenceFact = {
      logins: [...new Set([...(closed?.logins ?? []), ...logins])].sort(),
      stay,
      from: closed?.from ?? from,
    };
    await setLogIn(control, logins, 'NOLOGIN');
    await writeFact(control, fenceFact(senderOf(direction)), fact);
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
        WHERE name = $1 AND value ->> 'from' = $2`,
      [fenceFact(senderOf(direction)), fact.from, JSON.stringify(position)],
    );
    if (rowCount === 1) return;
    throw new RollgateError(
      'FENCE_VOID',
      'the fence was undone while it was being made',
      'Somebody else acts on this migration at the same time; look at its status, then retry.',
    );
  });
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
