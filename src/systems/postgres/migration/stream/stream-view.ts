import {
  known,
  receiverOf,
  RollgateError,
  senderOf,
  unknown,
  type Direction,
  type EffectContext,
  type Observed,
  type Pair,
  type StreamView,
} from '../../../../contracts/index.js';
import { waitUntil } from '../../../wait.js';
import type { Sessions } from '../../connection.js';
import { streamName } from '../names.js';
import { locateIfThere, type Located } from './located.js';
import { readSlot, type StreamSlot } from './slot.js';
import { readSubscription, type StreamSubscription } from './subscription.js';

/** How long a worker that has failed before is watched for failing again, ms. */
const watchMs = 200;

/**
 * The sender tells how far the receiver is behind, the receiver whether it fails. Counters:
 * https://www.postgresql.org/docs/18/monitoring-stats.html#MONITORING-PG-STAT-SUBSCRIPTION-STATS
 */
export async function streamView(
  sessions: Sessions,
  pair: Pair,
  direction: Direction,
  ctx: EffectContext,
): Promise<StreamView> {
  const name = streamName(direction);
  const [sender, receiver] = await Promise.all([
    locateIfThere(sessions, pair[senderOf(direction)]),
    locateIfThere(sessions, pair[receiverOf(direction)]),
  ]);
  const [slot, subscription] = await Promise.all([
    observe(sender, (at) => at.on((client) => readSlot(client, name))),
    observe(receiver, (at) => at.on((client) => readSubscription(client, name))),
  ]);
  const error = await errorOf(name, { sender, receiver, slot, subscription }, ctx);
  return {
    flowing: flowing(slot, subscription),
    lag: lag(name, { sender, slot, subscription }),
    ...(error !== undefined && { error }),
  };
}

async function observe<T>(
  at: Located | RollgateError,
  look: (at: Located) => Promise<T>,
): Promise<Observed<T>> {
  if (at instanceof RollgateError) return unknown(at.message);
  try {
    return known(await look(at));
  } catch (error) {
    if (error instanceof RollgateError && error.code === 'SYSTEM_UNREACHABLE') return unknown(error.message);
    throw error;
  }
}

function flowing(
  slot: Observed<StreamSlot | undefined>,
  subscription: Observed<StreamSubscription | undefined>,
): Observed<boolean> {
  if (slot.kind === 'known' && slot.value?.active !== true) return known(false);
  if (subscription.kind === 'known' && subscription.value?.running !== true) return known(false);
  if (slot.kind === 'unknown') return slot;
  if (subscription.kind === 'unknown') return subscription;
  return known(true);
}

function lag(name: string, { sender, slot, subscription }: Omit<Seen, 'receiver'>): Observed<number> {
  if (slot.kind === 'unknown') return slot;
  const bytes = slot.value?.lag;
  if (bytes !== undefined && bytes !== null) return known(bytes);
  // Slots do not follow a failover: https://www.postgresql.org/docs/17/logical-replication-failover.html
  const fed = slot.value === undefined && subscription.kind === 'known' && subscription.value !== undefined;
  if (!fed || sender instanceof RollgateError) return unknown(`there is no slot ${name} yet`);
  return unknown(
    `${sender.node} has no slot ${name} from which the stream could go on: it has become the primary since the stream was begun, or somebody has dropped it; roll back and begin anew`,
  );
}

interface Seen {
  readonly sender: Located | RollgateError;
  readonly receiver: Located | RollgateError;
  readonly slot: Observed<StreamSlot | undefined>;
  readonly subscription: Observed<StreamSubscription | undefined>;
}

/** What is in the way now; a failure of the past that has been overcome is none. */
async function errorOf(name: string, seen: Seen, ctx: EffectContext): Promise<string | undefined> {
  const { sender, receiver, slot, subscription } = seen;
  if (!(sender instanceof RollgateError) && slot.kind === 'known' && slot.value?.lost === true)
    return `${sender.node} has removed WAL that the slot ${name} needs (max_slot_wal_keep_size)`;
  if (receiver instanceof RollgateError || subscription.kind === 'unknown' || !subscription.value)
    return undefined;
  const before = subscription.value;
  if (before.errors === 0) return undefined;
  let now: StreamSubscription | undefined = before;
  await waitUntil(
    async () => {
      now = await receiver.on((client) => readSubscription(client, name));
      return now?.running !== true || now.errors > before.errors;
    },
    { timeoutMs: watchMs, pollMs: 50 },
    ctx,
  );
  if (now.running && now.errors === before.errors) return undefined;
  const conflicts = Object.entries(now.conflicts).map(([kind, count]) => `${kind} ${count}`);
  const detail = conflicts.length > 0 ? ` (conflicts: ${conflicts.join(', ')})` : '';
  return `${receiver.node} could not apply ${name} ${now.errors} times${detail}; its log says what and why`;
}
