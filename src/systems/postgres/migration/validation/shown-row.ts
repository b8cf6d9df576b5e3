import { escapeIdentifier, type ClientBase } from 'pg';
import { asText, rowHash, type TableColumn } from './row-hash.js';

/** A value as it can be told: what it prints, and what it is. */
export interface ShownValue {
  /** Its beginning; of a key column all of it; `null` for NULL. */
  readonly text: string | null;
  /** In characters. */
  readonly length: number | null;
  readonly hash: string;
}

/** A row with its values by column. */
export interface ShownRow {
  readonly place: string;
  readonly values: ReadonlyMap<string, ShownValue>;
}

/** Characters of a value that are told at most. */
const shownLength = 200;

export const cutShort = (text: string | null): string | null => text?.slice(0, shownLength) ?? null;

/** Rows by their place. */
export async function rowsAt(
  client: ClientBase,
  table: string,
  columns: readonly TableColumn[],
  key: readonly string[],
  places: readonly string[],
): Promise<ShownRow[]> {
  const { rows } = await client.query<SelectedRow>(
    `SELECT ${shown(columns, key)} FROM ONLY ${table} AS t WHERE t.ctid = ANY ($1::tid[])`,
    [places],
  );
  return rows.map((row) => readRow(row, columns));
}

/**
 * For each row the one of the same key in this table. Keys are compared as their type compares them, so that an index
 * can be used and 1.10 finds 1.100; those of a user's type, whose operators are not to be relied on, by what they print.
 */
export async function rowsByKey(
  client: ClientBase,
  table: string,
  columns: readonly TableColumn[],
  key: readonly string[],
  of: readonly ShownRow[],
): Promise<ReadonlyMap<ShownRow, ShownRow>> {
  const found = new Map<ShownRow, ShownRow>();
  const keyColumns = key.flatMap((name) => columns.filter((column) => column.name === name));
  if (of.length === 0 || keyColumns.length === 0 || keyColumns.length < key.length) return found;
  const wanted = keyColumns.map((_, i) => `k${i}`);
  const equal = keyColumns.map((column, i) =>
    column.byText
      ? `${asText(column)} = k.k${i}`
      : `t.${escapeIdentifier(column.name)} = k.k${i}::${column.type}`,
  );
  const { rows } = await client.query<SelectedRow & { wanted: string }>(
    `SELECT k.i::text AS wanted, ${shown(columns, key)}
       FROM unnest(${keyColumns.map((_, i) => `$${i + 1}::text[]`).join(', ')})
            WITH ORDINALITY AS k (${[...wanted, 'i'].join(', ')})
       JOIN ONLY ${table} AS t ON ${equal.join(' AND ')}`,
    key.map((name) => of.map((row) => row.values.get(name)?.text ?? null)),
  );
  for (const row of rows) {
    const asked = of[Number(row.wanted) - 1];
    if (asked) found.set(asked, readRow(row, columns));
  }
  return found;
}

/** In arrays: a SELECT has fewer columns than three times the columns of a table. */
interface SelectedRow {
  readonly place: string;
  readonly texts: readonly (string | null)[];
  readonly lengths: readonly (string | null)[];
  readonly hashes: readonly string[];
}

function shown(columns: readonly TableColumn[], key: readonly string[]): string {
  const array = (of: (column: TableColumn) => string, as: string): string =>
    `ARRAY[${columns.map(of).join(', ')}]::text[] AS ${as}`;
  return [
    't.ctid::text AS place',
    array((c) => (key.includes(c.name) ? asText(c) : `left(${asText(c)}, ${shownLength})`), 'texts'),
    array((c) => `length(${asText(c)})::text`, 'lengths'),
    array((c) => `${rowHash([c])}::text`, 'hashes'),
  ].join(', ');
}

function readRow({ place, texts, lengths, hashes }: SelectedRow, columns: readonly TableColumn[]): ShownRow {
  const values = columns.map(({ name }, i): [string, ShownValue] => {
    const length = lengths[i] ?? null;
    return [
      name,
      { text: texts[i] ?? null, length: length === null ? null : Number(length), hash: hashes[i] ?? '' },
    ];
  });
  return { place, values: new Map(values) };
}

/** Two values that differ, told so that it can be seen, also where what is told of them would be the same. */
export function tellApart(
  one: ShownValue | undefined,
  other: ShownValue | undefined,
): [string | null, string | null] {
  const [a, b] = [cutShort(one?.text ?? null), cutShort(other?.text ?? null)];
  return a === b ? [withHash(one), withHash(other)] : [a, b];
}

function withHash(value: ShownValue | undefined): string | null {
  if (value === undefined || value.text === null) return null;
  const suffix = ` … (${value.length ?? 0} characters, hash ${value.hash})`;
  return value.text.slice(0, shownLength - suffix.length) + suffix;
}
