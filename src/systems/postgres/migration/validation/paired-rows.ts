import type { ClientBase } from 'pg';
import type { Mismatch, Side } from '../../../../contracts/index.js';
import type { PlacedRow } from './row-buckets.js';
import type { TableColumn } from './row-hash.js';
import { cutShort, rowsAt, rowsByKey, tellApart, type ShownRow } from './shown-row.js';

/** Reads one table of one side, each time in a transaction of its own. */
export interface TableReader {
  read<T>(body: (client: ClientBase, columns: readonly TableColumn[]) => Promise<T>): Promise<T>;
}

const otherThan = (side: Side): Side => (side === 'source' ? 'destination' : 'source');

/**
 * Rows that one side has and the other has not, each told as what it is: `differs` when the other one has a row of the
 * same key, wherever that is. `seen` has the places of rows that have been told already, and is added to.
 */
export async function pairRows(
  readers: Readonly<Record<Side, TableReader>>,
  { table, key }: { readonly table: string; readonly key: readonly string[] },
  left: Readonly<Record<Side, readonly PlacedRow[]>>,
  { limit, seen }: { limit: number; seen: Readonly<Record<Side, Set<string>>> },
): Promise<Mismatch[]> {
  const found: Mismatch[] = [];
  for (const side of ['source', 'destination'] as const) {
    const places = left[side]
      .map((row) => row.place)
      .filter((place) => !seen[side].has(place))
      .slice(0, limit - found.length);
    if (places.length === 0) continue;
    const rows = await readers[side].read((client, columns) => rowsAt(client, table, columns, key, places));
    const partners = await readers[otherThan(side)].read((client, columns) =>
      rowsByKey(client, table, columns, key, rows),
    );
    for (const row of rows) {
      const partner = partners.get(row);
      seen[side].add(row.place);
      if (partner) seen[otherThan(side)].add(partner.place);
      found.push(describe({ table, key, [side]: row, [otherThan(side)]: partner }));
    }
  }
  return found;
}

/**
 * Columns of the replica identity where it is an index, else of the primary key; none: rows have no key.
 * https://www.postgresql.org/docs/17/sql-altertable.html#SQL-ALTERTABLE-REPLICA-IDENTITY
 */
export async function keyOf(client: ClientBase, table: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT a.attname AS name
       FROM (SELECT * FROM pg_index
              WHERE indrelid = to_regclass($1) AND (indisreplident OR indisprimary)
              ORDER BY indisreplident DESC LIMIT 1) AS i
       CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
       JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
      WHERE k.place <= i.indnkeyatts
      ORDER BY k.place`,
    [table],
  );
  return rows.map((row) => row.name);
}

function describe(pair: {
  table: string;
  key: readonly string[];
  source?: ShownRow;
  destination?: ShownRow;
}): Mismatch {
  const { table, source, destination } = pair;
  const row = source ?? destination;
  const names = [...(row?.values.keys() ?? [])];
  const key = pair.key.length > 0 ? pair.key : names;
  const others = names.filter((name) => !key.includes(name));
  const kind = source === undefined ? 'extra' : destination === undefined ? 'missing' : 'differs';
  return {
    table,
    kind,
    key: Object.fromEntries(key.map((name) => [name, cutShort(row?.values.get(name)?.text ?? null)])),
    columns:
      kind === 'differs'
        ? names.flatMap((name) => {
            const [one, other] = [source?.values.get(name), destination?.values.get(name)];
            if (one?.hash === other?.hash) return [];
            const [a, b] = tellApart(one, other);
            return [{ name, source: a, destination: b }];
          })
        : others.map((name) => ({
            name,
            source: cutShort(source?.values.get(name)?.text ?? null),
            destination: cutShort(destination?.values.get(name)?.text ?? null),
          })),
  };
}
