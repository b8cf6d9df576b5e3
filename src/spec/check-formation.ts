import type { ClusterFormationSpec, ClusterSpec } from '../contracts/spec.js';
import { choose } from './choose.js';
import type { Specs } from './parse-specs.js';

/**
 * The formation to run, with its cluster: the one of this name, or the only one there is.
 * @throws USAGE naming the formations there are
 */
export function checkFormation(
  specs: Specs,
  name?: string,
): { cluster: ClusterSpec; formation: ClusterFormationSpec } {
  const other = specs.upgrades.size === 0 ? '' : '; the RollingUpgrade in the files is run by rollgate start';
  const { cluster, document } = choose(specs, specs.formations, name, {
    kind: 'ClusterFormation',
    whenNone: `give the file of the ClusterFormation as well; examples/etcd/formation.yaml shows one${other}`,
    option: '--formation',
  });
  return { cluster, formation: document };
}
