import { escapeIdentifier, type ClientBase } from 'pg';
import {
  RollgateError,
  type ClusterSpec,
  type Direction,
  type EffectContext,
  type TableSize,
} from '../../../contracts/index.js';
import type { Sessions } from '../connection.js';
import { onlyPrimary } from '../primary.js';
import { mark } from './bookkeeping.js';
import { passGuard } from './ddl-guard.js';
import { markerTable, streamName } from './names.js';
import { isOfExtension, userTables } from './user-objects.js';

/** SQL: the name of relation `c` in schema `n`, always quoted: one name for one table, whatever it is called. */
const quotedName = `'"' || replace(n.nspname, '"', '""') || '"."' || replace(c.relname, '"', '""') || '"'`;
const marker = markerTable
  .split('.')
  .map((part) => escapeIdentifier(part))
  .join('.');

/**
 * The tables that are copied, carried by the stream and compared: every table with rows of its own, partitions among
 * them. Left out are the tables of extensions, which `CREATE EXTENSION` makes and fills on the other side, and what
 * is not logged or temporary, which no replication carries. Pages and bytes are those of now.
 */
export async function replicatedTables(client: ClientBase): Promise<TableSize[]> {
  const { rows } = await client.query<{ table: string; pages: string; bytes: string }>(
    `SELECT ${quotedName} AS table,
            coalesce(pg_relation_size(c.oid) / current_setting('block_size')::int, 0)::text AS pages,
            coalesce(pg_table_size(c.oid), 0)::text AS bytes
       FROM ${userTables} AND c.relpersistence = 'p' AND NOT ${isOfExtension('pg_class', 'c.oid')}
      ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`,
  );
  return rows.map(({ table, pages, bytes }) => ({ table, pages: Number(pages), bytes: Number(bytes) }));
}

/** `lock_not_available`: https://www.postgresql.org/docs/17/errcodes-appendix.html */
const lockNotAvailable = '55P03';

/**
 * The publication of a direction on its sender: exactly the replicated tables, each under its own name, and our
 * marker. Idempotent; one that is there already is brought into line.
 * https://www.postgresql.org/docs/17/sql-createpublication.html
 * @throws CUT_REFUSED when a table is locked by maintenance; SYSTEM_REFUSED when a publication of that name is not ours
 */
export async function makePublication(
  sessions: Sessions,
  sender: ClusterSpec,
  direction: Direction,
  ctx: EffectContext,
): Promise<void> {
  ctx.signal.throwIfAborted();
  const name = streamName(direction);
  await sessions.on(sender, await onlyPrimary(sessions, sender), async (client) => {
    await client.query('BEGIN');
    await client.query(`SET LOCAL lock_timeout = '5s'; ${passGuard}`);
    const there = await readPublication(client, name);
    const wanted = [...(await replicatedTables(client)).map((t) => t.table), marker];
    // ONLY: a child by inheritance is a table of its own in the list.
    const list = wanted.map((table) => `ONLY ${table}`).join(', ');
    const options = "publish = 'insert, update, delete, truncate', publish_via_partition_root = false";
    try {
      if (there === undefined) {
        await client.query(
          `CREATE PUBLICATION ${name} FOR TABLE ${list} WITH (${options});
           COMMENT ON PUBLICATION ${name} IS '${mark}'`,
        );
      } else if (!sameTables(there, wanted)) {
        await client.query(
          `ALTER PUBLICATION ${name} SET TABLE ${list}; ALTER PUBLICATION ${name} SET (${options})`,
        );
      }
    } catch (error) {
      if ((error as { code?: string }).code !== lockNotAvailable) throw error;
      throw new RollgateError(
        'CUT_REFUSED',
        `a table that is to be published is locked for more than 5 s`,
        'Wait until VACUUM, ANALYZE, the making of an index or the like has ended; the call is repeated by itself.',
        { cause: error },
      );
    }
    await client.query('COMMIT');
  });
}

const sameTables = (some: readonly string[], others: readonly string[]): boolean =>
  JSON.stringify([...some].sort()) === JSON.stringify([...others].sort());

/** The tables of a publication of ours. @throws SYSTEM_REFUSED when it is not ours */
async function readPublication(client: ClientBase, name: string): Promise<string[] | undefined> {
  const { rows } = await client.query<{ comment: string | null; tables: string[] }>(
    `SELECT obj_description(p.oid, 'pg_publication') AS comment,
            ARRAY(SELECT ${quotedName} FROM pg_publication_rel r JOIN pg_class c ON c.oid = r.prrelid
                    JOIN pg_namespace n ON n.oid = c.relnamespace
                   WHERE r.prpubid = p.oid) AS tables
       FROM pg_publication p WHERE p.pubname = $1`,
    [name],
  );
  const [row] = rows;
  if (!row) return undefined;
  if (row.comment === mark) return row.tables;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `there is a publication ${name} that rollgate has not made`,
    'Rename that publication: rollgate needs the name for the time of the migration.',
  );
}
