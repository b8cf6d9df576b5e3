import type { ClientBase } from 'pg';
import {
  receiverOf,
  RollgateError,
  senderOf,
  type Direction,
  type Opening,
  type Pair,
  type PassedValidation,
  type SideFence,
} from '../../../../contracts/index.js';
import type { Sessions } from '../../connection.js';
import { dropFacts, readFact, writeFact } from '../bookkeeping.js';
import { factTable } from '../names.js';
import { locate, type Located } from '../stream/located.js';
import { clientsThere } from './clients.js';
import { clientsOf, letIn, setLogIn, type Clients } from './log-ins.js';
import { readSequences, writeSequences, type SequenceValue } from './sequences.js';
import {
  fenceFact,
  leaks,
  loginsFact,
  openedFact,
  permitFact,
  readSideState,
  type FenceFact,
  type FenceIdentity,
  type OpenedFact,
  type SideState,
} from './side-state.js';
import { strayWrites } from './stray-writes.js';
import { transaction } from './transaction.js';

export type CutOverStep = 'verified' | 'opened';

/**
 * Open the receiving side: sequences go on where the closed side has left them, and in the same commit roles may log
 * in. It takes away the permit that the fence has left there, so that it happens once, and not after an `unfence`.
 * Called again it finds the side open.
 *
 * @throws FENCE_VOID when the sender is not closed as the fence says, or somebody wrote past it; SYSTEM_REFUSED;
 *   SYSTEM_UNREACHABLE, after which it is not known whether the side is open
 */
export async function cutOver(
  sessions: Sessions,
  pair: Pair,
  direction: Direction,
  held: SideFence,
  validation: PassedValidation,
  onStep: (step: CutOverStep) => Promise<void> = () => Promise.resolve(),
): Promise<Opening> {
  const identity: FenceIdentity = { position: held.position.text, from: held.from };
  const [sender, receiver] = await Promise.all([
    locate(sessions, pair[senderOf(direction)]),
    locate(sessions, pair[receiverOf(direction)]),
  ]);
  const side = receiverOf(direction);
  const [before, { sequences, clients }] = await Promise.all([
    receiver.on((client) => readSideState(client, side)),
    sender.on(async (client) => {
      const fence = await requireClosed(client, sender.node, direction, held);
      return { sequences: await readSequences(client), clients: await clientsOf(client, fence) };
    }),
  ]);
  if (before.open) return openedBy(before, identity, receiver.node);
  await onStep('verified');
  const opened: Omit<OpenedFact, 'at'> = {
    direction,
    sequences: sequences.length,
    fence: identity,
    validation: validation.id,
  };
  await receiver.on((client) => open(client, receiver.node, direction, opened, { sequences, clients }));
  const at = new Date();
  await onStep('opened');
  await requireOpen(receiver, direction);
  return openingOf({ ...opened, at: at.toISOString() });
}

async function requireClosed(
  client: ClientBase,
  node: string,
  direction: Direction,
  held: SideFence,
): Promise<FenceFact> {
  const { fence } = await readSideState(client, senderOf(direction));
  if (fence?.position?.text !== held.position.text || fence.from !== held.from) {
    throw voidFence(
      `${node} is ${fence ? `closed at ${fence.position?.text ?? 'no position yet'} since ${fence.from}` : 'not closed'}, the fence is of ${held.position.text}, ${held.from}`,
    );
  }
  const open = await leaks(client, fence);
  if (open.length > 0) throw voidFence(`on ${node} these roles may log in: ${open.join(', ')}`);
  const there = await clientsThere(client);
  if (there.length > 0) throw voidFence(`on ${node} there are sessions: ${there.join(', ')}`);
  // Usually no transaction has come since. Statistics of autovacuum are one too, so it counts what was written.
  const { rows } = await client.query<{ same: boolean }>(
    'SELECT pg_snapshot_xmax(pg_current_snapshot())::text::numeric = $1::numeric + 1 AS same',
    [fence.last],
  );
  if (rows[0]?.same === true) return fence;
  const stray = await strayWrites(client, direction, held.position);
  if (stray > 0) {
    throw voidFence(`${stray} changes were written on ${node} past the fence at ${held.position.text}`);
  }
  return fence;
}

async function open(
  client: ClientBase,
  node: string,
  direction: Direction,
  opened: Omit<OpenedFact, 'at'>,
  { sequences, clients }: { sequences: readonly SequenceValue[]; clients: Clients },
): Promise<void> {
  const side = receiverOf(direction);
  await transaction(client, async () => {
    // At least flushed, and wherever else the server is set to have its commits.
    await client.query(
      `SELECT set_config('synchronous_commit', 'on', true)
        WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')`,
    );
    const { rowCount } = await client.query(
      `DELETE FROM ${factTable} WHERE name = $1 AND value = $2::jsonb`,
      [permitFact(side), JSON.stringify(opened.fence)],
    );
    if (rowCount !== 1) throw voidFence(`${node} has no permit of the fence at ${opened.fence.position}`);
    await writeSequences(client, sequences);
    const { fence } = await readSideState(client, side);
    const logins = fence?.logins ?? (await readFact<readonly string[]>(client, loginsFact));
    if (logins === undefined) {
      throw new RollgateError(
        'SYSTEM_REFUSED',
        `it is not written down which roles may log in on ${node}`,
        'Nothing was opened. Have the schema and its roles made first.',
      );
    }
    await setLogIn(client, await letIn(client, logins, clients), 'LOGIN');
    await dropFacts(client, [fenceFact(side)]);
    await writeFact(client, openedFact(side), { ...opened, at: new Date().toISOString() });
  });
}

function openedBy({ opened }: SideState, identity: FenceIdentity, node: string): Opening {
  if (opened?.fence.position === identity.position && opened.fence.from === identity.from)
    return openingOf(opened);
  throw voidFence(
    `${node} takes writes already, ${opened ? `opened by the fence at ${opened.fence.position}` : 'without a cutover'}`,
  );
}

const openingOf = ({ direction, sequences, at, fence }: OpenedFact): Opening => ({
  direction,
  sequences,
  at,
  writeGapMs: Math.max(0, Date.parse(at) - Date.parse(fence.from)),
});

async function requireOpen({ node, on }: Located, direction: Direction): Promise<void> {
  const { open: isOpen } = await on((client) => readSideState(client, receiverOf(direction)));
  if (isOpen) return;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `${node} was opened and is closed again`,
    'Somebody else acts on this migration at the same time; look at its status.',
  );
}

const voidFence = (seen: string): RollgateError =>
  new RollgateError(
    'FENCE_VOID',
    `the fence does not hold: ${seen}`,
    'Nothing was opened. The closed side is opened again; find out who went past the fence, then retry.',
  );
