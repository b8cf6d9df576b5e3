import { RollgateError } from '../contracts/index.js';
import type { ClusterSpec, RollingUpgradeSpec } from '../contracts/spec.js';
import { nearestWord } from './nearest-word.js';
import type { Specs } from './parse-specs.js';

/**
 * The upgrade to run, with its cluster: the one of this name, or the only one there is.
 * @throws USAGE naming the upgrades there are
 */
export function checkTarget(
  specs: Specs,
  name?: string,
): { cluster: ClusterSpec; upgrade: RollingUpgradeSpec } {
  const names = [...specs.upgrades.keys()];
  const wanted = name ?? (names.length === 1 ? names[0] : undefined);
  if (wanted === undefined) {
    throw names.length === 0
      ? new RollgateError(
          'USAGE',
          'the files hold no RollingUpgrade',
          'give the file of the RollingUpgrade as well; examples/postgres/upgrade.yaml shows one',
        )
      : new RollgateError(
          'USAGE',
          `the files hold ${names.length} RollingUpgrades: ${names.join(', ')}`,
          'name the one to run',
        );
  }
  const upgrade = specs.upgrades.get(wanted);
  if (!upgrade) {
    const near = nearestWord(wanted, names);
    throw new RollgateError(
      'USAGE',
      `there is no RollingUpgrade "${wanted}" in the files; there is ${names.join(', ') || 'none'}`,
      near === undefined ? 'name one that is there' : `did you mean "${near}"?`,
    );
  }
  const cluster = specs.clusters.get(upgrade.cluster);
  if (!cluster) {
    throw new RollgateError(
      'USAGE',
      `the Cluster "${upgrade.cluster}" of RollingUpgrade "${wanted}" is not in the files`,
      'give the file of the cluster as well',
    );
  }
  return { cluster, upgrade };
}
