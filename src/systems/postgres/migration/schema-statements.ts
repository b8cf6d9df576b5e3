/** One statement of a schema dump, with the entry of the dump that it belongs to. */
export interface SchemaStatement {
  readonly sql: string;
  /** E.g. `INDEX orders_pkey (public)`; absent before the first entry. */
  readonly entry?: string;
  /** It sets the session up for what follows, so it runs each time, outside of any transaction. */
  readonly setsUp: boolean;
}

/**
 * The statements of a plain dump as pg_dump writes it, in order, without psql's own commands (`\restrict`).
 * Ends of statements are found as psql finds them: a semicolon outside of quotes, comments, parentheses and the bodies
 * of functions in standard SQL (BEGIN ATOMIC).
 * https://www.postgresql.org/docs/17/sql-syntax-lexical.html
 * @throws SyntaxError when the text ends inside of a statement
 */
export function schemaStatements(dump: string): SchemaStatement[] {
  const statements: SchemaStatement[] = [];
  let entry: string | undefined;
  let start: number | undefined;
  let words: string[] = [];
  let parentheses = 0;
  let blocks = 0;

  for (const token of tokens(dump)) {
    if (token.kind === 'comment') {
      if (start === undefined) entry = entryOf(token.text) ?? entry;
      continue;
    }
    if (token.kind === 'end' && parentheses === 0 && blocks === 0) {
      if (start !== undefined) {
        const sql = dump.slice(start, token.at).trim();
        statements.push({ sql, ...(entry !== undefined && { entry }), setsUp: setsUp(sql) });
      }
      start = undefined;
      words = [];
      continue;
    }
    start ??= token.at;
    if (token.kind === 'open') parentheses += 1;
    if (token.kind === 'close') parentheses -= 1;
    if (token.kind !== 'word' || parentheses > 0) continue;
    const word = token.text.toLowerCase();
    if (words.length < 4) words.push(word);
    if (!makesRoutine(words)) continue;
    if (word === 'begin') blocks += 1;
    if (word === 'case' && blocks > 0) blocks += 1;
    if (word === 'end' && blocks > 0) blocks -= 1;
  }
  if (start !== undefined) {
    throw new SyntaxError(`the dump ends inside of a statement: ${dump.slice(start, start + 80)}`);
  }
  return statements;
}

const setsUp = (sql: string): boolean => /^(?:SET\s|SELECT\s+pg_catalog\.set_config\s*\()/i.test(sql);

const makesRoutine = (words: readonly string[]): boolean =>
  /^create (?:or replace )?(?:function|procedure)\b/.test(words.join(' '));

/** pg_dump puts this before each entry; names in it have no line ends. */
function entryOf(comment: string): string | undefined {
  const match = /^-- (?:Data for )?Name: (.*); Type: ([^;]*); Schema: (.*); Owner: /.exec(comment);
  if (!match) return undefined;
  const [, name = '', type = '', schema = ''] = match;
  return schema === '-' ? `${type} ${name}` : `${type} ${name} (${schema})`;
}

interface Token {
  readonly kind: 'comment' | 'end' | 'open' | 'close' | 'word' | 'other';
  readonly at: number;
  readonly text: string;
}

/** In the order in which they must be tried. A dump has standard_conforming_strings on. */
const lexicon: readonly (readonly [Token['kind'] | 'skip', RegExp])[] = [
  ['skip', /\s+/y],
  // A command of psql, at the beginning of a line only.
  ['skip', /(?<=^|\n)\\[^\n]*/y],
  ['comment', /--[^\n]*/y],
  ['other', /[eE]'(?:[^'\\]|''|\\[\s\S])*'/y],
  ['other', /(?:[nNbBxX]|[uU]&)?'(?:[^']|'')*'/y],
  ['other', /(?:[uU]&)?"(?:[^"]|"")*"/y],
  ['other', /\$([A-Za-z_\u0080-\uffff][A-Za-z_0-9\u0080-\uffff]*)?\$[\s\S]*?\$\1\$/y],
  ['word', /[A-Za-z_\u0080-\uffff][A-Za-z_0-9$\u0080-\uffff]*/y],
  // So that a parameter ($1) or a number is not taken for the beginning of something else.
  ['other', /[0-9$][A-Za-z_0-9$.]*/y],
  ['end', /;/y],
  ['open', /\(/y],
  ['close', /\)/y],
];

function* tokens(text: string): Generator<Token> {
  let at = 0;
  while (at < text.length) {
    if (text.startsWith('/*', at)) {
      at = endOfBlockComment(text, at);
      continue;
    }
    const [kind, length] = match(text, at);
    if (kind !== 'skip') yield { kind, at, text: text.slice(at, at + length) };
    at += length;
  }
}

function match(text: string, at: number): readonly [Token['kind'] | 'skip', number] {
  for (const [kind, pattern] of lexicon) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) return [kind, found[0].length];
  }
  const character = text[at] ?? '';
  if (`'"`.includes(character)) {
    throw new SyntaxError(`the dump ends inside of a quote: ${text.slice(at, at + 80)}`);
  }
  return ['other', 1];
}

/** They nest, other than those of C. */
function endOfBlockComment(text: string, from: number): number {
  const edge = /\/\*|\*\//g;
  edge.lastIndex = from;
  for (let depth = 0; ;) {
    const found = edge.exec(text);
    if (!found) throw new SyntaxError(`the dump ends inside of a comment: ${text.slice(from, from + 80)}`);
    depth += found[0] === '/*' ? 1 : -1;
    if (depth === 0) return edge.lastIndex;
  }
}
