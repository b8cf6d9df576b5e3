import type { z } from 'zod';
import type { Kind } from '../contracts/spec.js';
import { problemAt, sourceTextAt, valueAt, writePath, type Path, type SourceDocument } from './document.js';
import { adviseOnKey } from './known-keys.js';
import { nearestWord } from './nearest-word.js';
import { looksSecret, showKey, showValue } from './show-value.js';
import type { SpecProblem } from './spec-error.js';

type Issue = z.core.$ZodIssue;

/** What zod found, in the words of the user's file. The values of secrets are never in it. */
export function problemsOfIssue(
  document: SourceDocument,
  kind: Kind,
  issue: Issue,
  at: Path = [],
): SpecProblem[] {
  const path = [...at, ...issue.path];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(document, kind, path, key));
    case 'invalid_union':
      return ofUnion(document, kind, issue, path);
    case 'invalid_key':
      return [badKey(document, path, issue.issues[0]?.message ?? 'another key')];
    case 'invalid_element':
      return issue.issues.flatMap((inner) => problemsOfIssue(document, kind, inner, path));
    case 'invalid_type':
    case 'invalid_value':
    case 'invalid_format':
    case 'too_small':
    case 'too_big':
    case 'not_multiple_of':
    case 'custom':
      return [badValue(document, path, needOf(issue))];
  }
}

function unknownKey(document: SourceDocument, kind: Kind, parent: Path, key: string): SpecProblem {
  const spaceless = /^[A-Za-z0-9_.-]+[:=]/.test(key);
  return problemAt(document, [...parent, key], {
    onKey: true,
    shownPath: writePath(parent),
    message: `unknown key ${showKey(key)}`,
    remedy: spaceless ? 'write a space after the colon' : adviseOnKey(kind, document.value, parent, key),
  });
}

/** Of several shapes, the problems with the one that comes nearest: it has the deepest problems. */
function ofUnion(
  document: SourceDocument,
  kind: Kind,
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: Path,
): SpecProblem[] {
  const options = 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
  const discriminated = options.length > 0;
  const nearest = issue.errors.find((branch) => branch.every((inner) => !isAtRoot(inner)));
  if (!discriminated && nearest) {
    return nearest.flatMap((inner) => problemsOfIssue(document, kind, inner, path));
  }
  const wanted = discriminated
    ? options.map((o) => `"${o}"`)
    : issue.errors.flatMap((branch) => branch.filter(isAtRoot).map(needOf));
  return [badValue(document, path, [...new Set(wanted)].join(' or '), options)];
}

const isAtRoot = (issue: Issue): boolean => issue.path.length === 0 && issue.code !== 'unrecognized_keys';

function badKey(document: SourceDocument, path: Path, need: string): SpecProblem {
  const key = String(path.at(-1));
  return problemAt(document, path, {
    onKey: true,
    shownPath: writePath(path.slice(0, -1)),
    message: `the key ${showKey(key)} does not fit; needs ${need}`,
    remedy: `write ${need}`,
  });
}

function badValue(
  document: SourceDocument,
  path: Path,
  need: string,
  options: readonly string[] = [],
): SpecProblem {
  const value = valueAt(document.value, path);
  if (value === undefined) {
    const key = path.length === 0 ? 'the document' : `"${String(path.at(-1))}"`;
    return problemAt(document, path, { message: `${key} is missing`, remedy: `add it: ${need}` });
  }
  if (typeof value === 'string' && need.includes('reference such as env:'))
    return plainSecret(document, path);
  const asText = needsText(need) && (typeof value === 'number' || typeof value === 'boolean');
  if (asText) return unquoted(document, path, value, need);
  const near = typeof value === 'string' ? nearestWord(value, options) : undefined;
  return problemAt(document, path, {
    message: `found ${showValue(value, path)}; needs ${need}`,
    remedy: near === undefined ? `write ${need}` : `did you mean "${near}"?`,
  });
}

const needsText = (need: string): boolean => need === 'text' || need.startsWith('text ');

/** Says nothing of the value, not even its length. */
function plainSecret(document: SourceDocument, path: Path): SpecProblem {
  const name = String(path.at(-1))
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .toUpperCase();
  return problemAt(document, path, {
    message:
      'found text that is no reference to a secret; needs a reference such as env:NAME or file:/absolute/path, never the secret itself',
    remedy: `put the secret into the environment of the worker or a file on its host, and write env:${name} or file:/run/secrets/${String(path.at(-1))}; if the text was a real secret, change that secret`,
  });
}

/** `to: 17.10` is the number 17.1 for YAML: only quotes keep it. */
function unquoted(document: SourceDocument, path: Path, value: number | boolean, need: string): SpecProblem {
  const hidden = looksSecret(path);
  const source = sourceTextAt(document, path) ?? String(value);
  const read = source === String(value) ? '' : `, written ${source},`;
  return problemAt(document, path, {
    message: hidden
      ? `found a ${typeof value} that is not shown; needs ${need}`
      : `found the ${typeof value} ${value}${read} because it stands without quotes; needs ${need}`,
    remedy: hidden ? 'put the value in quotes' : `write ${String(path.at(-1))}: "${source}" in quotes`,
  });
}

/** What is needed, so that "needs …" and "write …" can stand before it. */
function needOf(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return typeWords[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return issue.values.length === 1
        ? `"${String(issue.values[0])}"`
        : `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `${issue.inclusive === false ? 'more than' : 'at least'} ${countOf(issue.minimum, issue.origin)}`;
    case 'too_big':
      return `${issue.inclusive === false ? 'less than' : 'at most'} ${countOf(issue.maximum, issue.origin)}`;
    case 'invalid_format':
    case 'custom':
    case 'not_multiple_of':
    case 'unrecognized_keys':
    case 'invalid_union':
    case 'invalid_key':
    case 'invalid_element':
      return issue.message;
  }
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

function countOf(limit: number | bigint, origin: string): string {
  if (origin === 'array' || origin === 'set') return `${limit} ${limit === 1 ? 'entry' : 'entries'}`;
  return origin === 'string' ? `${limit} ${limit === 1 ? 'character' : 'characters'}` : String(limit);
}
