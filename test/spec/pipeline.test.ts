import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { documentOf } from '../../src/contracts/run.js';
import { checkPipeline, parseSpecs, SpecError, type SpecProblem } from '../../src/spec/index.js';

const example = (name: string, of: 'postgres' | 'etcd'): string =>
  readFileSync(new URL(`../../examples/${of}/${name}.yaml`, import.meta.url), 'utf8');

const source = (text: string, i: number) => ({ file: `file-${i + 1}.yaml`, text });
const orders = ['cluster', 'destination', 'upgrade', 'migration'].map((name) => example(name, 'postgres'));
const pipeline = example('pipeline', 'postgres');
const stages = (list: string): string => {
  const changed = pipeline.replace('[orders-17.10, orders-to-18]', list);
  expect(changed).not.toBe(pipeline);
  return changed;
};
const upgradeOf = (cluster: string, name: string): string => `apiVersion: rollgate/v1
kind: RollingUpgrade
metadata: { name: ${name} }
spec: { cluster: ${cluster}, to: '18.5' }
`;

function problemsOf(...texts: string[]): readonly SpecProblem[] {
  try {
    parseSpecs(texts.map(source));
  } catch (error) {
    if (error instanceof SpecError) return error.problems;
    throw error;
  }
  return [];
}

describe('R-SPEC-1: the stages of a Pipeline', () => {
  test('the examples name their stages, in order and with their clusters', () => {
    const found = checkPipeline(parseSpecs([...orders, pipeline].map(source)));
    expect(found.cluster.name).toBe('orders');
    expect(found.pipeline.onFailure).toBe('rollback');
    expect(found.stages.map((s) => [documentOf(s).name, s.cluster.name])).toEqual([
      ['orders-17.10', 'orders'],
      ['orders-to-18', 'orders'],
    ]);
    expect(found.stages[1]?.migration && found.stages[1].destination.name).toBe('orders-18');
    const registry = checkPipeline(
      parseSpecs(['cluster', 'pipeline'].map((name) => example(name, 'etcd')).map(source)),
    );
    expect(registry.stages.map((s) => s.upgrade?.to)).toEqual(['3.6.16', '3.7.3']);
  });

  test('what comes after a migration is of its destination', () => {
    const after = upgradeOf('orders-18', 'orders-18.5');
    const specs = parseSpecs(
      [...orders, after, stages('[orders-17.10, orders-to-18, orders-18.5]')].map(source),
    );
    expect(checkPipeline(specs).stages.map((s) => s.cluster.name)).toEqual(['orders', 'orders', 'orders-18']);
  });

  test('an upgrade of the source after the migration is refused where it is named', () => {
    expect(problemsOf(...orders, stages('[orders-to-18, orders-17.10]'))).toMatchObject([
      {
        path: 'spec.stages[1]',
        message: 'RollingUpgrade "orders-17.10" is of cluster orders; the stages before it lead to orders-18',
        remedy: 'name upgrades of orders-18 here',
      },
    ]);
  });

  test('a migration from a cluster where the pipeline is not', () => {
    expect(problemsOf(...orders, stages('[orders-to-18, orders-to-18]'))).toMatchObject([
      {
        path: 'spec.stages[1]',
        message:
          'StorageMigration "orders-to-18" is from cluster orders; the stages before it lead to orders-18',
      },
    ]);
  });

  test('a name that nothing has, and one that two documents have', () => {
    expect(problemsOf(...orders, stages('[orders-17.1, orders-to-18]'))).toMatchObject([
      {
        message:
          'there is no RollingUpgrade or StorageMigration "orders-17.1" in the files given; there is orders-17.10, orders-to-18',
        remedy: 'did you mean "orders-17.10"?',
      },
    ]);
    const twin = upgradeOf('orders', 'orders-to-18');
    expect(problemsOf(...orders, twin, pipeline)).toMatchObject([
      { message: '"orders-to-18" is a RollingUpgrade and a StorageMigration' },
    ]);
  });

  test('a stage by membership', () => {
    const [cluster = '', destination = '', upgrade = '', migration = ''] = orders;
    const changed = upgrade.replace("to: '17.10'", "to: '17.10'\n  strategy: by-membership");
    expect(problemsOf(cluster, destination, changed, migration, pipeline)).toMatchObject([
      { message: expect.stringContaining('stages of a pipeline are in-place') as string },
    ]);
  });
});
