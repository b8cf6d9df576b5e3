import type { Gap, ProbeBucket, ProbeKey, WriteLedger } from '../contracts/index.js';
import type { JournalLine } from './journal.js';

/** What is known of one sequence number of one writer. */
const none = 0;
const unknownOutcome = 1;
const acknowledged = 2;
const refused = 3;
const present = 8;

const maxLostKeys = 100;
const maxGaps = 20;
const maxBuckets = 1000;

interface Alive {
  readonly from: number;
  to: number;
}

/**
 * Compare the journals with what the cluster holds. Pure but for the stream of keys. Takes about 1 byte a write
 * for the comparison and 8 for the gaps: ten million writes are 90 MB.
 */
export async function computeLedger(input: {
  /** By writer, from 0. */
  readonly writers: readonly (readonly JournalLine[])[];
  readonly reader: readonly JournalLine[];
  readonly keys: AsyncIterable<ProbeKey>;
}): Promise<WriteLedger> {
  const states = input.writers.map(statesOf);
  for await (const { writer, seq } of input.keys) {
    const state = states[writer];
    if (state && seq < state.length) state[seq] = (state[seq] ?? none) | present;
  }
  const counts = { acknowledged: 0, lost: 0, unknown: 0, resurrected: 0 };
  const lostKeys: string[] = [];
  states.forEach((state, writer) => {
    state.forEach((value, seq) => {
      const there = (value & present) !== 0;
      const outcome = value & ~present;
      if (outcome === unknownOutcome) counts.unknown++;
      if (outcome === refused && there) counts.resurrected++;
      if (outcome !== acknowledged) return;
      counts.acknowledged++;
      if (there) return;
      counts.lost++;
      if (lostKeys.length < maxLostKeys) lostKeys.push(`${writer}/${seq}`);
    });
  });
  const alive = lifetimes(input.writers);
  const writes = times(input.writers, 'a');
  const reads = times([input.reader], 'a');
  const failures = [...times(input.writers, 'r'), ...times(input.writers, 'u')];
  return {
    ...counts,
    lostKeys,
    writeGaps: gaps(writes, alive),
    readGaps: gaps(reads, alive),
    longestWait: longestWait(input.writers),
    reads: reads.length,
    writers: input.writers.length,
    startedAt: iso(alive[0]?.from ?? 0),
    endedAt: iso(alive.at(-1)?.to ?? 0),
    buckets: buckets(writes, failures, alive),
  };
}

function statesOf(lines: readonly JournalLine[]): Uint8Array {
  const highest = lines.reduce((max, { seq }) => Math.max(max, seq), 0);
  const state = new Uint8Array(highest + 1);
  for (const { event, seq } of lines) {
    if (event === 's' || event === 'u') state[seq] = unknownOutcome;
    if (event === 'a') state[seq] = acknowledged;
    if (event === 'r') state[seq] = refused;
  }
  return state;
}

function times(journals: readonly (readonly JournalLine[])[], event: JournalLine['event']): number[] {
  return journals
    .flatMap((lines) => lines.filter((l) => l.event === event).map((l) => l.at))
    .sort((a, b) => a - b);
}

/** When the probe was there to see: what fell between two of its processes is not a gap, it is not known. */
function lifetimes(journals: readonly (readonly JournalLine[])[]): Alive[] {
  const begins = (journals[0] ?? []).filter((l) => l.event === 'b').map((l) => l.at);
  const all = journals.flatMap((lines) => lines.map((l) => l.at)).sort((a, b) => a - b);
  return begins.map((from, i) => {
    const next = begins[i + 1] ?? Number.POSITIVE_INFINITY;
    const mine = all.filter((at) => at >= from && at < next);
    return { from, to: mine.at(-1) ?? from };
  });
}

/** The longest pauses, also the one that had not ended when the probe did. */
function gaps(at: readonly number[], alive: readonly Alive[]): Gap[] {
  const found: { from: number; to: number }[] = [];
  for (const life of alive) {
    const mine = at.filter((t) => t >= life.from && t <= life.to);
    let before = mine[0] ?? life.from;
    for (const t of [...mine.slice(1), life.to]) {
      found.push({ from: before, to: t });
      before = t;
    }
  }
  return found
    .sort((a, b) => b.to - b.from - (a.to - a.from))
    .slice(0, maxGaps)
    .map(({ from, to }) => gap(from, to));
}

const gap = (from: number, to: number): Gap => ({ ms: Math.round(to - from), from: iso(from), to: iso(to) });

/** From the first attempt that was not acknowledged (or its own start) to the acknowledgement. */
function longestWait(journals: readonly (readonly JournalLine[])[]): WriteLedger['longestWait'] {
  let longest: { from: number; to: number; writer: number } | undefined;
  journals.forEach((lines, writer) => {
    let since: number | undefined;
    for (const { event, at } of lines) {
      if (event === 'b') since = undefined;
      if (event === 's') since ??= at;
      if (event !== 'a' || since === undefined) continue;
      if (!longest || at - since > longest.to - longest.from) longest = { from: since, to: at, writer };
      since = undefined;
    }
  });
  if (!longest) return undefined;
  return { ...gap(longest.from, longest.to), client: `writer ${longest.writer}` };
}

function buckets(
  writes: readonly number[],
  failures: readonly number[],
  alive: readonly Alive[],
): ProbeBucket[] {
  const [first, last] = [alive[0]?.from, alive.at(-1)?.to];
  if (first === undefined || last === undefined) return [];
  const width = Math.max(1000, Math.ceil((last - first) / maxBuckets / 1000) * 1000);
  const found = Array.from({ length: Math.floor((last - first) / width) + 1 }, (_, i) => ({
    at: iso(first + i * width),
    acknowledged: 0,
    failed: 0,
    longestGapMs: 0,
  }));
  const of = (at: number) => found[Math.floor((at - first) / width)];
  writes.forEach((at, i) => {
    const bucket = of(at);
    if (!bucket) return;
    bucket.acknowledged++;
    const before = writes[i - 1];
    const whole = before !== undefined && alive.some((a) => before >= a.from && at <= a.to);
    if (whole) bucket.longestGapMs = Math.max(bucket.longestGapMs, Math.round(at - before));
  });
  for (const at of failures) {
    const bucket = of(at);
    if (bucket) bucket.failed++;
  }
  return found;
}

const iso = (ms: number): string => new Date(ms).toISOString();
