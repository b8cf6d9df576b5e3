import { isScalar, LineCounter, parseAllDocuments, type ErrorCode } from 'yaml';
import type { SourceDocument } from './document.js';
import type { SpecProblem } from './spec-error.js';

export interface Source {
  /** As the user named it; only for messages. */
  readonly file: string;
  readonly text: string;
}

/** The documents of one file, or what keeps it from being read as YAML (JSON is a part of YAML). */
export function readDocuments({ file, text }: Source): {
  documents: readonly SourceDocument[];
  problems: readonly SpecProblem[];
} {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, version: '1.2' });
  const found = 'empty' in parsed ? [] : parsed.filter((d) => !isNothing(d.contents) || d.errors.length > 0);
  // Messages of the parser may quote what stands there, which may be a secret: ours say what is wrong only.
  const problems = found.flatMap((d) =>
    [...d.errors, ...d.warnings].map((e): SpecProblem => {
      const { line, col } = lines.linePos(e.pos[0]);
      return { file, line, column: col, path: '', code: 'SPEC_INVALID', ...syntax[e.code] };
    }),
  );
  if (found.length === 0) {
    problems.push({
      file,
      line: 1,
      column: 1,
      path: '',
      code: 'SPEC_INVALID',
      message: 'the file holds no document',
      remedy: 'write a document that begins with "apiVersion: rollgate/v1"; examples/postgres shows two',
    });
  }
  if (problems.length > 0) return { documents: [], problems };
  const documents = found.flatMap((yaml) => {
    try {
      return [{ file, lines, yaml, value: yaml.toJS() as unknown }];
    } catch (error) {
      // An alias without its anchor, or aliases that multiply without end; the reason names the alias.
      if (!(error instanceof ReferenceError)) throw error;
      const { line, col } = lines.linePos(yaml.range[0]);
      problems.push({ file, line, column: col, path: '', code: 'SPEC_INVALID', ...syntax.BAD_ALIAS });
      return [];
    }
  });
  return { documents, problems };
}

/** What stands between two `---`, or after the last: nothing, or comments only. */
const isNothing = (contents: unknown): boolean =>
  contents === null || (isScalar(contents) && contents.value === null);

const indentation = {
  message: 'the indentation does not fit what stands around it',
  remedy: 'indent the entries of one map or list by the same number of spaces',
};
const quoting = {
  message: 'this text has a meaning of its own in YAML here',
  remedy: 'put the value in quotes',
};
const structure = {
  message:
    'not valid YAML here: a map entry is "key: value" with a space after the colon, a list entry "- value"',
  remedy: 'look at this line and the one before it: colon, quote, bracket or indentation',
};
const anchors = {
  message: 'an anchor, alias or tag that does not fit here',
  remedy: 'write the value out; if it begins with "*", "&" or "!", put it in quotes',
};

const syntax: Record<ErrorCode, { message: string; remedy: string }> = {
  DUPLICATE_KEY: { message: 'the same key twice in one map', remedy: 'keep one of the two' },
  TAB_AS_INDENT: { message: 'a tab as indentation', remedy: 'indent with spaces' },
  BAD_INDENT: indentation,
  BLOCK_IN_FLOW: indentation,
  BAD_ALIAS: anchors,
  ALIAS_PROPS: anchors,
  BAD_PROP_ORDER: anchors,
  MULTIPLE_ANCHORS: anchors,
  MULTIPLE_TAGS: anchors,
  TAG_RESOLVE_FAILED: anchors,
  BAD_COLLECTION_TYPE: anchors,
  BAD_DIRECTIVE: structure,
  BAD_DQ_ESCAPE: {
    message: 'an escape that double quotes do not know',
    remedy: 'write \\\\ for a backslash, or use single quotes',
  },
  BAD_SCALAR_START: quoting,
  BLOCK_AS_IMPLICIT_KEY: {
    message: 'a map where a single value is needed: a value that holds ": " must be quoted',
    remedy: 'put the value in quotes',
  },
  IMPOSSIBLE: structure,
  KEY_OVER_1024_CHARS: structure,
  MISSING_CHAR: structure,
  MULTILINE_IMPLICIT_KEY: structure,
  MULTIPLE_DOCS: structure,
  NON_STRING_KEY: { message: 'a key that is not text', remedy: 'put the key in quotes' },
  RESOURCE_EXHAUSTION: { message: 'too many aliases or levels', remedy: 'write the values out' },
  UNEXPECTED_TOKEN: structure,
};
