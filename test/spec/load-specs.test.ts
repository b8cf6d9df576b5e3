import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { checkFormation, checkMigration, checkTarget, loadSpecs, SpecError } from '../../src/spec/index.js';

const directory = mkdtempSync(join(tmpdir(), 'rollgate-spec-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const example = (name: string, of = 'postgres'): string =>
  fileURLToPath(new URL(`../../examples/${of}/${name}`, import.meta.url));

describe('R-SPEC-2: files', () => {
  test('the examples load, and name a target', async () => {
    const specs = await loadSpecs([example('cluster.yaml'), example('upgrade.yaml')]);
    const { cluster, upgrade } = checkTarget(specs);
    expect(cluster.nodes.map((n) => n.id)).toEqual(['pg-1', 'pg-2', 'pg-3']);
    expect(Object.keys(cluster.artifacts)).toEqual(['17.5', '17.10']);
    expect(upgrade).toMatchObject({ to: '17.10', soak: 60_000, approvals: { before: ['handover'] } });
  });

  test('the examples of a migration load, and name both of its clusters', async () => {
    const files = ['cluster.yaml', 'destination.yaml', 'migration.yaml'].map((f) => example(f));
    const { cluster, destination, migration } = checkMigration(await loadSpecs(files));
    expect([cluster.name, destination.name]).toEqual([migration.source, migration.destination]);
    expect(migration).toMatchObject({
      cutover: { approval: true, maxWritePause: 1000, window: { from: '02:00', to: '04:30' } },
      observe: { for: 3_600_000, synchronousReverse: true, acceptance: true },
    });
  });

  test('a migration whose destination is not in the files is told where it names it', async () => {
    const files = ['cluster.yaml', 'migration.yaml'].map((f) => example(f));
    const error: unknown = await loadSpecs(files).catch((e: unknown) => e);
    expect(error).toMatchObject({
      problems: [
        { path: 'spec.destination', message: expect.stringContaining('no Cluster "orders-18"') as string },
      ],
    });
  });

  test('the examples of etcd load, and name an upgrade and a formation that fit together', async () => {
    const files = ['cluster.yaml', 'upgrade.yaml', 'formation.yaml'].map((f) => example(f, 'etcd'));
    const specs = await loadSpecs(files);
    const { cluster, upgrade } = checkTarget(specs);
    const { formation } = checkFormation(specs);
    expect(Object.keys(cluster.artifacts)).toEqual([formation.version, upgrade.to, '3.7.3']);
    expect(upgrade).toMatchObject({ to: '3.6.16', switch: { approval: true, burnIn: 600_000 } });
    expect([formation.seed, ...formation.expand]).toEqual(cluster.nodes.map((n) => n.id));
    expect(formation).toMatchObject({ learnerLag: 100, approvals: { before: ['init/etcd-1'] } });
  });

  test('a file that is not there, and what is wrong in the others', async () => {
    const bad = join(directory, 'bad.yaml');
    writeFileSync(bad, 'kind: Cluster\n');
    const error: unknown = await loadSpecs([join(directory, 'absent.yaml'), directory, bad]).catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(SpecError);
    expect(error).toMatchObject({
      exitCode: 2,
      problems: [
        { code: 'SPEC_UNREADABLE', line: 0, message: 'there is no such file' },
        { code: 'SPEC_UNREADABLE', message: 'this is a directory' },
        { code: 'SPEC_INVALID', file: bad, path: 'apiVersion' },
      ],
    });
  });

  test('only a file that is not there: SPEC_UNREADABLE', async () => {
    await expect(loadSpecs([join(directory, 'absent.yaml')])).rejects.toMatchObject({
      code: 'SPEC_UNREADABLE',
    });
  });

  test('no file at all is a wrong call', async () => {
    await expect(loadSpecs([])).rejects.toMatchObject({ code: 'USAGE', exitCode: 2 });
  });
});

describe('R-SPEC-2: the upgrade to run', () => {
  test('the only one, one by name, or an error that lists what there is', async () => {
    const specs = await loadSpecs([example('cluster.yaml'), example('upgrade.yaml')]);
    const only = checkTarget(specs).upgrade;
    expect(checkTarget(specs, only.name).upgrade).toBe(only);
    expect(() => checkTarget(specs, 'orders-17.1')).toThrow(/there is orders-17\.10/);
    const two = { ...specs, upgrades: new Map([...specs.upgrades, ['second', { ...only, name: 'second' }]]) };
    expect(() => checkTarget(two)).toThrow(/2 RollingUpgrades: orders-17\.10, second/);
    expect(checkTarget(two, 'second').upgrade.name).toBe('second');
    expect(() => checkTarget({ ...specs, upgrades: new Map() })).toThrow(/no RollingUpgrade/);
    expect(() => checkTarget({ ...specs, clusters: new Map() })).toThrow(
      /Cluster "orders".*not in the files/,
    );
  });
});
