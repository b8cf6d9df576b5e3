import {
  ClusterFormationSpec,
  formationStages,
  PipelineSpec,
  RollingUpgradeSpec,
} from '../../contracts/spec.js';
import { prepareGoTool } from '../etcd/binaries.js';
import { createEtcdSampleCluster, type EtcdSampleClusterOptions } from '../etcd/cluster.js';
import type { EtcdSampleCluster } from '../etcd/sample-cluster.js';
import { runOn, type ScenarioResult, type ScenarioSteps, type Stage } from './run.js';

export interface EtcdScenario extends ScenarioSteps<EtcdSampleCluster> {
  readonly sample?: EtcdSampleClusterOptions;
  /** Fields of the RollingUpgrade, as a user writes them; with `formation` unused. */
  readonly upgrade?: Record<string, unknown>;
  /** Fields of the ClusterFormation: then the run is one, from a standalone. */
  readonly formation?: Record<string, unknown>;
  /** Fields of the Pipeline: then the run is one, 3.5.35 → 3.6.16 → 3.7.3; `upgrade` is of every stage. */
  readonly pipeline?: Record<string, unknown>;
}

/** What every run of the tests and the demo is told, beside what it is about. */
const common = {
  soak: '300ms',
  onFailure: 'rollback',
  probe: { writers: 4, interval: '25ms' },
} as const;

/** A real etcd cluster, 3.5.35 → 3.6.16 or a formation, with the linearizability of its history checked. */
export async function runEtcdScenario(scenario: EtcdScenario): Promise<ScenarioResult> {
  const { program } = await prepareGoTool('linearizability');
  const env = { ROLLGATE_HISTORY_CHECKER: program };
  const { formation, upgrade, pipeline, sample } = scenario;
  const stage: Stage<EtcdSampleCluster> = {
    env,
    make: (where) =>
      createEtcdSampleCluster({
        ...where,
        ...(formation && { standalone: true, version: '3.6.16', artifacts: ['3.6.16'] }),
        ...(pipeline && { artifacts: ['3.5.35', '3.6.16', '3.7.3'] }),
        ...sample,
      }),
    start: (client, cluster) => {
      const upgradeTo = (to: string): RollingUpgradeSpec =>
        RollingUpgradeSpec.parse({
          name: `to-${to}`,
          cluster: cluster.name,
          to,
          switch: { approval: false },
          ...common,
          ...upgrade,
        });
      if (formation) {
        const fields = { name: 'f', cluster: cluster.name, seed: 'etcd-1', version: '3.6.16', ...common };
        return client.startFormation({
          cluster,
          stages: formationStages,
          formation: ClusterFormationSpec.parse({
            ...fields,
            expand: ['etcd-2', 'etcd-3'],
            onFailure: 'wait',
            ...formation,
          }),
        });
      }
      if (pipeline) {
        const upgrades = ['3.6.16', '3.7.3'].map(upgradeTo);
        const names = upgrades.map((u) => u.name);
        return client.startPipeline({
          cluster,
          stages: upgrades.map((upgrade) => ({ cluster, upgrade })),
          pipeline: PipelineSpec.parse({ name: 'p', cluster: cluster.name, stages: names, ...pipeline }),
        });
      }
      return client.start({ cluster, upgrade: upgradeTo('3.6.16') });
    },
  };
  return runOn(stage, scenario);
}
