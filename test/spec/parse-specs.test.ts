import { describe, expect, test } from 'vitest';
import { laterKinds } from '../../src/contracts/spec.js';
import { parseSpecs, SpecError, type SpecProblem } from '../../src/spec/index.js';

const cluster = `apiVersion: rollgate/v1
kind: Cluster
metadata:
  name: orders
spec:
  system: postgres
  settings:
    user: rollgate
  nodes:
    - id: pg-1
      address: 127.0.0.1:5431
      host:
        kind: local
        directory: /srv/pg-1
    - id: pg-2
      address: 127.0.0.1:5432
      host:
        kind: local
        directory: /srv/pg-2
  artifacts:
    "17.10":
      path: /opt/17.10
      sha256: ${'a'.repeat(64)}
`;
const upgrade = `apiVersion: rollgate/v1
kind: RollingUpgrade
metadata:
  name: orders-17.10
spec:
  cluster: orders
  to: "17.10"
`;

function problemsOf(...texts: string[]): readonly SpecProblem[] {
  try {
    parseSpecs(texts.map((text, i) => ({ file: `file-${i + 1}.yaml`, text })));
  } catch (error) {
    if (error instanceof SpecError) return error.problems;
    throw error;
  }
  return [];
}

/** The line, from 1, that holds `text`. */
const lineOf = (file: string, text: string): number =>
  file.split('\n').findIndex((l) => l.includes(text)) + 1;

/** Replace one thing in a good document; the replacement must have happened. */
function spoil(document: string, from: string, to: string): string {
  const spoiled = document.replace(from, to);
  expect(spoiled).not.toBe(document);
  return spoiled;
}

describe('R-SPEC-1: what the user writes is read', () => {
  test('several documents in one file, with the name of metadata and all defaults', () => {
    const specs = parseSpecs([{ file: 'all.yaml', text: `${cluster}---\n${upgrade}---\n` }]);
    expect([...specs.clusters.keys()]).toEqual(['orders']);
    expect(specs.clusters.get('orders')).toMatchObject({
      name: 'orders',
      system: 'postgres',
      settings: { user: 'rollgate' },
      routing: { kind: 'none' },
    });
    expect(specs.upgrades.get('orders-17.10')).toMatchObject({
      cluster: 'orders',
      to: '17.10',
      soak: 10_000,
      timeouts: { drain: 30_000, rejoin: 60_000 },
      probe: { enabled: true },
    });
  });

  test('R-SPEC-4: durations and sizes are human, and the settings of adapters stay as they were written', () => {
    const text = spoil(upgrade, '  to:', '  soak: 1.5m\n  maxLag: 2KiB\n  to:');
    const timed = spoil(cluster, '    user: rollgate', '    user: rollgate\n    connectTimeout: 5s');
    const specs = parseSpecs([
      { file: 'c', text: timed },
      { file: 'u', text },
    ]);
    expect(specs.upgrades.get('orders-17.10')).toMatchObject({ soak: 90_000, maxLag: 2048 });
    expect(specs.clusters.get('orders')?.settings).toEqual({ user: 'rollgate', connectTimeout: '5s' });
  });

  test('JSON is read as well', () => {
    const text = JSON.stringify({
      apiVersion: 'rollgate/v1',
      kind: 'RollingUpgrade',
      metadata: { name: 'u' },
      spec: { cluster: 'orders', to: '17.10' },
    });
    expect(problemsOf(cluster, text)).toEqual([]);
  });
});

describe('R-SPEC-2: everything wrong is told at once, with file, line, key and remedy', () => {
  const cases: [string, string, Partial<SpecProblem> & { at?: string; says?: RegExp; helps?: RegExp }][] = [
    [
      'an unknown key',
      spoil(cluster, '      address: 127.0.0.1:5432', '      adress: 127.0.0.1:5432'),
      { at: 'adress:', path: 'spec.nodes[1]', says: /unknown key "adress"/, helps: /did you mean "address"/ },
    ],
    [
      'a key of the settings of the system',
      spoil(cluster, '    user: rollgate', '    user: rollgate\n    passwrd: env:X'),
      { at: 'passwrd', path: 'spec.settings', helps: /did you mean "password"/ },
    ],
    [
      'a key of the host',
      spoil(cluster, '        directory: /srv/pg-2', '        directory: /srv/pg-2\n        runas: me'),
      { at: 'runas', path: 'spec.nodes[1].host', helps: /did you mean "runAs"/ },
    ],
    [
      'a wrong type',
      spoil(cluster, '        directory: /srv/pg-2', '        directory: 7'),
      { at: 'directory: 7', path: 'spec.nodes[1].host.directory', says: /number 7.*needs text/ },
    ],
    [
      'a path that is not absolute',
      spoil(cluster, '/srv/pg-2', 'srv/pg-2'),
      { at: 'srv/pg-2', path: 'spec.nodes[1].host.directory', says: /an absolute path/ },
    ],
    [
      'a missing required key',
      spoil(cluster, '      address: 127.0.0.1:5432\n', ''),
      { at: 'id: pg-2', path: 'spec.nodes[1].address', says: /"address" is missing/ },
    ],
    [
      'a missing key of the settings',
      spoil(cluster, '    user: rollgate', '    database: x'),
      { at: 'settings:', path: 'spec.settings.user', says: /"user" is missing/ },
    ],
    [
      'no nodes',
      spoil(
        cluster,
        cluster.slice(cluster.indexOf('  nodes:'), cluster.indexOf('  artifacts:')),
        '  nodes: []\n',
      ),
      { at: 'nodes: []', path: 'spec.nodes', says: /at least 1 entry/ },
    ],
    [
      'an unknown system',
      spoil(cluster, 'system: postgres', 'system: postgre'),
      {
        at: 'system:',
        path: 'spec.system',
        says: /"postgre"; needs "postgres" or "etcd"/,
        helps: /did you mean "postgres"/,
      },
    ],
    [
      'an unknown host kind',
      spoil(
        cluster,
        'kind: local\n        directory: /srv/pg-2',
        'kind: cloud\n        directory: /srv/pg-2',
      ),
      { at: 'kind: cloud', path: 'spec.nodes[1].host.kind', says: /"cloud"; needs "local"/ },
    ],
    [
      'an unknown kind of routing',
      `${cluster}  routing:\n    kind: nginx\n`,
      { at: 'nginx', path: 'spec.routing.kind', says: /"nginx"; needs "none"/ },
    ],
    [
      'a duplicate node id',
      spoil(cluster, 'id: pg-2', 'id: pg-1'),
      { line: 15, path: 'spec.nodes[1].id', says: /"pg-1" is used already/ },
    ],
    [
      'a duplicate address',
      spoil(cluster, ':5432', ':5431'),
      { line: 16, path: 'spec.nodes[1].address', says: /used already by node pg-1/ },
    ],
    [
      'a directory that two nodes share',
      spoil(cluster, '/srv/pg-2', '/srv/pg-1/'),
      { at: '/srv/pg-1/', path: 'spec.nodes[1].host.directory', says: /used already by node pg-1/ },
    ],
    [
      'a version of an artifact without quotes, which would silently become 17.1',
      spoil(cluster, '"17.10":', '17.10:'),
      { at: '17.10:', says: /key 17\.10 is read as the number 17\.1/, helps: /"17\.10": in quotes/ },
    ],
    [
      'a duplicate key',
      spoil(cluster, '    user: rollgate', '    user: rollgate\n    user: other'),
      { at: 'user: other', says: /same key twice/ },
    ],
    ['YAML that is none', spoil(cluster, '  nodes:', '\tnodes:'), { at: '\tnodes', says: /tab/ }],
    ['an empty file', '# nothing yet\n', { line: 1, says: /no document/ }],
    ['a file of nothing but separators', '---\n# a\n---\n', { says: /no document/ }],
    ['a list', '- a\n', { line: 1, says: /found a list/ }],
    ['no apiVersion', spoil(cluster, 'apiVersion: rollgate/v1\n', ''), { says: /"apiVersion" is missing/ }],
    [
      'another apiVersion',
      spoil(cluster, 'rollgate/v1', 'rollgate/v2'),
      { at: 'v2', path: 'apiVersion', says: /"rollgate\/v2"; needs "rollgate\/v1"/ },
    ],
    [
      'an unknown kind',
      spoil(cluster, 'kind: Cluster', 'kind: Clusters'),
      { at: 'Clusters', path: 'kind', helps: /did you mean "Cluster"/ },
    ],
    ['no kind', spoil(cluster, 'kind: Cluster\n', ''), { path: 'kind', says: /"kind" is missing/ }],
    [
      'no name',
      spoil(cluster, '  name: orders\n', '  nam: orders\n'),
      { path: 'metadata.name', says: /"name" is missing/ },
    ],
  ];
  test.each(cases)('%s', (_, text, { at, says, helps, ...expected }) => {
    const problems = problemsOf(text);
    const found = problems.filter(
      (p) => (says?.test(p.message) ?? true) && (expected.path === undefined || p.path === expected.path),
    );
    expect(found, JSON.stringify(problems, null, 1)).toHaveLength(1);
    expect(found[0]).toMatchObject({
      file: 'file-1.yaml',
      code: 'SPEC_INVALID',
      ...expected,
      ...(at === undefined ? {} : { line: lineOf(text, at) }),
    });
    if (helps) expect(found[0]?.remedy).toMatch(helps);
    expect(found[0]?.remedy).not.toBe('');
  });

  test('a target version without quotes: the text of the file is told, not the number it became', () => {
    const text = spoil(upgrade, '"17.10"', '17.10');
    expect(problemsOf(cluster, text)).toMatchObject([
      {
        file: 'file-2.yaml',
        line: 7,
        column: 7,
        path: 'spec.to',
        message: expect.stringMatching(/the number 17\.1, written 17\.10,.*without quotes/) as string,
        remedy: 'write to: "17.10" in quotes',
      },
    ]);
  });

  test('a key that belongs elsewhere is led there', () => {
    const text = spoil(upgrade, '  to:', '  drain: 5s\n  to:');
    expect(problemsOf(cluster, text)[0]).toMatchObject({
      remedy: 'did you mean spec.timeouts.drain?',
      line: 7,
    });
  });

  test('all problems of all files at once, and nothing is returned', () => {
    const problems = problemsOf(
      spoil(spoil(cluster, '127.0.0.1:5431', 'here'), 'kind: local', 'kind: moon'),
      spoil(spoil(upgrade, '"17.10"', '"next"'), '  cluster:', '  soak: 10\n  cluster:'),
    );
    expect(problems.map((p) => [p.file, p.path])).toEqual([
      ['file-1.yaml', 'spec.nodes[0].address'],
      ['file-1.yaml', 'spec.nodes[0].host.kind'],
      ['file-2.yaml', 'spec.to'],
      ['file-2.yaml', 'spec.soak'],
    ]);
  });

  test('the same document twice', () => {
    expect(problemsOf(cluster, cluster)).toMatchObject([
      {
        file: 'file-2.yaml',
        line: 4,
        path: 'metadata.name',
        message: expect.stringContaining('file-1.yaml:4') as string,
      },
    ]);
  });

  test('an upgrade of a cluster that is not there', () => {
    const text = spoil(upgrade, 'cluster: orders', 'cluster: order');
    expect(problemsOf(cluster, text)).toMatchObject([
      { line: 6, path: 'spec.cluster', remedy: 'did you mean "orders"?' },
    ]);
    expect(problemsOf(upgrade)[0]?.message).toMatch(/there is none/);
  });

  test('a cluster that is wrong is not called absent', () => {
    const problems = problemsOf(spoil(cluster, '    user: rollgate', '    user: 1'), upgrade);
    expect(problems.map((p) => p.path)).toEqual(['spec.settings.user']);
  });

  test.each(laterKinds)('%s is a kind for later, and the error says so', (kind) => {
    const text = spoil(upgrade, 'RollingUpgrade', kind);
    const problems = problemsOf(text);
    expect(problems).toMatchObject([{ code: 'SPEC_KIND_NOT_AVAILABLE', line: 2, path: 'kind' }]);
    const error = new SpecError(problems);
    expect([error.code, error.exitCode]).toEqual(['SPEC_KIND_NOT_AVAILABLE', 2]);
  });

  test('the error of the whole names every place and exits with 2', () => {
    const error = new SpecError(problemsOf(spoil(cluster, 'id: pg-2', 'id: pg-1')));
    expect(error.exitCode).toBe(2);
    expect(error.message).toBe(
      'file-1.yaml:15:11 spec.nodes[1].id: the id "pg-1" is used already by an earlier node; needs one of its own for each node',
    );
  });
});
