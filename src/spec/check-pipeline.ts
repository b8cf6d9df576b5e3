import type { ClusterSpec, PipelineSpec, RollingUpgradeSpec } from '../contracts/spec.js';
import { choose } from './choose.js';
import type { Specs } from './parse-specs.js';

/**
 * The pipeline to run, with its cluster and the upgrades that are its stages, in order.
 * @throws USAGE naming the pipelines there are
 */
export function checkPipeline(
  specs: Specs,
  name?: string,
): { cluster: ClusterSpec; pipeline: PipelineSpec; upgrades: RollingUpgradeSpec[] } {
  const { cluster, document } = choose(specs, specs.pipelines, name, {
    kind: 'Pipeline',
    whenNone: 'give the file of the Pipeline as well; examples/etcd/pipeline.yaml shows one',
    option: '--pipeline',
  });
  const upgrades = document.stages.flatMap((stage) => specs.upgrades.get(stage) ?? []);
  return { cluster, pipeline: document, upgrades };
}
