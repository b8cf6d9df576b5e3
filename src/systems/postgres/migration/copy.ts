import { pipeline } from 'node:stream/promises';
import { Transform } from 'node:stream';
import type { Client } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import {
  RollgateError,
  type EffectContext,
  type ExportCut,
  type MigrationFacet,
  type TableRange,
} from '../../../contracts/index.js';
import type { Sessions } from '../connection.js';
import { onlyPrimary } from '../primary.js';
import { requireExport, restart } from './export.js';
import { createCopyLanes } from './copy-lane.js';
import { keepReceived } from './received.js';
import { forgetTable, isWhole, record, recorded, whole, type Amount } from './copied-ranges.js';
import { requireTable, type CopiedTable } from './copied-table.js';

/** Text in and text out must mean the same on both sides, whatever is set for role, database or server. */
const settings = {
  bytea_output: 'hex',
  datestyle: 'ISO, YMD',
  default_transaction_deferrable: 'off',
  extra_float_digits: '1',
  intervalstyle: 'postgres',
  lc_monetary: 'C',
  row_security: 'off',
  search_path: 'pg_catalog',
  standard_conforming_strings: 'on',
  synchronize_seqscans: 'off',
  timezone: 'UTC',
  xmlbinary: 'base64',
  xmloption: 'content',
};

/** What `SET TRANSACTION SNAPSHOT` answers when the snapshot or the transaction that exported it is gone. */
const goneCodes = ['22023', '42704', '55000'];

/**
 * One range of pages under the held snapshot, and the record of it, in one transaction of the destination.
 *
 * Pages are those of the table's file. When it has got another one since the export (TRUNCATE, VACUUM FULL, CLUSTER)
 * rows are elsewhere, so that ranges would miss some or have some twice: such a table is copied anew as a whole. After
 * a TRUNCATE it is copied empty, and the stream brings what was there before and since.
 * https://www.postgresql.org/docs/17/mvcc-caveats.html
 */
export function createCopyRange(sessions: Sessions): MigrationFacet['copyRange'] {
  const inLane = createCopyLanes(sessions, settings);
  return async (pair, cut, range, ctx) => {
    if (![range.from, range.below ?? 0].every((page) => Number.isSafeInteger(page) && page >= 0)) {
      throw new RollgateError(
        'INTERNAL',
        `not a range of pages: ${JSON.stringify(range)}`,
        'Report this as a defect.',
      );
    }
    const [node, receiver] = [
      await onlyPrimary(sessions, pair.source),
      await onlyPrimary(sessions, pair.destination),
    ];
    await requireExport(sessions, pair.source, node, cut);
    const moved = { rows: 0, bytes: 0 };
    const progress = () => ({ table: range.table, from: range.from, ...moved });
    const nodes = { source: node, destination: receiver };
    return inLane(pair, nodes, ctx, progress, async ({ source, destination }) => {
      await destination.query('BEGIN READ WRITE');
      await destination.query("SET LOCAL session_replication_role = 'replica'");
      await keepReceived(destination, cut);
      const into = await requireTable(destination, range.table, receiver);
      // Before the source is looked at: who copies the whole table waits for us by this lock.
      await destination.query(`LOCK TABLE ONLY ${into.name} IN ROW EXCLUSIVE MODE`);
      const done = await recorded(destination, range);
      if (done) {
        await destination.query('ROLLBACK');
        return done;
      }

      await readAt(source, node, cut);
      const of = await requireTable(source, range.table, node);
      await source.query(`LOCK TABLE ONLY ${of.name} IN ACCESS SHARE MODE`);
      const sent = (await hasMoved(source, of))
        ? await copyWhole(source, destination, { node, cut, of, into }, moved, ctx)
        : await transfer(source, destination, { of, into, range }, moved, ctx);
      await destination.query('COMMIT');
      await source.query('ROLLBACK');
      return sent;
    });
  };
}

/** All of a table whose rows are elsewhere now; at the snapshot they are the same ones. */
async function copyWhole(
  source: Client,
  destination: Client,
  { node, cut, of, into }: { node: string; cut: ExportCut; of: CopiedTable; into: CopiedTable },
  moved: { rows: number; bytes: number },
  ctx: EffectContext,
): Promise<Amount> {
  // Two of us would wait for each other with the locks that they have, also with one on each side.
  await source.query('ROLLBACK');
  await destination.query('ROLLBACK');
  await destination.query('BEGIN READ WRITE');
  await destination.query("SET LOCAL session_replication_role = 'replica'");
  await keepReceived(destination, cut);
  await destination.query(`LOCK TABLE ONLY ${into.name} IN ACCESS EXCLUSIVE MODE`);
  if (await isWhole(destination, of.name)) return { rows: 0, bytes: 0 };
  await destination.query(`TRUNCATE ONLY ${into.name}`);
  await forgetTable(destination, of.name);
  await readAt(source, node, cut);
  await source.query(`LOCK TABLE ONLY ${of.name} IN ACCESS SHARE MODE`);
  return transfer(source, destination, { of, into, range: { table: of.name, from: whole } }, moved, ctx);
}

async function transfer(
  source: Client,
  destination: Client,
  { of, into, range }: { of: CopiedTable; into: CopiedTable; range: TableRange },
  moved: { rows: number; bytes: number },
  ctx: EffectContext,
): Promise<Amount> {
  const bounds = [
    ...(range.from === whole ? [] : [`ctid >= '(${range.from},0)'::tid`]),
    ...(range.below === undefined ? [] : [`ctid < '(${range.below},0)'::tid`]),
  ];
  const where = bounds.length === 0 ? '' : ` WHERE ${bounds.join(' AND ')}`;
  // Without conversion: both databases have the same encoding.
  const options = `(FORMAT text, ENCODING ${source.escapeLiteral(of.encoding)})`;
  const columns = of.columns.join(', ');
  const out = source.query(
    copyTo(`COPY (SELECT ${columns} FROM ONLY ${of.name}${where}) TO STDOUT ${options}`),
  );
  const list = of.columns.length === 0 ? '' : ` (${columns})`;
  const sink = destination.query(copyFrom(`COPY ${into.name}${list} FROM STDIN ${options}`));
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      moved.bytes += chunk.length;
      next(null, chunk);
    },
  });
  await pipeline(out, meter, sink, { signal: ctx.signal });
  moved.rows = sink.rowCount;
  if (out.rowCount !== sink.rowCount) {
    throw new RollgateError(
      'SYSTEM_REFUSED',
      `of ${out.rowCount} rows of ${of.name} the destination has taken ${sink.rowCount}`,
      'Look for a trigger or a rule on that table that turns rows away.',
    );
  }
  await record(destination, { ...range, table: of.name }, moved);
  return { ...moved };
}

async function readAt(source: Client, node: string, cut: ExportCut): Promise<void> {
  await source.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    await source.query(`SET TRANSACTION SNAPSHOT ${source.escapeLiteral(cut.snapshot.id)}`);
  } catch (error) {
    if (!goneCodes.includes((error as { code?: string }).code ?? '')) throw error;
    throw restart(node, cut, error);
  }
}

/** The catalog is read as of the snapshot, the function tells what is so now. */
async function hasMoved(source: Client, { name }: CopiedTable): Promise<boolean> {
  const { rows } = await source.query<{ moved: boolean }>(
    'SELECT relfilenode <> pg_relation_filenode(oid) AS moved FROM pg_class WHERE oid = to_regclass($1)',
    [name],
  );
  return rows[0]?.moved !== false;
}
