/** How much is measured; each can be made smaller for a short try. */
export interface BenchSettings {
  /** Of the smaller data set, about 0.2 GB; the larger one has ten times as many. */
  readonly rows: number;
  /** Whole copies, each against a plain one. */
  readonly rounds: number;
  /** Cuts under write load. */
  readonly cuts: number;
  /** Cutovers, each with its cut-back. */
  readonly switches: number;
}

const defaults: BenchSettings = { rows: 1_250_000, rounds: 5, cuts: 20, switches: 10 };

/** `ROLLGATE_BENCH_ROWS`, `_ROUNDS`, `_CUTS` and `_SWITCHES`. @throws Error for what is no whole number above 0 */
export function benchSettings(env: Readonly<Record<string, string | undefined>>): BenchSettings {
  const read = (name: keyof BenchSettings): number => {
    const variable = `ROLLGATE_BENCH_${name.toUpperCase()}`;
    const given = env[variable];
    if (given === undefined || given === '') return defaults[name];
    const value = Number(given);
    if (Number.isSafeInteger(value) && value > 0) return value;
    throw new Error(`${variable} is "${given}"; it takes a whole number above 0`);
  };
  return { rows: read('rows'), rounds: read('rounds'), cuts: read('cuts'), switches: read('switches') };
}
