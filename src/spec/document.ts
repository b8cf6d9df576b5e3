import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  visit,
  type Document,
  type LineCounter,
  type Node,
} from 'yaml';
import type { SpecProblem, SpecProblemCode } from './spec-error.js';

export type Path = readonly PropertyKey[];

/** One YAML or JSON document of a file, with the places of everything in it. */
export interface SourceDocument {
  readonly file: string;
  readonly value: unknown;
  readonly yaml: Document.Parsed;
  readonly lines: LineCounter;
}

/** `['spec','nodes',1,'address']` → `spec.nodes[1].address`; keys that are no plain names are quoted. */
export function writePath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    const key = String(part);
    if (!/^[A-Za-z0-9_-]+$/.test(key)) return `${text}[${JSON.stringify(key)}]`;
    return text === '' ? key : `${text}.${key}`;
  }, '');
}

/** The value at a path of plain data. */
export function valueAt(value: unknown, path: Path): unknown {
  let found = value;
  for (const part of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = Object.entries(found).find(([key]) => key === String(part))?.[1];
  }
  return found;
}

/** The scalar as it stands in the file: `17.10`, which YAML reads as 17.1. */
export function sourceTextAt(document: SourceDocument, path: Path): string | undefined {
  const node = document.yaml.getIn([...path], true);
  return isScalar(node) ? node.source : undefined;
}

/**
 * A problem at the node of `path`, or at the nearest one around it that is there.
 * `onKey` points to the last key of the path instead of its value.
 */
export function problemAt(
  document: SourceDocument,
  path: Path,
  what: { code?: SpecProblemCode; message: string; remedy: string; onKey?: boolean; shownPath?: string },
): SpecProblem {
  const { line, col } = document.lines.linePos(offsetOf(document, path, what.onKey === true));
  return {
    file: document.file,
    line,
    column: col,
    path: what.shownPath ?? writePath(path),
    code: what.code ?? 'SPEC_INVALID',
    message: what.message,
    remedy: what.remedy,
  };
}

function offsetOf({ yaml }: SourceDocument, path: Path, onKey: boolean): number {
  let node: unknown = yaml.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : yaml.range[0];
  for (const [depth, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(yaml);
    const pair = isMap(node) ? node.items.find((p) => keyText(p.key) === String(part)) : undefined;
    const key = isNode(pair?.key) ? pair.key.range?.[0] : undefined;
    node = isMap(node) ? pair?.value : isSeq(node) && typeof part === 'number' ? node.items[part] : undefined;
    const value = isNode(node) && !isEmpty(node) ? node.range?.[0] : undefined;
    const last = depth === path.length - 1;
    const next = last && onKey ? (key ?? value) : (value ?? key);
    if (next === undefined) return offset;
    // What is missing in a map is shown at the key that holds the map, which is easier to find than its first entry.
    offset = last ? next : (key ?? next);
  }
  return offset;
}

const isEmpty = (node: Node): boolean => isScalar(node) && node.value === null && (node.source ?? '') === '';

const keyText = (key: unknown): string => (isScalar(key) ? String(key.value) : '');

/** Keys that YAML does not read as text, such as the version 17.10, which would silently become 17.1. */
export function keysThatAreNoText(document: SourceDocument): SpecProblem[] {
  const problems: SpecProblem[] = [];
  visit(document.yaml, {
    Pair: (_, pair) => {
      if (!isNode(pair.key) || (isScalar(pair.key) && typeof pair.key.value === 'string')) return undefined;
      const { line, col } = document.lines.linePos(pair.key.range?.[0] ?? 0);
      const read = isScalar(pair.key) && typeof pair.key.value === 'number';
      const text = isScalar(pair.key) ? (pair.key.source ?? '') : '';
      problems.push({
        file: document.file,
        line,
        column: col,
        path: '',
        code: 'SPEC_INVALID',
        message: read
          ? `the key ${text} is read as the number ${String(isScalar(pair.key) ? pair.key.value : '')}; needs text`
          : 'a key that is not text',
        remedy: read ? `write "${text}": in quotes` : 'write the key as a plain word or in quotes',
      });
      return undefined;
    },
  });
  return problems;
}
