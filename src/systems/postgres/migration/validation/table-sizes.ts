import type { ClientBase } from 'pg';
import type { TableSize } from '../../../../contracts/index.js';
import { bookkeeping } from '../names.js';

/** The user's tables that a stream carries, by its publication on the sender. */
export async function publishedTables(client: ClientBase, publication: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT '"' || replace(schemaname, '"', '""') || '"."' || replace(tablename, '"', '""') || '"' AS name
       FROM pg_publication_tables WHERE pubname = $1 AND schemaname <> $2 ORDER BY 1`,
    [publication, bookkeeping],
  );
  return rows.map((r) => r.name);
}

/** How large tables are now; one that is not there has no page. */
export async function tableSizes(client: ClientBase, tables: readonly string[]): Promise<TableSize[]> {
  const { rows } = await client.query<{ table: string; pages: string; bytes: string }>(
    `SELECT name AS table,
            coalesce(pg_relation_size(to_regclass(name)) / current_setting('block_size')::int, 0)::text AS pages,
            coalesce(pg_table_size(to_regclass(name)), 0)::text AS bytes
       FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, place) ORDER BY place`,
    [tables],
  );
  return rows.map(({ table, pages, bytes }) => ({ table, pages: Number(pages), bytes: Number(bytes) }));
}
