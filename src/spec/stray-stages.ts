import type { PipelineSpec, RollingUpgradeSpec, StorageMigrationSpec } from '../contracts/spec.js';
import { problemAt, type SourceDocument } from './document.js';
import { nearestWord } from './nearest-word.js';
import type { SpecProblem } from './spec-error.js';

/** The documents that stages may name. */
export interface StageDocuments {
  readonly upgrades: ReadonlyMap<string, RollingUpgradeSpec>;
  readonly migrations: ReadonlyMap<string, StorageMigrationSpec>;
}

/** Stages of a pipeline that do not follow on each other: after a migration, the writes are on its destination. */
export function strayStages(
  document: SourceDocument,
  { cluster: start, stages }: PipelineSpec,
  { upgrades, migrations }: StageDocuments,
): SpecProblem[] {
  let cluster = start;
  return stages.flatMap((name, i) => {
    const problem = (message: string, remedy: string): SpecProblem =>
      problemAt(document, ['spec', 'stages', i], { message, remedy });
    const [upgrade, migration] = [upgrades.get(name), migrations.get(name)];
    if (upgrade && migration) {
      return [
        problem(`"${name}" is a RollingUpgrade and a StorageMigration`, 'give one of them another name'),
      ];
    }
    if (migration) {
      const { source, destination } = migration;
      const expected = cluster;
      cluster = destination;
      if (source === expected) return [];
      return [
        problem(
          `StorageMigration "${name}" is from cluster ${source}; ${placeOf(expected, start)}`,
          `name a migration from ${expected}`,
        ),
      ];
    }
    if (!upgrade) {
      const names = [...upgrades.keys(), ...migrations.keys()];
      const near = nearestWord(name, names);
      return [
        problem(
          `there is no RollingUpgrade or StorageMigration "${name}" in the files given; there is ${names.join(', ') || 'none'}`,
          near === undefined ? 'give the file of the stage as well' : `did you mean "${near}"?`,
        ),
      ];
    }
    const problems: SpecProblem[] = [];
    if (upgrade.cluster !== cluster) {
      problems.push(
        problem(
          `RollingUpgrade "${name}" is of cluster ${upgrade.cluster}; ${placeOf(cluster, start)}`,
          `name upgrades of ${cluster} here`,
        ),
      );
    }
    if (upgrade.strategy !== 'in-place') {
      problems.push(
        problem(
          `RollingUpgrade "${name}" has strategy ${upgrade.strategy}; stages of a pipeline are in-place`,
          'run it by itself, or use strategy in-place',
        ),
      );
    }
    return problems;
  });
}

const placeOf = (cluster: string, start: string): string =>
  cluster === start ? `the pipeline is of ${start}` : `the stages before it lead to ${cluster}`;
