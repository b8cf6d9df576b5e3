import { median, pauses, rate } from '../figures.js';
import { installDataDiff } from './data-diff.js';
import { intervalMs, measurePauses, writers, type Pauses } from './pauses.js';
import { measureRates, type Rates } from './rates.js';
import { benchSettings } from './settings.js';
import { onBenchStage, type BenchPair, type BenchStage } from './stage.js';

/**
 * A storage migration of PostgreSQL 17.10 to 18.4 against plain code for the same work, in turns, and the pauses of its
 * writers; each ratio is one within this run. The environment sets how much: {@link benchSettings}.
 */
export async function benchMigration(signal: AbortSignal): Promise<void> {
  const { rows, rounds, cuts, switches } = benchSettings(process.env);
  await onBenchStage(signal, async (stage) => {
    const rival = await installDataDiff(stage.work, stage.say, signal);
    stage.say(`makes ${rows} rows`);
    const small = await stage.withPair('small', rows, async (pair) => {
      const rates = await measureRates(stage, pair, rows, rounds, rival);
      printRates(rates, `${sizeOf(pair)}, ${rows} rows`);
      return { size: sizeOf(pair), ...(await measurePauses(stage, pair, { cuts, switches })) };
    });
    printCuts(small, small.size);
    printSwitches(small, small.size);
    const large = await pausesOf(stage, 10 * rows, switches);
    printSwitches(large, large.size);
    const ratio = (of: (p: Pauses) => readonly number[]): string =>
      (median(of(large)) / median(of(small))).toFixed(2);
    console.log(
      `  ${large.size} to ${small.size}: cutover ratio ${ratio((p) => p.cutovers)}, cut-back ratio ${ratio((p) => p.cutBacks)}`,
    );
    console.log(`${small.acknowledged + large.acknowledged} writes acknowledged, 0 lost`);
  });
}

async function pausesOf(
  stage: BenchStage,
  rows: number,
  switches: number,
): Promise<Pauses & { size: string }> {
  stage.say(`makes ${rows} rows`);
  return stage.withPair('large', rows, async (pair) => ({
    size: sizeOf(pair),
    ...(await measurePauses(stage, pair, { cuts: 0, switches })),
  }));
}

const sizeOf = ({ bytes }: BenchPair): string => `${(bytes / 1e9).toFixed(2)} GB`;

function printRates({ copy, validation, locateMs, dataDiff }: Rates, size: string): void {
  console.log(`median of ${copy.ours.length} rounds, ${size}, nobody writes`);
  const against = (what: string, { plain, ours }: Rates['copy']): void =>
    console.log(
      `  ${what}   plain ${rate(median(plain))}   rollgate ${rate(median(ours))}   ratio ${median(ours.map((rate, i) => rate / (plain[i] ?? Number.NaN))).toFixed(2)}`,
    );
  against('copy, three streams                   ', copy);
  against('comparison, two sessions of each side ', validation);
  // Of every round two comparisons of ours and one of theirs.
  const times = dataDiff.rates.map((theirs, i) => median(validation.ours.slice(2 * i, 2 * i + 2)) / theirs);
  console.log(
    dataDiff.leftOut === undefined
      ? `  comparison by data-diff, two threads      data-diff ${rate(median(dataDiff.rates))}   ratio ${median(times).toFixed(1)}`
      : `  comparison by data-diff: LEFT OUT, ${dataDiff.leftOut}`,
  );
  console.log(`  one row that differs is found in the largest table   ${pauses(locateMs)}`);
}

function printCuts({ cuts, gapsAtCuts }: Pauses, size: string): void {
  console.log(`${writers} writers with a pause of ${intervalMs} ms, ${size}`);
  console.log(`  write pause of a cut             ${pauses(cuts)}`);
  console.log(`  the same as the writers saw it   ${pauses(gapsAtCuts)}`);
}

function printSwitches({ cutovers, cutBacks, told }: Pauses, size: string): void {
  console.log(`${writers} writers with a pause of ${intervalMs} ms, ${size}`);
  console.log(`  write gap of a cutover    ${pauses(cutovers)}`);
  console.log(`  write gap of a cut-back   ${pauses(cutBacks)}`);
  console.log(`  both as the run tells it  ${pauses(told)}`);
}
