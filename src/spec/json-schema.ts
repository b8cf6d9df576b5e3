import { z, type ZodType } from 'zod';
import type { Kind } from '../contracts/spec.js';
import { hostKinds } from '../hosts/registry.js';
import { routerKinds } from '../routing/registry.js';
import { systemSettings } from '../systems/settings.js';
import { adapterDescriptions } from './adapter-descriptions.js';
import { documentSchemas } from './document-schemas.js';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/**
 * JSON Schema (draft 2020-12) of documents as users write them: of one kind, or of all of them in one schema
 * for editors, which choose by `kind`.
 */
export function jsonSchema(kind?: Kind): JsonSchema {
  const schema =
    kind === undefined
      ? z.discriminatedUnion('kind', [
          documentSchemas.Cluster,
          documentSchemas.RollingUpgrade,
          documentSchemas.ClusterFormation,
          documentSchemas.StorageMigration,
          documentSchemas.Pipeline,
        ])
      : documentSchemas[kind];
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema: made }) => {
      const text = adapterTexts.get(zodSchema);
      // An optional setting takes over what is said of the type inside it, which several settings may share.
      if (text !== undefined && z.globalRegistry.get(zodSchema)?.description === undefined) {
        made.description = text;
      }
    },
  });
  return { $schema, title: kind === undefined ? 'rollgate' : `rollgate ${kind}`, ...rest };
}

/** The description of every setting of every adapter, by its schema. */
const adapterTexts = new Map<unknown, string>();
for (const [adapter, settings] of [
  ...Object.entries<ZodType>(systemSettings),
  ...Object.entries(hostKinds).map(([kind, host]): [string, ZodType] => [kind, host.settings]),
  ...Object.entries(routerKinds).map(([kind, router]): [string, ZodType] => [kind, router.settings]),
]) {
  describe(settings, adapterDescriptions[adapter] ?? {}, '');
}

function describe(schema: ZodType, texts: Readonly<Record<string, string>>, prefix: string): void {
  const inner = schema instanceof z.ZodOptional ? schema.unwrap() : schema;
  if (!(inner instanceof z.ZodObject)) return;
  for (const [key, child] of Object.entries(inner.shape)) {
    const text = texts[`${prefix}${key}`];
    if (text !== undefined) adapterTexts.set(child, text);
    if (child instanceof z.ZodType) describe(child, texts, `${prefix}${key}.`);
  }
}
