import { RollgateError } from '../contracts/index.js';
import type { ClusterSpec, StorageMigrationSpec } from '../contracts/spec.js';
import { choose } from './choose.js';
import type { Specs } from './parse-specs.js';

/**
 * The migration to run, with both of its clusters: the one of this name, or the only one there is.
 * @throws USAGE naming the migrations there are
 */
export function checkMigration(
  specs: Specs,
  name?: string,
): { cluster: ClusterSpec; destination: ClusterSpec; migration: StorageMigrationSpec } {
  const documents = new Map([...specs.migrations].map(([of, m]) => [of, { ...m, cluster: m.source }]));
  const { cluster, document } = choose(specs, documents, name, {
    kind: 'StorageMigration',
    whenNone: 'give the file of the StorageMigration as well; examples/postgres/migration.yaml shows one',
    option: '--migration',
  });
  const destination = specs.clusters.get(document.destination);
  const migration = specs.migrations.get(document.name);
  if (!destination || !migration) {
    throw new RollgateError(
      'USAGE',
      `the Cluster "${document.destination}" of StorageMigration "${document.name}" is not in the files`,
      'give the file of the cluster as well',
    );
  }
  return { cluster, destination, migration };
}
