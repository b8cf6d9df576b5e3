import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { kinds, type Kind } from '../../src/contracts/spec.js';
import { jsonSchema, type JsonSchema } from '../../src/spec/index.js';

const example = (name: string, of = 'postgres'): unknown =>
  parse(readFileSync(new URL(`../../examples/${of}/${name}`, import.meta.url), 'utf8'));

/** Every property of a schema that has no description, by its path. */
function silent(schema: JsonSchema, path: string): string[] {
  const children = Object.entries(schema.properties ?? {}).flatMap(([key, child]) =>
    typeof child === 'object'
      ? [...(child.description === undefined ? [`${path}.${key}`] : []), ...silent(child, `${path}.${key}`)]
      : [],
  );
  const others = [
    ...(schema.oneOf ?? []),
    ...(schema.anyOf ?? []),
    schema.items,
    schema.additionalProperties,
  ];
  return [
    ...children,
    ...others.flatMap((o) => (typeof o === 'object' && !Array.isArray(o) ? silent(o, path) : [])),
  ];
}

describe('R-SPEC-2: a JSON Schema of every kind is written out for editors', () => {
  test.each(Object.keys(kinds) as Kind[])('%s: draft 2020-12, strict, and every key is described', (kind) => {
    const schema = jsonSchema(kind);
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    expect(schema.additionalProperties).toBe(false);
    expect(schema.required).toEqual(['apiVersion', 'kind', 'metadata', 'spec']);
    expect(silent(schema, kind)).toEqual([]);
  });

  test('the combined schema has one branch a kind', () => {
    const constants = (jsonSchema().oneOf ?? []).map((o) => {
      const kind = typeof o === 'object' ? o.properties?.kind : undefined;
      return typeof kind === 'object' ? kind.const : undefined;
    });
    expect(constants).toEqual(Object.keys(kinds));
  });

  test('it takes the examples, and refuses what the reader refuses', () => {
    // Through plain JSON, as an editor gets it.
    const schema = z.fromJSONSchema(
      z.record(z.string(), z.unknown()).parse(JSON.parse(JSON.stringify(jsonSchema()))),
    );
    const cluster = z.record(z.string(), z.any()).parse(example('cluster.yaml'));
    const upgrade = z.record(z.string(), z.any()).parse(example('upgrade.yaml'));
    expect(schema.safeParse(cluster).error).toBeUndefined();
    expect(schema.safeParse(upgrade).error).toBeUndefined();
    for (const name of ['cluster.yaml', 'upgrade.yaml', 'formation.yaml']) {
      expect(schema.safeParse(example(name, 'etcd')).error, name).toBeUndefined();
    }
    const formation = z.record(z.string(), z.any()).parse(example('formation.yaml', 'etcd'));
    expect(schema.safeParse({ ...formation, kind: 'RollingUpgrade' }).success).toBe(false);
    expect(schema.safeParse({ ...formation, spec: { cluster: 'registry', seed: 'etcd-1' } }).success).toBe(
      false,
    );
    expect(schema.safeParse({ ...upgrade, spec: { cluster: 'orders', to: 17.1 } }).success).toBe(false);
    expect(schema.safeParse({ ...upgrade, speck: {} }).success).toBe(false);
    expect(schema.safeParse({ ...cluster, kind: 'RollingUpgrade' }).success).toBe(false);
  });
});
