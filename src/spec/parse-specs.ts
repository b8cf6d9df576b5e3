import {
  apiVersion,
  ClusterFormationSpec,
  ClusterSpec,
  kinds,
  laterKinds,
  PipelineSpec,
  RollingUpgradeSpec,
  StorageMigrationSpec,
  type Kind,
} from '../contracts/spec.js';
import { clashesIn } from './cross-checks.js';
import { keysThatAreNoText, problemAt, valueAt, type SourceDocument } from './document.js';
import { documentSchemas } from './document-schemas.js';
import { contradictionsIn, misfitsOf } from './formation-checks.js';
import { nearestWord } from './nearest-word.js';
import { peerProblemsIn } from './peer-checks.js';
import { problemsOfIssue } from './problems-of-issue.js';
import { readDocuments, type Source } from './read-documents.js';
import { showValue } from './show-value.js';
import { SpecError, type SpecProblem } from './spec-error.js';
import { strayStages } from './stray-stages.js';
import { strangersIn } from './strangers.js';

/** Everything that a set of files says, by `metadata.name`. */
export interface Specs {
  readonly clusters: Map<string, ClusterSpec>;
  readonly upgrades: Map<string, RollingUpgradeSpec>;
  readonly formations: Map<string, ClusterFormationSpec>;
  readonly migrations: Map<string, StorageMigrationSpec>;
  readonly pipelines: Map<string, PipelineSpec>;
}

/**
 * Read and check documents. All problems of all sources are found at once.
 * @throws SpecError with SPEC_INVALID, or SPEC_KIND_NOT_AVAILABLE when only that is wrong
 */
export function parseSpecs(sources: readonly Source[]): Specs {
  const { specs, problems } = collectSpecs(sources);
  if (problems.length > 0) throw new SpecError(problems);
  return specs;
}

/** As {@link parseSpecs}, with the problems beside what could be read. */
export function collectSpecs(sources: readonly Source[]): { specs: Specs; problems: SpecProblem[] } {
  const specs: Specs = {
    clusters: new Map(),
    upgrades: new Map(),
    formations: new Map(),
    migrations: new Map(),
    pipelines: new Map(),
  };
  const problems: SpecProblem[] = [];
  const named = new Map<string, SpecProblem>();
  const runs: {
    document: SourceDocument;
    cluster: string;
    /** Where it is named; default `cluster`. */
    key?: string;
    fit: (cluster: ClusterSpec) => SpecProblem[];
  }[] = [];
  let complete = true;
  for (const source of sources) {
    const read = readDocuments(source);
    problems.push(...read.problems);
    if (read.problems.length > 0) complete = false;
    for (const document of read.documents) {
      const kind = kindOf(document);
      if (typeof kind !== 'string') {
        problems.push(...kind);
        complete = false;
        continue;
      }
      const wrong = [
        ...keysThatAreNoText(document),
        ...duplicateOf(document, kind, named),
        ...check(document, kind),
      ];
      if (wrong.length === 0) {
        const value = { name: valueAt(document.value, ['metadata', 'name']), ...specOf(document) };
        switch (kind) {
          case 'Cluster': {
            const cluster = ClusterSpec.parse(value);
            wrong.push(...clashesIn(document, cluster), ...peerProblemsIn(document, cluster));
            specs.clusters.set(cluster.name, cluster);
            break;
          }
          case 'RollingUpgrade': {
            const upgrade = RollingUpgradeSpec.parse(value);
            runs.push({
              document,
              cluster: upgrade.cluster,
              fit: (cluster) => strangersIn(document, replacedIn(upgrade), cluster),
            });
            specs.upgrades.set(upgrade.name, upgrade);
            break;
          }
          case 'ClusterFormation': {
            const formation = ClusterFormationSpec.parse(value);
            wrong.push(...contradictionsIn(document, formation));
            runs.push({
              document,
              cluster: formation.cluster,
              fit: (cluster) => misfitsOf(document, formation, cluster),
            });
            specs.formations.set(formation.name, formation);
            break;
          }
          case 'StorageMigration': {
            const migration = StorageMigrationSpec.parse(value);
            for (const key of ['source', 'destination'] as const) {
              runs.push({ document, cluster: migration[key], key, fit: () => [] });
            }
            specs.migrations.set(migration.name, migration);
            break;
          }
          case 'Pipeline': {
            const pipeline = PipelineSpec.parse(value);
            runs.push({
              document,
              cluster: pipeline.cluster,
              fit: () => strayStages(document, pipeline, specs),
            });
            specs.pipelines.set(pipeline.name, pipeline);
            break;
          }
        }
      }
      problems.push(...wrong);
    }
  }
  // A document that could not be read may be the very cluster: then nothing is said about its absence.
  if (complete) problems.push(...runs.flatMap((r) => missingCluster(r, [...named.keys()])));
  problems.push(
    ...runs.flatMap((run) => {
      const cluster = specs.clusters.get(run.cluster);
      return cluster ? run.fit(cluster) : [];
    }),
  );
  return { specs, problems };
}

/** The nodes that an upgrade replaces by others, with their places. */
const replacedIn = ({ replacements }: RollingUpgradeSpec) =>
  Object.entries(replacements).flatMap(([old, fresh]) => {
    const path = ['spec', 'replacements', old];
    return [
      { path, id: old, onKey: true },
      { path, id: fresh, onKey: false },
    ];
  });

const specOf = (document: SourceDocument): object => {
  const spec = valueAt(document.value, ['spec']);
  return typeof spec === 'object' && spec !== null ? spec : {};
};

const isKind = (kind: string): kind is Kind => Object.hasOwn(kinds, kind);

/** The kind of a document, or what keeps it from having one. */
function kindOf(document: SourceDocument): Kind | SpecProblem[] {
  const { value } = document;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const message = `found ${Array.isArray(value) ? 'a list' : 'a single value'}; needs a document with apiVersion, kind, metadata and spec`;
    return [
      problemAt(document, [], { message, remedy: `begin the document with "apiVersion: ${apiVersion}"` }),
    ];
  }
  const version = valueAt(value, ['apiVersion']);
  if (version !== apiVersion) {
    const message =
      version === undefined
        ? '"apiVersion" is missing'
        : `found ${showValue(version, ['apiVersion'])}; needs "${apiVersion}"`;
    return [problemAt(document, ['apiVersion'], { message, remedy: `write apiVersion: ${apiVersion}` })];
  }
  const kind = valueAt(value, ['kind']);
  const known = Object.keys(kinds);
  if (typeof kind === 'string' && isKind(kind)) return kind;
  if (typeof kind === 'string' && laterKinds.some((later) => later === kind)) {
    return [
      problemAt(document, ['kind'], {
        code: 'SPEC_KIND_NOT_AVAILABLE',
        message: `${kind} is a kind of the format that this release does not run yet; it runs ${known.join(', ')}`,
        remedy: 'take the document out, or use a release that runs it',
      }),
    ];
  }
  const near = typeof kind === 'string' ? nearestWord(kind, [...known, ...laterKinds]) : undefined;
  return [
    problemAt(document, ['kind'], {
      message: `${kind === undefined ? '"kind" is missing' : `found ${showValue(kind, ['kind'])}`}; needs one of ${known.join(', ')}`,
      remedy: near === undefined ? `write kind: ${known.join(' or kind: ')}` : `did you mean "${near}"?`,
    }),
  ];
}

function check(document: SourceDocument, kind: Kind): SpecProblem[] {
  const parsed = documentSchemas[kind].safeParse(document.value);
  return parsed.success ? [] : parsed.error.issues.flatMap((issue) => problemsOfIssue(document, kind, issue));
}

function duplicateOf(document: SourceDocument, kind: Kind, named: Map<string, SpecProblem>): SpecProblem[] {
  const name = valueAt(document.value, ['metadata', 'name']);
  if (typeof name !== 'string') return [];
  const key = `${kind} ${name}`;
  const here = problemAt(document, ['metadata', 'name'], { message: '', remedy: '' });
  const first = named.get(key);
  if (!first) {
    named.set(key, here);
    return [];
  }
  return [
    {
      ...here,
      message: `${key} is there already, in ${first.file}:${first.line}`,
      remedy: 'keep one of the two, or give one another name',
    },
  ];
}

function missingCluster(
  { document, cluster, key = 'cluster' }: { document: SourceDocument; cluster: string; key?: string },
  named: readonly string[],
): SpecProblem[] {
  const clusters = named.flatMap((n) => (n.startsWith('Cluster ') ? [n.slice('Cluster '.length)] : []));
  if (clusters.includes(cluster)) return [];
  const near = nearestWord(cluster, clusters);
  return [
    problemAt(document, ['spec', key], {
      message: `there is no Cluster "${cluster}" in the files given; there is ${clusters.join(', ') || 'none'}`,
      remedy: near === undefined ? 'give the file of the cluster as well' : `did you mean "${near}"?`,
    }),
  ];
}
