import type { TestProject } from 'vitest/node';
import { etcdVersions, prepareEtcd, prepareGoTool } from '../../src/dev/etcd/binaries.js';
import { preparePostgres, sampleVersions } from '../../src/dev/postgres/binaries.js';
import { startTemporal } from '../../src/dev/temporal.js';
import { connectTemporal } from '../../src/worker/connection.js';
import { registerSearchAttributes } from '../../src/worker/search-attributes.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** `host:port` of the Temporal server of this test run. */
    temporalAddress: string;
  }
}

/**
 * One Temporal server for the whole run, and the programs that tests use made ready once, so that no test's time
 * limit has to allow for either. Tests find the address in `ROLLGATE_TEST_TEMPORAL` or by
 * `inject('temporalAddress')`.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const onProgress = (line: string): void => console.error(line);
  for (const version of sampleVersions) await preparePostgres(version);
  for (const version of etcdVersions) await prepareEtcd(version, onProgress);
  for (const tool of ['linearizability', 'certificates']) await prepareGoTool(tool, onProgress);
  const temporal = await startTemporal({ onProgress });
  process.env['ROLLGATE_TEST_TEMPORAL'] = temporal.address;
  process.env['TEMPORAL_ADDRESS'] = temporal.address;
  const { connection, namespace } = await connectTemporal();
  await registerSearchAttributes(connection, namespace);
  await connection.close();
  project.provide('temporalAddress', temporal.address);
  return () => temporal.stop();
}
