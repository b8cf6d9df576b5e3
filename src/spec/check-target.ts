import type { ClusterSpec, RollingUpgradeSpec } from '../contracts/spec.js';
import { choose } from './choose.js';
import type { Specs } from './parse-specs.js';

/**
 * The upgrade to run, with its cluster: the one of this name, or the only one there is.
 * @throws USAGE naming the upgrades there are
 */
export function checkTarget(
  specs: Specs,
  name?: string,
): { cluster: ClusterSpec; upgrade: RollingUpgradeSpec } {
  const other =
    specs.formations.size === 0 ? '' : '; the ClusterFormation in the files is run by rollgate form';
  const { cluster, document } = choose(specs, specs.upgrades, name, {
    kind: 'RollingUpgrade',
    whenNone: `give the file of the RollingUpgrade as well; examples/postgres/upgrade.yaml shows one${other}`,
    option: '--upgrade',
  });
  return { cluster, upgrade: document };
}
