import { z } from 'zod';
import type { Kind } from '../contracts/spec.js';
import { valueAt, writePath, type Path } from './document.js';
import { documentSchemas } from './document-schemas.js';
import { nearestWord } from './nearest-word.js';

type Schema = z.core.JSONSchema.BaseSchema;

/** What to say about a key that is not known at `parent`, judged by the schema of the kind. */
export function adviseOnKey(kind: Kind, document: unknown, parent: Path, key: string): string {
  const schema = schemaOf(kind);
  const known = keysOf(schemaAt(schema, document, parent));
  const near = nearestWord(key, known);
  if (near !== undefined) return `did you mean "${near}"?`;
  const elsewhere = placesOf(schema, key, []);
  const first = elsewhere[0];
  if (first) return `did you mean ${writePath(first)}?`;
  return known.length === 0 ? 'remove it' : `remove it; known here: ${known.join(', ')}`;
}

/** Every document kind as JSON Schema, made once: plain data is easier to walk than zod types. */
const made = new Map<Kind, Schema>();
function schemaOf(kind: Kind): Schema {
  const schema =
    made.get(kind) ?? z.toJSONSchema(documentSchemas[kind], { io: 'input', unrepresentable: 'any' });
  made.set(kind, schema);
  return schema;
}

function schemaAt(schema: Schema, document: unknown, path: Path): Schema {
  let at = choose(schema, document);
  for (const [depth, part] of path.entries()) {
    const next =
      typeof part === 'number' ? at.items : (at.properties?.[String(part)] ?? at.additionalProperties);
    if (typeof next !== 'object' || Array.isArray(next)) return {};
    at = choose(next, valueAt(document, path.slice(0, depth + 1)));
  }
  return at;
}

/** Of several shapes, the one whose constants are those of the value; otherwise one that is a map. */
function choose(schema: Schema, value: unknown): Schema {
  const options = (schema.oneOf ?? schema.anyOf ?? []).filter((o) => typeof o === 'object');
  if (options.length === 0) return schema;
  const fitting = options.find((option) => {
    const constants = Object.entries(option.properties ?? {}).filter(
      ([, p]) => typeof p === 'object' && p.const !== undefined,
    );
    return (
      constants.length > 0 &&
      constants.every(([key, p]) => typeof p === 'object' && p.const === valueAt(value, [key]))
    );
  });
  return fitting ?? options.find((o) => o.properties !== undefined) ?? schema;
}

const keysOf = (schema: Schema): string[] => Object.keys(schema.properties ?? {});

/** Where else in the document a key of this name belongs. */
function placesOf(schema: Schema, key: string, path: Path): Path[] {
  const here = schema.properties?.[key] === undefined ? [] : [[...path, key]];
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, child]) =>
    typeof child === 'object' ? placesOf(child, key, [...path, name]) : [],
  );
  const options = [...(schema.oneOf ?? []), ...(schema.anyOf ?? [])].flatMap((option) =>
    typeof option === 'object' ? placesOf(option, key, path) : [],
  );
  return [...here, ...below, ...options];
}
