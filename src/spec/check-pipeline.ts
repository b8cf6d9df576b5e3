import type { StageSpec } from '../contracts/run.js';
import type { ClusterSpec, PipelineSpec } from '../contracts/spec.js';
import { checkMigration } from './check-migration.js';
import { checkTarget } from './check-target.js';
import { choose } from './choose.js';
import type { Specs } from './parse-specs.js';

/**
 * The pipeline to run, with its cluster and what its stages name, in order.
 * @throws USAGE naming the pipelines there are
 */
export function checkPipeline(
  specs: Specs,
  name?: string,
): { cluster: ClusterSpec; pipeline: PipelineSpec; stages: StageSpec[] } {
  const { cluster, document } = choose(specs, specs.pipelines, name, {
    kind: 'Pipeline',
    whenNone: 'give the file of the Pipeline as well; examples/etcd/pipeline.yaml shows one',
    option: '--pipeline',
  });
  const stages = document.stages.map((stage) =>
    specs.migrations.has(stage) ? checkMigration(specs, stage) : checkTarget(specs, stage),
  );
  return { cluster, pipeline: document, stages };
}
