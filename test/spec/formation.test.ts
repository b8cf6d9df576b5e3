import { describe, expect, test } from 'vitest';
import {
  checkFormation,
  checkTarget,
  parseSpecs,
  SpecError,
  type SpecProblem,
} from '../../src/spec/index.js';

const cluster = `apiVersion: rollgate/v1
kind: Cluster
metadata:
  name: registry
spec:
  system: etcd
  settings:
    peers:
      etcd-1: 127.0.0.1:2380
      etcd-2: 127.0.0.1:22380
      etcd-3: 127.0.0.1:32380
  nodes:
    - id: etcd-1
      address: 127.0.0.1:2379
      host: { kind: local, directory: /srv/etcd-1 }
    - id: etcd-2
      address: 127.0.0.1:22379
      host: { kind: local, directory: /srv/etcd-2 }
    - id: etcd-3
      address: 127.0.0.1:32379
      host: { kind: local, directory: /srv/etcd-3 }
  artifacts:
    "3.6.16":
      path: /opt/etcd/3.6.16
      sha256: ${'a'.repeat(64)}
`;
const formation = `apiVersion: rollgate/v1
kind: ClusterFormation
metadata:
  name: three
spec:
  cluster: registry
  seed: etcd-1
  version: "3.6.16"
  expand:
    - etcd-2
    - etcd-3
  leader: etcd-2
  remove:
    - etcd-1
`;

const read = (...texts: string[]) =>
  parseSpecs(texts.map((text, i) => ({ file: `file-${i + 1}.yaml`, text })));

function problemsOf(...texts: string[]): readonly SpecProblem[] {
  try {
    read(...texts);
  } catch (error) {
    if (error instanceof SpecError) return error.problems;
    throw error;
  }
  return [];
}

const lineOf = (file: string, text: string): number =>
  file.split('\n').findIndex((l) => l.includes(text)) + 1;

/** Replace one thing in a good document; the replacement must have happened. */
function spoil(document: string, from: string, to: string): string {
  const spoiled = document.replace(from, to);
  expect(spoiled).not.toBe(document);
  return spoiled;
}

describe('R-SPEC-1: a ClusterFormation is read', () => {
  test('with the name of metadata and all defaults', () => {
    const specs = read(cluster, formation);
    expect([...specs.upgrades.keys()]).toEqual([]);
    expect(specs.formations.get('three')).toMatchObject({
      name: 'three',
      seed: 'etcd-1',
      expand: ['etcd-2', 'etcd-3'],
      leader: 'etcd-2',
      remove: ['etcd-1'],
      learnerLag: 100,
      onFailure: 'wait',
      timeouts: { start: 120_000 },
      probe: { enabled: true },
    });
  });

  test('without its cluster in the files it is not read: the error names the cluster', () => {
    expect(problemsOf(formation)).toMatchObject([
      { path: 'spec.cluster', message: expect.stringContaining('there is none') as string },
    ]);
  });

  test('the switch of a RollingUpgrade: an approval and no burn-in, unless told otherwise', () => {
    const upgrade = `apiVersion: rollgate/v1
kind: RollingUpgrade
metadata: { name: up }
spec: { cluster: registry, to: "3.6.16" }
`;
    expect(read(cluster, upgrade).upgrades.get('up')?.switch).toEqual({ approval: true, burnIn: 0 });
    const own = spoil(upgrade, 'to:', 'switch: { approval: false, burnIn: 90s }, to:');
    expect(read(cluster, own).upgrades.get('up')?.switch).toEqual({ approval: false, burnIn: 90_000 });
    expect(problemsOf(cluster, spoil(upgrade, 'to:', 'switch: { burnin: 90s }, to:'))).toMatchObject([
      { path: 'spec.switch', remedy: 'did you mean "burnIn"?' },
    ]);
  });
});

describe('R-SPEC-2: what is wrong with a ClusterFormation is told with line, key and remedy', () => {
  const cases: [string, string, Partial<SpecProblem> & { at: string; says: RegExp; helps?: RegExp }][] = [
    [
      'an unknown key',
      spoil(formation, '  expand:', '  expands:'),
      { at: 'expands:', path: 'spec', says: /unknown key "expands"/, helps: /did you mean "expand"/ },
    ],
    [
      'no seed',
      spoil(formation, '  seed: etcd-1\n', ''),
      { at: 'spec:', path: 'spec.seed', says: /"seed" is missing/ },
    ],
    [
      'a version without quotes',
      spoil(formation, '"3.6.16"', '3.6'),
      { at: 'version:', path: 'spec.version', says: /number 3\.6.*without quotes/ },
    ],
    [
      'a learner that may be half an entry behind',
      spoil(formation, '  leader:', '  learnerLag: 0.5\n  leader:'),
      { at: 'learnerLag', path: 'spec.learnerLag', says: /a whole number/ },
    ],
    [
      'a seed that is no node',
      spoil(formation, 'seed: etcd-1', 'seed: ectd-1'),
      {
        at: 'seed:',
        path: 'spec.seed',
        says: /"ectd-1" is no node of Cluster "registry"; it has etcd-1, etcd-2, etcd-3/,
        helps: /did you mean "etcd-1"/,
      },
    ],
    [
      'a node to expand to that is none',
      spoil(formation, '    - etcd-3', '    - database'),
      {
        at: '- database',
        path: 'spec.expand[1]',
        says: /"database" is no node/,
        helps: /add "database" to the nodes of the cluster/,
      },
    ],
    [
      'a leader that is no node',
      spoil(formation, 'leader: etcd-2', 'leader: etcd-4'),
      { at: 'leader:', path: 'spec.leader', says: /"etcd-4" is no node/ },
    ],
    [
      'a member to remove that is no node',
      spoil(formation, '    - etcd-1', '    - etcd-9'),
      { at: '- etcd-9', path: 'spec.remove[0]', says: /"etcd-9" is no node/ },
    ],
    [
      'a node twice in expand',
      spoil(formation, '    - etcd-3', '    - etcd-2'),
      {
        line: 11,
        at: '',
        path: 'spec.expand[1]',
        says: /"etcd-2" is there already, at spec\.expand\[0\]/,
        helps: /take one of the two out/,
      },
    ],
    [
      'the seed in expand',
      spoil(formation, '    - etcd-3', '    - etcd-1'),
      {
        line: 11,
        at: '',
        path: 'spec.expand[1]',
        says: /"etcd-1" is the seed, which is a member from the beginning/,
        helps: /take it out of expand/,
      },
    ],
    [
      'a leader that is to be removed',
      spoil(formation, 'leader: etcd-2', 'leader: etcd-1'),
      { at: 'leader:', path: 'spec.leader', says: /is to lead and to be removed/ },
    ],
    [
      'a version of which the cluster has no artifact',
      spoil(formation, '"3.6.16"', '"3.6.15"'),
      {
        at: 'version:',
        path: 'spec.version',
        says: /Cluster "registry" has no artifact of 3\.6\.15; it has 3\.6\.16/,
        helps: /add "3\.6\.15" to the artifacts/,
      },
    ],
  ];
  test.each(cases)('%s', (_, text, { at, says, helps, ...expected }) => {
    const problems = problemsOf(cluster, text);
    expect(problems, JSON.stringify(problems, null, 1)).toHaveLength(1);
    expect(problems[0]).toMatchObject({
      file: 'file-2.yaml',
      code: 'SPEC_INVALID',
      line: lineOf(text, at),
      ...expected,
    });
    expect(problems[0]?.message).toMatch(says);
    if (helps) expect(problems[0]?.remedy).toMatch(helps);
    expect(problems[0]?.remedy).not.toBe('');
  });

  test('the order of the files does not matter, and what an upgrade may be called a formation may be too', () => {
    expect(problemsOf(spoil(formation, 'seed: etcd-1', 'seed: other'), cluster)).toHaveLength(1);
    const upgrade = spoil(
      spoil(formation, 'ClusterFormation', 'RollingUpgrade'),
      formation.slice(formation.indexOf('  seed')),
      '  to: "3.6.16"\n',
    );
    expect(problemsOf(cluster, formation, upgrade)).toEqual([]);
    expect(problemsOf(cluster, formation, formation)).toMatchObject([
      { path: 'metadata.name', message: 'ClusterFormation three is there already, in file-2.yaml:4' },
    ]);
  });
});

describe('R-SPEC-2: the replacements of a RollingUpgrade', () => {
  const upgrade = (replacements: string) => `apiVersion: rollgate/v1
kind: RollingUpgrade
metadata: { name: up }
spec:
  cluster: registry
  to: "3.6.16"
  strategy: by-membership
  replacements: ${replacements}
`;

  test('name nodes of the cluster', () => {
    expect(problemsOf(cluster, upgrade('{ etcd-1: etcd-2 }'))).toEqual([]);
    expect(problemsOf(cluster, upgrade('{ database: etcd-2, etcd-1: etcd-22 }'))).toMatchObject([
      {
        line: 8,
        path: 'spec.replacements.database',
        message: expect.stringContaining('"database" is no node') as string,
      },
      { path: 'spec.replacements.etcd-1', remedy: 'did you mean "etcd-2"?' },
    ]);
  });
});

describe('R-SPEC-2: the peer addresses of a cluster', () => {
  test.each([
    [
      'a node without one',
      spoil(cluster, '      etcd-3: 127.0.0.1:32380\n', ''),
      'spec.settings.peers',
      /"etcd-3" is missing/,
    ],
    [
      'one of no node',
      spoil(cluster, '      etcd-3: 1', '      etcd-4: 127.0.0.1:42380\n      etcd-3: 1'),
      'spec.settings.peers.etcd-4',
      /"etcd-4" is no node of this cluster/,
    ],
    [
      'one that another node has',
      spoil(cluster, 'etcd-3: 127.0.0.1:32380', 'etcd-3: 127.0.0.1:22380'),
      'spec.settings.peers.etcd-3',
      /used already by node etcd-2/,
    ],
    [
      'one that is the address for clients',
      spoil(cluster, 'etcd-3: 127.0.0.1:32380', 'etcd-3: 127.0.0.1:32379'),
      'spec.settings.peers.etcd-3',
      /used already by node etcd-3/,
    ],
    [
      'one that is no address',
      spoil(cluster, 'etcd-3: 127.0.0.1:32380', 'etcd-3: http://here'),
      'spec.settings.peers.etcd-3',
      /an address such as/,
    ],
  ])('%s', (_, text, path, says) => {
    const problems = problemsOf(text);
    expect(problems).toMatchObject([{ path, message: expect.stringMatching(says) as string }]);
  });

  test('no peers at all', () => {
    const text = spoil(
      cluster,
      cluster.slice(cluster.indexOf('  settings:'), cluster.indexOf('  nodes:')),
      '  settings: {}\n',
    );
    expect(problemsOf(text)).toMatchObject([{ path: 'spec.settings.peers', message: '"peers" is missing' }]);
  });
});

describe('R-SPEC-2: the formation to run', () => {
  test('the only one, one by name, or an error that lists what there is', () => {
    const specs = read(cluster, formation);
    const only = checkFormation(specs);
    expect(only.cluster.name).toBe('registry');
    expect(checkFormation(specs, 'three').formation).toBe(only.formation);
    expect(() => checkFormation(specs, 'tree')).toThrow(/no ClusterFormation "tree".*there is three/);
    const second = { ...only.formation, name: 'second' };
    const two = { ...specs, formations: new Map([...specs.formations, ['second', second]]) };
    expect(() => checkFormation(two)).toThrow(/2 ClusterFormations: three, second/);
    expect(checkFormation(two, 'second').formation.name).toBe('second');
    expect(() => checkFormation({ ...specs, clusters: new Map() })).toThrow(
      /Cluster "registry" of ClusterFormation "three" is not in the files/,
    );
  });

  test('who gives files of the other kind is told the command for them', () => {
    const specs = read(cluster, formation);
    expect(() => checkTarget(specs)).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        remedy: expect.stringContaining('rollgate form') as string,
      }) as Error,
    );
    expect(() => checkFormation({ ...specs, formations: new Map() })).toThrow(
      expect.objectContaining({
        message: 'the files hold no ClusterFormation',
        remedy: expect.stringContaining('examples/etcd/formation.yaml') as string,
      }) as Error,
    );
  });
});
