import { rm } from 'node:fs/promises';
import { Client } from 'pg';
import type { ClusterSpec } from '../../contracts/index.js';
import { StorageMigrationSpec } from '../../contracts/spec.js';
import { samplePgDump } from '../postgres/pg-dump.js';
import { createSamplePair, type SamplePair, type SamplePairOptions } from '../postgres/sample-pair.js';
import { shop } from '../postgres/shop.js';
import { runOn, type Sample, type ScenarioResult, type ScenarioSteps } from './run.js';

export interface MigrationSample extends Sample {
  readonly pair: SamplePair;
  readonly destination: ClusterSpec;
}

export interface MigrationScenario extends ScenarioSteps<MigrationSample> {
  readonly sample?: SamplePairOptions;
  /** Fields of the StorageMigration, as a user writes them. */
  readonly migration?: Record<string, unknown>;
  /** Rows of the largest table of the sample's shop; default 2000. */
  readonly rows?: number;
  /** What the run is given in place of each side, e.g. the same one behind other addresses. */
  readonly given?: (cluster: ClusterSpec) => Promise<ClusterSpec>;
}

/** A real PostgreSQL 17.10 with a shop in it, and an empty 18.4: the storage migration from one to the other. */
export const runMigrationScenario = (scenario: MigrationScenario): Promise<ScenarioResult> => {
  let made: MigrationSample | undefined;
  return runOn<MigrationSample>(
    {
      make: async (where) => {
        const sample = await makeMigrationSample({ ...where, ...scenario.sample }, scenario.rows ?? 2000);
        const given = scenario.given ?? ((cluster) => Promise.resolve(cluster));
        made = {
          ...sample,
          cluster: await given(sample.cluster),
          destination: await given(sample.destination),
        };
        return made;
      },
      start: (client, cluster) => {
        if (!made) throw new Error('the sample was not made');
        const { destination } = made;
        return client.startMigration({
          cluster,
          destination,
          migration: StorageMigrationSpec.parse({
            name: 'm',
            source: cluster.name,
            destination: destination.name,
            onFailure: 'wait',
            cutover: { approval: false },
            observe: { for: '1s', acceptance: false },
            probe: { writers: 4, interval: '10ms' },
            ...scenario.migration,
          }),
        });
      },
    },
    scenario,
  );
};

export async function makeMigrationSample(
  options: SamplePairOptions & { readonly directory: string },
  rows: number,
): Promise<MigrationSample> {
  const pair = await createSamplePair(options);
  try {
    const pgDump = await samplePgDump();
    const withTool = (cluster: ClusterSpec): ClusterSpec => ({
      ...cluster,
      settings: { ...cluster.settings, pgDump },
    });
    const [first] = pair.source.cluster.nodes;
    if (first) {
      const client = new Client(pair.source.connection(first.id));
      await client.connect();
      try {
        await client.query(shop(rows));
      } finally {
        await client.end();
      }
    }
    return {
      directory: options.directory,
      cluster: withTool(pair.source.cluster),
      destination: withTool(pair.destination.cluster),
      pair,
      destroy: async () => {
        await pair.destroy();
        await rm(options.directory, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await pair.destroy();
    throw error;
  }
}
