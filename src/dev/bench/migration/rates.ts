import type { Validation } from '../../../contracts/index.js';
import { activitySpan } from './activity-span.js';
import type { DataDiff } from './data-diff.js';
import { locateOne } from './locate-one.js';
import { plainCopy, plainHash } from './plain-work.js';
import { startRun, type BenchRun } from './run.js';
import { session } from './session.js';
import type { BenchPair, BenchStage } from './stage.js';

/** What the spec has where nothing is written. */
const copyStreams = 3;
const validationStreams = 2;

/** Each figure of rows a second; those at the same place of a pair of lists were taken one after the other. */
export interface Rates {
  readonly copy: { readonly plain: number[]; readonly ours: number[] };
  readonly validation: { readonly plain: number[]; readonly ours: number[] };
  /** One row that differs is found, ms. */
  readonly locateMs: number[];
  readonly dataDiff: { readonly rates: number[]; readonly leftOut?: string };
}

/** Rounds without writers: a real run up to its cutover, taken back, and plain code for the same work in between. */
export async function measureRates(
  stage: BenchStage,
  pair: BenchPair,
  rows: number,
  rounds: number,
  rival: DataDiff | { readonly leftOut: string },
): Promise<Rates> {
  const { say, signal, client, workflows } = stage;
  const rates = {
    copy: { plain: [] as number[], ours: [] as number[] },
    validation: { plain: [] as number[], ours: [] as number[] },
    locateMs: [] as number[],
    dataDiff: { rates: [] as number[], ...('leftOut' in rival ? { leftOut: rival.leftOut } : {}) },
  };
  const plainly = async (): Promise<void> => {
    await settle(pair, signal);
    rates.copy.plain.push((1000 * rows) / (await plainCopy(pair.sides, copyStreams, signal)));
  };
  const ours = async (): Promise<BenchRun> => {
    await settle(pair, signal);
    const run = await startRun(stage, pair, { probe: { enabled: false } });
    await run.untilWaiting();
    const ms = await activitySpan(workflows, run.handle.workflowId, 'copyRanges');
    rates.copy.ours.push((1000 * rows) / ms);
    return run;
  };
  for (let round = 1; round <= rounds; round++) {
    if (round % 2 === 1) await plainly();
    const run = await ours();
    for (const order of [['plain', 'ours'] as const, ['ours', 'plain'] as const]) {
      for (const which of order) {
        const ms =
          which === 'plain'
            ? await plainHash(pair.sides, validationStreams, signal)
            : lasted(await client.validate(pair.cluster.name), rows);
        rates.validation[which].push((1000 * rows) / ms);
      }
    }
    if ('compare' in rival && round <= 3) {
      const ms = await rival.compare(pair.sides, validationStreams, signal);
      rates.dataDiff.rates.push((1000 * rival.rows(rows)) / ms);
    }
    rates.locateMs.push(await locateOne(stage, pair));
    await run.discard();
    if (round % 2 === 0) await plainly();
    say(
      `round ${round}: ${JSON.stringify(rates, (_, v: unknown) => (typeof v === 'number' ? Math.round(v) : v))}`,
    );
  }
  return rates;
}

/** What was written before must not be flushed while the next thing is measured. */
async function settle({ sides }: BenchPair, signal: AbortSignal): Promise<void> {
  for (const side of [sides.source, sides.destination]) {
    await session(side, signal, (client) => client.query('CHECKPOINT'));
  }
}

function lasted(found: Validation, rows: number): number {
  if (found.mismatches > 0) throw new Error(`${found.mismatches} rows differ`);
  if (found.rows < rows) throw new Error(`only ${found.rows} rows were compared`);
  return Date.parse(found.endedAt) - Date.parse(found.startedAt);
}
