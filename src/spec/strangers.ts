import type { ClusterSpec } from '../contracts/spec.js';
import { problemAt, type Path, type SourceDocument } from './document.js';
import { nearestWord } from './nearest-word.js';
import type { SpecProblem } from './spec-error.js';

/** The names, of those that another document gives, that are no nodes of the cluster. */
export function strangersIn(
  document: SourceDocument,
  named: readonly { readonly path: Path; readonly id: string; readonly onKey?: boolean }[],
  cluster: ClusterSpec,
): SpecProblem[] {
  const nodes = cluster.nodes.map((n) => n.id);
  return named
    .filter(({ id }) => !nodes.includes(id))
    .map(({ path, id, onKey }) => {
      const near = nearestWord(id, nodes);
      return problemAt(document, path, {
        onKey,
        message: `"${id}" is no node of Cluster "${cluster.name}"; it has ${nodes.join(', ')}`,
        remedy:
          near === undefined
            ? `name one of them, or add "${id}" to the nodes of the cluster`
            : `did you mean "${near}"?`,
      });
    });
}
