import { PipelineSpec, RollingUpgradeSpec, StorageMigrationSpec } from '../../contracts/spec.js';
import { makeMigrationSample, type MigrationSample } from './migration.js';
import { runOn, type ScenarioResult, type ScenarioSteps } from './run.js';

export interface PipelineScenario extends ScenarioSteps<MigrationSample> {
  /** Fields of the Pipeline, the RollingUpgrade and the StorageMigration, as a user writes them. */
  readonly pipeline?: Record<string, unknown>;
  readonly upgrade?: Record<string, unknown>;
  readonly migration?: Record<string, unknown>;
}

/** A real PostgreSQL 17.5 of three nodes, rolled to 17.10 and then migrated to an 18.4, as one run. */
export const runPipelineScenario = (scenario: PipelineScenario): Promise<ScenarioResult> => {
  let made: MigrationSample | undefined;
  return runOn<MigrationSample>(
    {
      make: async (where) => {
        made = await makeMigrationSample({ ...where, version: '17.5', nodes: 3 }, 2000);
        return made;
      },
      start: (client, cluster) => {
        if (!made) throw new Error('the sample was not made');
        const { destination } = made;
        const common = { onFailure: 'rollback', probe: { writers: 4, interval: '10ms' } };
        const upgrade = RollingUpgradeSpec.parse({
          ...{ name: 'to-17.10', cluster: cluster.name, to: '17.10', soak: '300ms', ...common },
          ...scenario.upgrade,
        });
        const migration = StorageMigrationSpec.parse({
          ...{ name: 'to-18', source: cluster.name, destination: destination.name, ...common },
          cutover: { approval: false },
          observe: { for: '1s', acceptance: false },
          ...scenario.migration,
        });
        return client.startPipeline({
          cluster,
          stages: [
            { cluster, upgrade },
            { cluster, destination, migration },
          ],
          pipeline: PipelineSpec.parse({
            ...{ name: 'by-way-of-17.10', cluster: cluster.name, stages: ['to-17.10', 'to-18'] },
            ...scenario.pipeline,
          }),
        });
      },
    },
    scenario,
  );
};
