import { escapeIdentifier, type ClientBase } from 'pg';
import { RollgateError } from '../../../contracts/index.js';

export interface CopiedTable {
  /** Schema and name, always quoted. */
  readonly name: string;
  /** Quoted, in order, without generated ones: the receiver computes these itself. */
  readonly columns: readonly string[];
  /** Of the database. */
  readonly encoding: string;
}

/**
 * A table by the name that the export gives it: anything else does not get into a statement.
 * https://www.postgresql.org/docs/17/catalog-pg-attribute.html
 * @throws SYSTEM_REFUSED when there is no such table
 */
export async function requireTable(client: ClientBase, name: string, node: string): Promise<CopiedTable> {
  const { rows } = await client.query<{
    schema: string;
    relation: string;
    columns: string[];
    encoding: string;
  }>(
    `SELECT n.nspname AS schema, c.relname AS relation, current_setting('server_encoding') AS encoding,
            ARRAY(SELECT a.attname::text FROM pg_attribute a
                   WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
                   ORDER BY a.attnum) AS columns
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.oid = to_regclass($1) AND c.relkind = 'r'`,
    [name],
  );
  const [row] = rows;
  const quoted = row && `${escapeIdentifier(row.schema)}.${escapeIdentifier(row.relation)}`;
  if (row && quoted === name) {
    return { name: quoted, columns: row.columns.map((c) => escapeIdentifier(c)), encoding: row.encoding };
  }
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `there is no table ${name} on ${node}`,
    'Something has changed its definition since the export: begin anew.',
  );
}
