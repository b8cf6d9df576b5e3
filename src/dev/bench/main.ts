import { RollgateError } from '../../contracts/index.js';
import { benchMigration } from './migration/bench.js';
import { benchUpgrade } from './upgrade.js';

/**
 * `npm run bench` measures a handover and a roll of PostgreSQL against a plain script; `npm run bench -- migration` a
 * storage migration against plain COPY, plain scans and data-diff.
 */
const benches: Readonly<Record<string, (signal: AbortSignal) => Promise<void>>> = {
  upgrade: benchUpgrade,
  migration: benchMigration,
};

const words = process.argv.slice(2);
const chosen = benches[words[0] ?? 'upgrade'];
if (!chosen || words.length > 1) {
  console.error(`there is no bench "${words.join(' ')}"; there are: ${Object.keys(benches).join(', ')}`);
  process.exitCode = 2;
} else {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => interrupt.abort(new Error(`interrupted by ${signal}`)));
  }
  try {
    await chosen(interrupt.signal);
  } catch (error) {
    process.exitCode = 1;
    if (interrupt.signal.aborted) console.error('interrupted; everything is cleared away');
    else if (error instanceof RollgateError) {
      console.error(`error ${error.code}: ${error.message}\n  remedy: ${error.remedy}`);
    } else throw error;
  }
}
