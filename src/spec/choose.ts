import { RollgateError } from '../contracts/index.js';
import type { ClusterSpec } from '../contracts/spec.js';
import { nearestWord } from './nearest-word.js';
import type { Specs } from './parse-specs.js';

/**
 * One document of a kind that runs on a cluster: the one of this name, or the only one there is; and its cluster.
 * @throws USAGE naming those there are
 */
export function choose<D extends { readonly cluster: string }>(
  { clusters }: Specs,
  documents: ReadonlyMap<string, D>,
  name: string | undefined,
  { kind, whenNone, option }: { kind: string; whenNone: string; option: string },
): { cluster: ClusterSpec; document: D } {
  const names = [...documents.keys()];
  const wanted = name ?? (names.length === 1 ? names[0] : undefined);
  if (wanted === undefined) {
    throw names.length === 0
      ? new RollgateError('USAGE', `the files hold no ${kind}`, whenNone)
      : new RollgateError(
          'USAGE',
          `the files hold ${names.length} ${kind}s: ${names.join(', ')}`,
          `name the one to run with ${option}`,
        );
  }
  const document = documents.get(wanted);
  if (!document) {
    const near = nearestWord(wanted, names);
    throw new RollgateError(
      'USAGE',
      `there is no ${kind} "${wanted}" in the files; there is ${names.join(', ') || 'none'}`,
      near === undefined ? 'name one that is there' : `did you mean "${near}"?`,
    );
  }
  const cluster = clusters.get(document.cluster);
  if (!cluster) {
    throw new RollgateError(
      'USAGE',
      `the Cluster "${document.cluster}" of ${kind} "${wanted}" is not in the files`,
      'give the file of the cluster as well',
    );
  }
  return { cluster, document };
}
