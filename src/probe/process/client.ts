import type { Logger } from 'pino';
import { messageOf, type ProbeClient, type WriteOutcome } from '../../contracts/index.js';
import type { Journal } from '../journal/append.js';
import type { Saw } from '../journal/line.js';
import { pause } from './pause.js';

/** Of a read of a register, also what it saw. */
export type AttemptOutcome = WriteOutcome | { readonly kind: 'acknowledged'; readonly saw: Saw };

export interface ClientLoop {
  readonly name: string;
  readonly journal: Journal;
  readonly now: () => number;
  /** Pause after an acknowledgement, ms. */
  readonly interval: number;
  readonly timeout: number;
  readonly stop: AbortSignal;
  readonly log: Logger;
  readonly connect: () => ProbeClient;
  readonly attempt: (client: ProbeClient, seq: number) => Promise<AttemptOutcome>;
  readonly acknowledged: () => void;
}

/** While nothing is answered, the next attempt comes after 10 ms, then later, at most after 50 ms. */
const firstBackoff = 10;
const longestBackoff = 50;
/** What a client may take beyond its timeout before it counts as stuck and is replaced, ms. */
const grace = 1000;

/**
 * One client: the intent is in the journal before the request is sent, the outcome before the next one. Ends after
 * the attempt in progress when told to stop.
 */
export async function runClient(loop: ClientLoop): Promise<void> {
  const { journal, now, stop, log } = loop;
  let client = loop.connect();
  let backoff = 0;
  let waitingSince: number | undefined;
  while (!stop.aborted) {
    const sentAt = now();
    const seq = journal.intent(sentAt);
    const outcome = await withinTime(loop.attempt(client, seq), loop.timeout + grace);
    const at = now();
    if (outcome === 'stuck') {
      journal.outcome('unknown', seq, at);
      closeQuietly(client, loop);
      client = loop.connect();
    } else {
      journal.outcome(outcome.kind, seq, at, 'saw' in outcome ? outcome.saw : undefined);
    }
    if (outcome !== 'stuck' && outcome.kind === 'acknowledged') {
      loop.acknowledged();
      if (waitingSince !== undefined) {
        log.info({ client: loop.name, ms: Math.round(at - waitingSince) }, 'client goes on');
      }
      waitingSince = undefined;
      backoff = 0;
      await pause(loop.interval, stop);
    } else {
      if (waitingSince === undefined) {
        const reason =
          outcome === 'stuck' ? 'no answer from the client' : `${outcome.kind}: ${outcome.reason}`;
        log.warn({ client: loop.name, reason }, 'client waits');
      }
      waitingSince ??= sentAt;
      backoff = backoff === 0 ? firstBackoff : Math.min(backoff * 1.5, longestBackoff);
      await pause(backoff, stop);
    }
  }
  journal.end(now());
  closeQuietly(client, loop);
}

/** A client that throws has not said what became of its request. */
async function withinTime(attempt: Promise<AttemptOutcome>, ms: number): Promise<AttemptOutcome | 'stuck'> {
  const timer = new AbortController();
  const late = pause(ms, timer.signal).then(() => 'stuck' as const);
  try {
    return await Promise.race([attempt, late]);
  } catch (error) {
    return { kind: 'unknown', reason: messageOf(error) };
  } finally {
    timer.abort();
  }
}

function closeQuietly(client: ProbeClient, { log, name }: ClientLoop): void {
  client.close().catch((error: unknown) => {
    log.warn({ client: name, reason: messageOf(error) }, 'client did not close');
  });
}
