import {
  RollgateError,
  type Linearizability,
  type ProbeKey,
  type WriteLedger,
} from '../../contracts/index.js';
import type { Step } from '../journal/read.js';
import { historyOf, type History, type Journals } from '../linearizability/history.js';
import { createSessionClock } from '../linearizability/session-clock.js';
import { createBuckets } from './buckets.js';
import { createKeyTable, type KeyTable, type Tally } from './keys.js';
import { inOrder } from './merge.js';
import { createPauses, gapOf, type Span } from './pauses.js';

/** What the probe has left behind, and what the cluster holds. */
export interface ProbeRecord extends Journals {
  readonly runId: string;
  /** Session → the last moment at which it was seen alive, ms since 1970. */
  readonly seenAlive: ReadonlyMap<number, number>;
  /** When the probe was told to stop, or now: until then it should have been alive. ms since 1970. */
  readonly until: number;
  /** The probe goes on: the record is a prefix, and the cluster may hold later writes. */
  readonly running: boolean;
  /** Asked only after the journals have been read, so that it is later than every acknowledgement in them. */
  readonly readBack: () => AsyncIterable<ProbeKey>;
  /** Absent: the system's probe has no registers. */
  readonly history?: {
    readonly registers: number;
    readonly check: (history: History) => Promise<Linearizability>;
  };
}

/** Between two signs of life of a probe that is well less time passes than this, ms. */
const aliveTolerance = 500;

/**
 * The write ledger: every write of the record, compared with what the cluster holds.
 *
 * - acknowledged, absent → lost
 * - no answer (also: the probe died before it) → unknown, whether present or not
 * - refused, present → resurrected
 *
 * Of a system with registers, also whether the history of all writes and reads is linearizable.
 *
 * @throws PROBE_FAILED when the cluster holds keys that the record does not know: it is not complete then
 */
export async function computeLedger(record: ProbeRecord): Promise<WriteLedger> {
  const keys = createKeyTable(record.runId, record.writers.length);
  const view = createClientView(record);
  const clock = createSessionClock();
  await inOrder([...record.writers, record.reader], (client, step) => {
    if (client < record.writers.length && step.kind !== 'end') keys.record(client, step.seq, step.kind);
    view.see(client, step);
    clock.see(step);
  });
  view.endOfRecord();

  let foreign = 0;
  for await (const key of record.readBack()) {
    if (key.runId !== record.runId) continue;
    if (!keys.present(key)) foreign += 1;
  }
  if (foreign > 0 && !record.running) {
    throw new RollgateError(
      'PROBE_FAILED',
      `the cluster holds ${foreign} writes of run ${record.runId} that the journal of the probe does not: it is not complete`,
      'The host of the probe has probably lost the end of the journal; nothing can be said about lost writes.',
    );
  }
  const { history } = record;
  const linearizability =
    history && (await history.check(historyOf(record, history.registers, clock.timeOf)));
  const tally = keys.tally();
  return {
    ...tally,
    ...(tally.lost > 0 && { lostBetween: await lostBetween(record, keys) }),
    ...view.seen(),
    linearizability,
  };
}

/** Gone through once more: when every write was acknowledged is not kept, and seldom is one lost. */
async function lostBetween(
  { writers }: ProbeRecord,
  keys: KeyTable,
): Promise<NonNullable<WriteLedger['lostBetween']>> {
  let [from, to] = [Infinity, -Infinity];
  for (const [writer, batches] of writers.entries()) {
    for await (const batch of batches) {
      for (const step of batch) {
        if (step.kind !== 'acknowledged' || !keys.isLost(writer, step.seq)) continue;
        from = Math.min(from, step.at);
        to = Math.max(to, step.at);
      }
    }
  }
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
}

/** What the clients saw: pauses, waits and seconds, session by session. */
function createClientView({ writers, seenAlive, until, running }: ProbeRecord) {
  const writes = createPauses();
  const reading = createPauses();
  const buckets = createBuckets();
  const waiting: (number | undefined)[] = writers.map(() => undefined);
  const observed: Span[] = [];
  let longestWait: (Span & { client: number }) | undefined;
  let reads = 0;
  let session = 0;
  let first: number | undefined;
  let last = 0;
  let stopping = false;

  const waited = (client: number, to: number): void => {
    const from = waiting[client];
    waiting[client] = undefined;
    if (from === undefined) return;
    if (!longestWait || to - from > longestWait.to - longestWait.from) longestWait = { client, from, to };
  };

  const stop = (at: number): void => {
    if (stopping) return;
    stopping = true;
    const ms = writes.over(at);
    if (ms > 0) buckets.paused(at, ms);
    reading.over(at);
  };

  const endSession = (): void => {
    if (first === undefined) return;
    const to = Math.max(last, seenAlive.get(session) ?? 0);
    stop(to);
    writers.forEach((_, client) => waited(client, to));
    observed.push({ from: first, to });
    buckets.observed({ from: first, to });
  };

  const beginSession = (step: Step): void => {
    endSession();
    session = step.session;
    first = step.at;
    last = step.at;
    stopping = false;
  };

  const seeWriter = (client: number, step: Step): void => {
    switch (step.kind) {
      case 'intent':
        waiting[client] ??= step.at;
        if (!stopping) writes.attempted(step.at);
        break;
      case 'acknowledged':
        buckets.acknowledged(step.at);
        buckets.paused(step.at, writes.acknowledged(step.at));
        waited(client, step.at);
        break;
      case 'refused':
      case 'unknown':
        buckets.failed(step.at);
        break;
      case 'end':
        // Clients that were told to stop do not pause because of the cluster; the others end their last attempt.
        stop(step.at);
    }
  };

  const seeReader = (step: Step): void => {
    if (step.kind === 'intent' && !stopping) reading.attempted(step.at);
    if (step.kind === 'end') stop(step.at);
    if (step.kind !== 'acknowledged') return;
    reads += 1;
    reading.acknowledged(step.at);
  };

  const unobserved = (): Span[] => {
    const between = observed
      .slice(1)
      .map((next, i) => ({ from: observed[i]?.to ?? next.from, to: next.from }));
    const end = observed.at(-1)?.to;
    if (end !== undefined && !running && until - end > aliveTolerance) between.push({ from: end, to: until });
    return between.filter((span) => span.to > span.from);
  };

  return {
    see(client: number, step: Step): void {
      if (step.session !== session) beginSession(step);
      last = Math.max(last, step.at);
      if (client < writers.length) seeWriter(client, step);
      else seeReader(step);
    },
    endOfRecord: endSession,
    seen: (): Omit<WriteLedger, keyof Tally | 'lostBetween'> => ({
      writeGaps: writes.longest.map(gapOf),
      readGaps: reading.longest.map(gapOf),
      longestWait: longestWait && { ...gapOf(longestWait), client: `writer-${longestWait.client}` },
      reads,
      writers: writers.length,
      startedAt: new Date(observed[0]?.from ?? until).toISOString(),
      endedAt: new Date(observed.at(-1)?.to ?? until).toISOString(),
      unobserved: unobserved().map(gapOf),
      buckets: buckets.list(),
    }),
  };
}
