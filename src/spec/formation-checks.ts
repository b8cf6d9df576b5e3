import type { ClusterFormationSpec, ClusterSpec } from '../contracts/spec.js';
import { problemAt, type Path, type SourceDocument } from './document.js';
import type { SpecProblem } from './spec-error.js';
import { strangersIn } from './strangers.js';

/** What a ClusterFormation says against itself, whatever its cluster is. */
export function contradictionsIn(document: SourceDocument, formation: ClusterFormationSpec): SpecProblem[] {
  const { seed, leader, expand, remove } = formation;
  const problem = (path: Path, message: string, remedy: string): SpecProblem =>
    problemAt(document, ['spec', ...path], { message, remedy });
  return [
    ...expand.flatMap((id, i) =>
      id === seed
        ? [
            problem(
              ['expand', i],
              `"${id}" is the seed, which is a member from the beginning; needs a node that joins it`,
              'take it out of expand',
            ),
          ]
        : [],
    ),
    ...(['expand', 'remove'] as const).flatMap((key) =>
      formation[key].flatMap((id, i, all) =>
        all.indexOf(id) < i
          ? [
              problem(
                [key, i],
                `"${id}" is there already, at spec.${key}[${all.indexOf(id)}]; needs each node once`,
                'take one of the two out',
              ),
            ]
          : [],
      ),
    ),
    ...(leader !== undefined && remove.includes(leader)
      ? [
          problem(
            ['leader'],
            `"${leader}" is to lead and to be removed; needs a node that stays a member`,
            `name another leader, or take "${leader}" out of remove`,
          ),
        ]
      : []),
  ];
}

/** Where a ClusterFormation does not fit the Cluster that is in the files. */
export function misfitsOf(
  document: SourceDocument,
  formation: ClusterFormationSpec,
  cluster: ClusterSpec,
): SpecProblem[] {
  const { seed, leader, expand, remove, version } = formation;
  const named = [
    { path: ['spec', 'seed'], id: seed },
    ...expand.map((id, i) => ({ path: ['spec', 'expand', i], id })),
    ...(leader === undefined ? [] : [{ path: ['spec', 'leader'], id: leader }]),
    ...remove.map((id, i) => ({ path: ['spec', 'remove', i], id })),
  ];
  const versions = Object.keys(cluster.artifacts);
  return [
    ...strangersIn(document, named, cluster),
    ...(versions.includes(version)
      ? []
      : [
          problemAt(document, ['spec', 'version'], {
            message: `Cluster "${cluster.name}" has no artifact of ${version}; it has ${versions.join(', ') || 'none'}`,
            remedy: `add "${version}" to the artifacts of the cluster, with path and sha256`,
          }),
        ]),
  ];
}
