import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  receiverOf,
  RollgateError,
  senderOf,
  type ClusterSpec,
  type Direction,
  type EffectContext,
  type Pair,
  type Side,
} from '../../../../contracts/index.js';
import { waitUntil } from '../../../wait.js';
import type { Sessions } from '../../connection.js';
import { markerTable, streamName } from '../names.js';
import { readSlot } from '../stream/slot.js';
import { ensureCutTrigger } from './cut-trigger.js';
import { beginSnapshot, flushLog, lockAndMark, type Exported, type LockedMoment } from './locked-moment.js';
import { waitForQuiet, type Writer } from './long-writers.js';
import { openSession, type OwnSession } from './own-session.js';
import { closeGate, isApplying, snapshotAtMarker } from './standing-receiver.js';
import { publishedTables } from './table-sizes.js';

export interface CutOptions {
  readonly name: string;
  readonly direction: Direction;
  readonly maxWritePauseMs: number;
  readonly timeoutMs: number;
}

/** Both copies at one position, as long as the sessions that have exported them are open. */
export interface ExactCut {
  readonly tables: readonly string[];
  readonly position: string;
  readonly exported: Readonly<Record<Side, Exported>>;
  /** The longest that writers have waited, ms; attempts that were given up count. */
  readonly writePauseMs: number;
  readonly at: string;
}

interface Node {
  readonly cluster: ClusterSpec;
  readonly node: string;
}

/** A transaction of ordinary length, ms; behind one that has taken longer nobody is made to queue. */
const ordinaryMs = 20;
/**
 * All locks are had by then or given up, ms: a writer that waits for us while we wait for it must not wait for
 * `deadlock_timeout` (1 s by default), or the server may end the writer instead.
 */
const mostLockMs = 800;
/** A session of ours that we neither use nor end: the server ends it after so long, and what it has locked is free. */
const forgottenMs = 10_000;

/**
 * Both sides at exactly the same position while the stream flows. Writers of the sender wait while its tables are
 * locked, its snapshot is taken and a marker is written; the receiver stands at the marker while its snapshot is taken.
 * Everything that was committed before the lock comes before the marker, and the receiver applies in that order:
 * https://www.postgresql.org/docs/17/logical-replication.html
 *
 * @param keep is given the cut while the snapshots are there
 * @throws CUT_REFUSED when there was no such moment in time; SYSTEM_UNREACHABLE
 */
export async function exactCut<T>(
  sessions: Sessions,
  nodes: Readonly<Record<Side, string>>,
  pair: Pair,
  options: CutOptions,
  ctx: EffectContext,
  keep: (cut: ExactCut) => Promise<T>,
): Promise<T> {
  const { direction, maxWritePauseMs, timeoutMs } = options;
  const stream = streamName(direction);
  const at = (side: Side): Node => ({ cluster: pair[side], node: nodes[side] });
  const [sender, receiver] = [at(senderOf(direction)), at(receiverOf(direction))];
  const until = performance.now() + timeoutMs;

  const slot = await sessions.on(sender.cluster, sender.node, (client) => readSlot(client, stream));
  // A marker would never arrive, though a worker of the receiver goes on trying to connect.
  if (!slot)
    throw refused(
      options,
      `${sender.node} has no slot ${stream}, as after a failover, from which the stream could go on; roll back and begin anew`,
    );
  await sessions.on(receiver.cluster, receiver.node, ensureCutTrigger);
  const flows = await waitUntil(
    () => sessions.on(receiver.cluster, receiver.node, (client) => isApplying(client, stream)),
    { timeoutMs, pollMs: 20 },
    ctx,
  );
  if (!flows)
    throw refused(options, `the stream ${stream} does not flow: nothing is applied on ${receiver.node}`);
  const tables = await sessions.on(sender.cluster, sender.node, async (client) => {
    // Of cuts before, also of those that were given up.
    await client.query(`DELETE FROM ${markerTable} WHERE starts_with(name, $1)`, [markerPrefix]);
    return publishedTables(client, stream);
  });
  if (tables.length === 0) throw refused(options, `${stream} publishes no table on ${sender.node}`);

  let longestMs = 0;
  for (let tries = 0; ; tries++) {
    const mostMs = maxWritePauseMs / 4;
    const patienceMs = Math.min(mostMs, ordinaryMs * 2 ** tries);
    const writer = await waitForQuiet(
      (body) => sessions.on(sender.cluster, sender.node, body),
      tables,
      { patienceMs, mostMs, until },
      ctx,
    );
    if (writer) throw refused(options, describe(writer, sender.node));
    const attempt = await attemptCut(
      sessions,
      { sender, receiver },
      { tables, maxWritePauseMs, lockTimeoutMs: Math.max(ordinaryMs, patienceMs), until },
      ctx,
      (moment, stood, pauseMs) =>
        keep({
          tables,
          position: moment.position,
          exported:
            direction === 'forward'
              ? { source: moment, destination: stood }
              : { source: stood, destination: moment },
          writePauseMs: Math.max(longestMs, pauseMs),
          at: new Date().toISOString(),
        }),
    );
    if (attempt.kind === 'made') return attempt.value;
    longestMs = Math.max(longestMs, attempt.pauseMs);
    if (performance.now() >= until) throw refused(options, attempt.why);
    // Whoever was in the way, and whoever has waited for us, goes first.
    await delay(ordinaryMs + 5 * attempt.pauseMs * Math.random(), undefined, { signal: ctx.signal });
  }
}

/** So that markers of cuts are told from others'. */
const markerPrefix = 'cut/';

type Attempt<T> =
  | { readonly kind: 'made'; readonly value: T }
  | { readonly kind: 'given-up'; readonly why: string; readonly pauseMs: number };

async function attemptCut<T>(
  sessions: Sessions,
  { sender, receiver }: { sender: Node; receiver: Node },
  options: { tables: readonly string[]; maxWritePauseMs: number; lockTimeoutMs: number; until: number },
  ctx: EffectContext,
  keep: (moment: LockedMoment, stood: Exported, pauseMs: number) => Promise<T>,
): Promise<Attempt<T>> {
  const { tables, maxWritePauseMs, lockTimeoutMs, until } = options;
  const opened: OwnSession[] = [];
  const open = async (on: Node, bounds: Record<string, number>): Promise<OwnSession> => {
    const values = Object.fromEntries(
      Object.entries(bounds).map(([name, ms]) => [name, `${Math.ceil(ms)}ms`]),
    );
    const session = await openSession(sessions, on.cluster, on.node, values);
    opened.push(session);
    return session;
  };
  try {
    // What stays locked when our process stops answering ends with these bounds of the server.
    const lockBounds = {
      statement_timeout: Math.min(mostLockMs, maxWritePauseMs / 2),
      idle_in_transaction_session_timeout: maxWritePauseMs / 2,
      transaction_timeout: maxWritePauseMs,
    };
    const snapshotBounds = { idle_in_transaction_session_timeout: 0, transaction_timeout: 0 };
    const gate = await open(receiver, { idle_session_timeout: forgottenMs });
    const reader = await open(receiver, snapshotBounds);
    const exporter = await open(sender, snapshotBounds);
    const locker = await open(sender, lockBounds);
    // One name for each attempt: a marker of one that was given up holds up nobody.
    const marker = `${markerPrefix}${randomInt(2 ** 47).toString(36)}`;
    await closeGate(gate, marker);
    await beginSnapshot(exporter);

    const began = performance.now();
    const moment = await lockAndMark({ locker, exporter }, { tables, marker, lockTimeoutMs });
    const pauseMs = performance.now() - began;
    if (!moment) {
      return {
        kind: 'given-up',
        why: `its tables could not be locked within ${maxWritePauseMs} ms`,
        pauseMs,
      };
    }
    await flushLog(locker);
    const stood = await snapshotAtMarker({ gate, reader }, { marker, until }, ctx);
    if (!stood) {
      const why = `${receiver.node} has not come to the marker in time: it lags behind ${sender.node} or has stopped`;
      return { kind: 'given-up', why, pauseMs };
    }
    return { kind: 'made', value: await keep(moment, stood, pauseMs) };
  } finally {
    await Promise.all(opened.map((session) => session.end()));
  }
}

function refused({ name, timeoutMs }: CutOptions, why: string): RollgateError {
  return new RollgateError(
    'CUT_REFUSED',
    `no cut ${name} within ${timeoutMs} ms: ${why}`,
    'End what is in the way, wait for a quieter time or allow a longer write pause, then retry; nothing is locked now.',
  );
}

function describe({ pid, application, ageMs }: Writer, node: string): string {
  const who = pid === null ? application : `pid ${pid} (${application})`;
  return `${who} on ${node} has held a table for ${(ageMs / 1000).toFixed(1)} s, and every writer would wait for it`;
}
