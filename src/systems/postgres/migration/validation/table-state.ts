import type { ClientBase } from 'pg';

/**
 * Keep a table from being emptied or rewritten until the transaction ends, and tell whether that has happened since
 * its snapshot: TRUNCATE and what rewrites a table are not seen by snapshots, the rows are simply gone. The catalog
 * as the snapshot sees it names the file of then, `pg_relation_filenode` the file of now.
 * https://www.postgresql.org/docs/17/mvcc-caveats.html
 * @param table as SQL has it, schema included
 */
export async function isReadable(client: ClientBase, table: string): Promise<boolean> {
  const { rows: present } = await client.query<{ there: boolean }>(
    'SELECT to_regclass($1) IS NOT NULL AS there',
    [table],
  );
  if (present[0]?.there !== true) return false;
  await client.query(`LOCK TABLE ONLY ${table} IN ACCESS SHARE MODE`);
  const { rows } = await client.query<{ same: boolean | null }>(
    'SELECT relfilenode = pg_relation_filenode(oid) AS same FROM pg_class WHERE oid = to_regclass($1)',
    [table],
  );
  return rows[0]?.same === true;
}
