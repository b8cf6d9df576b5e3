import type { PipelineSpec, RollingUpgradeSpec } from '../contracts/spec.js';
import { problemAt, type SourceDocument } from './document.js';
import { nearestWord } from './nearest-word.js';
import type { SpecProblem } from './spec-error.js';

/** Stages of a pipeline that are no upgrade of its cluster. */
export function strayStages(
  document: SourceDocument,
  { cluster, stages }: PipelineSpec,
  upgrades: ReadonlyMap<string, RollingUpgradeSpec>,
): SpecProblem[] {
  return stages.flatMap((name, i) => {
    const upgrade = upgrades.get(name);
    const at = ['spec', 'stages', i];
    if (!upgrade) {
      const near = nearestWord(name, [...upgrades.keys()]);
      return [
        problemAt(document, at, {
          message: `there is no RollingUpgrade "${name}" in the files given; there is ${[...upgrades.keys()].join(', ') || 'none'}`,
          remedy: near === undefined ? 'give the file of the upgrade as well' : `did you mean "${near}"?`,
        }),
      ];
    }
    const problems: SpecProblem[] = [];
    if (upgrade.cluster !== cluster) {
      problems.push(
        problemAt(document, at, {
          message: `RollingUpgrade "${name}" is of cluster ${upgrade.cluster}, the pipeline of ${cluster}`,
          remedy: 'name upgrades of one cluster only',
        }),
      );
    }
    if (upgrade.strategy !== 'in-place') {
      problems.push(
        problemAt(document, at, {
          message: `RollingUpgrade "${name}" has strategy ${upgrade.strategy}; stages of a pipeline are in-place`,
          remedy: 'run it by itself, or use strategy in-place',
        }),
      );
    }
    return problems;
  });
}
