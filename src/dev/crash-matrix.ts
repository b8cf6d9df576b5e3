import { parseArgs } from 'node:util';
import { registerSearchAttributes } from '../worker/search-attributes.js';
import { connectTemporal } from '../worker/connection.js';
import { crashScenarios, everyBoundary } from './scenario/crash/index.js';
import { startTemporal } from './temporal.js';

/**
 * One kill a run, for every boundary of every changing activity in every scenario; prints the table.
 * `--scenario forward` runs one scenario, `--only fencePrimary` the boundaries of one activity.
 */
const { values } = parseArgs({ options: { scenario: { type: 'string' }, only: { type: 'string' } } });
const temporal = await startTemporal({ onProgress: (line) => console.error(line) });
process.env.TEMPORAL_ADDRESS = temporal.address;
let failed = 0;
let passed = 0;
try {
  const { connection, namespace } = await connectTemporal();
  await registerSearchAttributes(connection, namespace);
  await connection.close();
  console.log(
    `${'scenario'.padEnd(16)}${'killed'.padEnd(32)}${'outcome'.padEnd(13)}${'acknowledged'.padEnd(14)}lost  gap ms  verdict`,
  );
  for (const [name, crash] of Object.entries(crashScenarios)) {
    if (values.scenario !== undefined && values.scenario !== name) continue;
    for (const fault of everyBoundary(crash.activities)) {
      if (values.only !== undefined && values.only !== fault.activity) continue;
      const objections: string[] = [];
      try {
        const { result, objections: seen } = await crash.run([fault]);
        const { state, fired } = result;
        objections.push(...seen);
        if (fired.length !== 1) objections.push('the fault did not fire');
        const { acknowledged, lost, writeGaps } = state.writes ?? {};
        console.log(
          `${name.padEnd(16)}${`${fault.at} ${fault.activity}`.padEnd(32)}${state.run.outcome.padEnd(13)}${String(acknowledged ?? '?').padEnd(14)}${String(lost ?? '?').padEnd(6)}${String(writeGaps?.[0]?.ms ?? '?').padEnd(8)}${objections.join('; ') || 'as without a kill'}`,
        );
      } catch (error) {
        objections.push(error instanceof Error ? error.message : String(error));
        console.log(
          `${name.padEnd(16)}${`${fault.at} ${fault.activity}`.padEnd(32)}${objections.join('; ')}`,
        );
      }
      if (objections.length > 0) failed++;
      else passed++;
    }
  }
} finally {
  await temporal.stop();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
