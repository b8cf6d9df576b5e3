import {
  workflowTypes,
  type ClusterFormationSpec,
  type ClusterSpec,
  type FormationInput,
  type FormationStage,
  type MigrationInput,
  type PipelineInput,
  type PipelineSpec,
  type RollingUpgradeSpec,
  type RunInput,
  type StageSpec,
  type StorageMigrationSpec,
} from '../contracts/index.js';
import type { RunStart } from './start-run.js';

export interface StartInput {
  readonly cluster: ClusterSpec;
  readonly upgrade: RollingUpgradeSpec;
  /** The hash of a plan that was read: the run stops before it changes anything if its own plan differs. */
  readonly expectPlan?: string;
}

export interface StartFormationInput {
  readonly cluster: ClusterSpec;
  readonly formation: ClusterFormationSpec;
  /** The stages that this run takes, as far as they are still to be done; all of them: `formationStages`. */
  readonly stages: readonly FormationStage[];
  /** The hash of a plan of these stages that was read, as in {@link StartInput}. */
  readonly expectPlan?: string;
  /** Make a formation that was not finalized an ordinary standalone again, instead of going on with it. */
  readonly rollback?: boolean;
}

export interface StartPipelineInput {
  readonly cluster: ClusterSpec;
  readonly pipeline: PipelineSpec;
  /** What its stages name, in their order. */
  readonly stages: readonly StageSpec[];
  /** The hash of the plan of all stages that was read, as in {@link StartInput}. */
  readonly expectPlan?: string;
}

export function pipelineRun({ cluster, pipeline, stages, expectPlan }: StartPipelineInput): RunStart {
  const aims = stages.map((s) => (s.migration ? `migration to ${s.destination.name}` : s.upgrade.to));
  const way = aims.join(', then ');
  return {
    type: workflowTypes.pipeline,
    cluster,
    target: aims.at(-1) ?? '',
    summary: `${cluster.name}: ${cluster.system} to ${way}`,
    memo: { pipeline: pipeline.name, stages: pipeline.stages, to: way },
    input: { cluster, pipeline, stages, expectPlan } satisfies PipelineInput,
  };
}

export const upgradeRun = ({ cluster, upgrade, expectPlan }: StartInput): RunStart => ({
  type: workflowTypes.rollingUpgrade,
  cluster,
  target: upgrade.to,
  summary: `${cluster.name}: ${cluster.system} to ${upgrade.to}`,
  memo: { upgrade: upgrade.name, to: upgrade.to },
  input: { cluster, upgrade, expectPlan } satisfies RunInput,
});

export interface StartMigrationInput {
  /** The source: the run is of this cluster. */
  readonly cluster: ClusterSpec;
  readonly destination: ClusterSpec;
  readonly migration: StorageMigrationSpec;
  /** The hash of a plan that was read, as in {@link StartInput}. */
  readonly expectPlan?: string;
}

export const migrationRun = ({
  cluster,
  destination,
  migration,
  expectPlan,
}: StartMigrationInput): RunStart => ({
  type: workflowTypes.storageMigration,
  cluster,
  target: `migration to ${destination.name}`,
  summary: `${cluster.name}: ${cluster.system} migration to ${destination.name}`,
  memo: { migration: migration.name, destination: destination.name },
  input: { cluster, destination, migration, expectPlan } satisfies MigrationInput,
});

export function formationRun(input: StartFormationInput): RunStart {
  const { cluster, formation, stages, expectPlan, rollback } = input;
  const { name, seed, version } = formation;
  const what = rollback === true ? 'rollback' : stages.join(', ');
  return {
    type: workflowTypes.clusterFormation,
    cluster,
    target: `a cluster from ${seed}`,
    summary: `${cluster.name}: ${cluster.system} a cluster from ${seed}: ${what}`,
    memo: { formation: name, seed, version, stages },
    input: { cluster, formation, stages, expectPlan, rollback } satisfies FormationInput,
  };
}
