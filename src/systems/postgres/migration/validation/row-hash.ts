import { escapeIdentifier, type ClientBase } from 'pg';

/** One column as it is hashed, shown and looked up. */
export interface TableColumn {
  readonly name: string;
  /** What a text is cast to so that it becomes a value of this column. */
  readonly type: string;
  /** Its binary form is not the same on two servers, or it has none: it is hashed as its text. */
  readonly byText: boolean;
}

/**
 * Oids below are written into the source of PostgreSQL and are the same in every version; those above are given by
 * each server itself. https://www.postgresql.org/docs/17/system-catalog-initial-data.html#SYSTEM-CATALOG-OID-ASSIGNMENT
 */
const firstOwnOid = 10_000;

/** The columns of a table by name, as the session's snapshot has them: generated ones too, dropped ones not. */
export async function columnsOf(client: ClientBase, table: string): Promise<TableColumn[]> {
  const { rows } = await client.query<TableColumn>(
    `SELECT a.attname AS name, format_type(a.atttypid, -1) AS type,
            bool_or(t.oid >= $2 OR t.typtype NOT IN ('b', 'r', 'm') OR t.typsend = 0 OR t.typname LIKE 'reg%')
              AS "byText"
       FROM pg_attribute a
       JOIN pg_type own ON own.oid = a.atttypid
       JOIN pg_type t ON t.oid = own.oid OR (own.typcategory = 'A' AND t.oid = own.typelem)
      WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
      GROUP BY a.attname, a.atttypid
      ORDER BY a.attname`,
    [table, firstOwnOid],
  );
  return rows;
}

/** What the type itself prints. A cast to text would not do: it may be the user's own, and trims `character`. */
export const asText = (column: TableColumn): string => {
  const value = valueOf(column);
  return `CASE WHEN num_nulls(${value}) = 0 THEN concat(${value}) END`;
};

/**
 * The 64-bit hash of one row of the table `t`: of the binary form of its columns by name, so that neither their order
 * nor how values are printed matters. Equal on two servers of one byte order when, and but for 2⁻⁶⁴ only when, the
 * rows are. To be used with the pinned settings of {@link readSnapshot}.
 * https://www.postgresql.org/docs/17/functions-comparisons.html#COMPOSITE-TYPE-COMPARISON
 */
export const rowHash = (columns: readonly TableColumn[]): string => {
  const values = columns.map((column) => (column.byText ? asText(column) : valueOf(column)));
  return `hash_record_extended(ROW(record_send(ROW(${values.join(', ')}))), 0)`;
};

const valueOf = (column: TableColumn): string => `t.${escapeIdentifier(column.name)}`;
