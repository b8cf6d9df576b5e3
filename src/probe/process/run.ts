import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { pino, type Logger } from 'pino';
import {
  messageOf,
  RollgateError,
  type DataSystem,
  type ProbeFacet,
  type ProbeKey,
  type SecretResolver,
} from '../../contracts/index.js';
import { readConfig, type ProbeConfig } from '../config.js';
import { openJournal, type Journal } from '../journal/append.js';
import type { Saw } from '../journal/line.js';
import { probeLayoutAt, type ProbeLayout } from '../layout.js';
import { beatEvery, openBeat, readBeat, type Stage } from './beat.js';
import { runClient, type AttemptOutcome, type ClientLoop } from './client.js';
import { anchoredClock } from './clock.js';
import { claimSession } from './sessions.js';

export interface ProbeProcess {
  /** Path of the `config.json` that the runner wrote. */
  readonly config: string;
  readonly system: (name: string) => Pick<DataSystem, 'probe'>;
  readonly secrets: Pick<SecretResolver, 'redact'>;
  /** Told to stop by a signal. */
  readonly stop: AbortSignal;
}

/** How long the clients may take to close after their journals are complete, ms. */
const closingGrace = 100;

/**
 * The probe's process: writers and one reader, until it is told to stop (by the signal or the stop file), its
 * lease runs out, or its directory is removed.
 * @returns the exit code
 */
export async function runProbe({ config: path, system, secrets, stop }: ProbeProcess): Promise<number> {
  const layout = probeLayoutAt(dirname(path));
  const log = pino(
    { name: 'rollgate-probe', hooks: { streamWrite: (line) => secrets.redact(line) } },
    pino.destination({ dest: 2, sync: true }),
  );
  try {
    const config = await readConfig(layout);
    const { probe } = system(config.cluster.system);
    if (!probe) throw new Error(`the system ${config.cluster.system} has no probe`);
    const session = await claimSession(layout, config.timeout);
    if (session === undefined) {
      log.info('another process holds the journals of this run');
      return 0;
    }
    await refuseLostJournals(layout, session, config.writers);
    await runSession({ layout, config, probe, session, stop, log });
    return 0;
  } catch (error) {
    log.fatal({ reason: messageOf(error) }, 'probe failed');
    return 1;
  }
}

interface SessionRun {
  readonly layout: ProbeLayout;
  readonly config: ProbeConfig;
  readonly probe: ProbeFacet;
  readonly session: number;
  readonly stop: AbortSignal;
  readonly log: Logger;
}

async function runSession({ layout, config, probe, session, stop, log }: SessionRun): Promise<void> {
  const { runId, cluster, also, writers, interval, timeout } = config;
  const now = anchoredClock();
  const journals: Journal[] = [];
  const open = (path: string): Journal => {
    const journal = openJournal(path, session, now());
    journals.push(journal);
    return journal;
  };
  const writing = Array.from({ length: writers }, (_, writer) => open(layout.writer(writer)));
  const reading = open(layout.reader);

  let stage: Stage = 'opens';
  const beat = openBeat(layout, session);
  beat.write(stage, now());
  const over = new AbortController();
  const end = (why: string): void => {
    if (!over.signal.aborted) log.info({ why }, 'probe stops');
    over.abort();
  };
  const timer = setInterval(() => {
    beat.write(stage, now());
    const why = reasonToStop(layout);
    if (why !== undefined) end(why);
  }, beatEvery);
  const stopped = (): void => end('told to');
  stop.addEventListener('abort', stopped, { once: true });
  const early = stop.aborted ? 'told to' : reasonToStop(layout);
  if (early !== undefined) end(early);
  log.info({ session, pid: process.pid, writers, interval }, 'probe writes');

  const client = (name: string, journal: Journal): Omit<ClientLoop, 'attempt' | 'acknowledged'> => ({
    name,
    journal,
    now,
    interval,
    timeout,
    log,
    stop: over.signal,
    connect: () => probe.connect(cluster, { name: `probe ${name}`, also }),
  });
  const loops = writing.map((journal, writer) =>
    runClient({
      ...client(`writer-${writer}`, journal),
      attempt: (writes, seq) => writes.write({ runId, writer, seq }, timeout),
      acknowledged: () => {
        if (stage !== 'opens') return;
        stage = 'works';
        beat.write(stage, now());
      },
    }),
  );
  loops.push(
    runClient({
      ...client('reader', reading),
      attempt: async (reads, seq): Promise<AttemptOutcome> => {
        const registers = probe.registers;
        if (registers === undefined) {
          await reads.read(timeout, 0);
          return { kind: 'acknowledged' };
        }
        const seen = await reads.read(timeout, seq % registers);
        return { kind: 'acknowledged', saw: sawOf(seen, runId) };
      },
      acknowledged: () => undefined,
    }),
  );
  // When one client cannot go on (its journal cannot be written), the others end in order.
  for (const loop of loops) loop.catch((error: unknown) => end(messageOf(error)));
  const results = await Promise.allSettled(loops);
  clearInterval(timer);
  stop.removeEventListener('abort', stopped);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  beat.write('ended', now());
  beat.close();
  for (const journal of journals) journal.close();
  log.info('probe has stopped');
  await new Promise((resolve) => setTimeout(resolve, closingGrace));
}

/** What another run has left in a register was there before this one began. */
const sawOf = (seen: ProbeKey | undefined, runId: string): Saw =>
  seen?.runId === runId ? `${seen.writer}:${seen.seq}` : '-';

function reasonToStop(layout: ProbeLayout): string | undefined {
  if (existsSync(layout.stop)) return 'the stop file';
  try {
    // The lease goes with the directory; whoever removes either wants no probe.
    return Number(readFileSync(layout.lease, 'utf8')) > Date.now() ? undefined : 'the lease is over';
  } catch (error) {
    return `the lease cannot be read: ${messageOf(error)}`;
  }
}

/** Numbers must not start again at 1: keys of the earlier sessions are in the cluster. */
async function refuseLostJournals(layout: ProbeLayout, session: number, writers: number): Promise<void> {
  const journals = Array.from({ length: writers }, (_, writer) => layout.writer(writer));
  const absent = journals.filter((path) => !existsSync(path));
  if (absent.length === 0) return;
  for (let earlier = 1; earlier < session; earlier++) {
    if (!(await readBeat(layout, earlier))) continue;
    throw new RollgateError(
      'PROBE_FAILED',
      `session ${earlier} of the probe wrote journals, and ${absent.join(', ')} is not there any more`,
      'The writes of this run cannot be accounted for any more; start another run.',
    );
  }
}
