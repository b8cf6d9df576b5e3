import type { ClientBase } from 'pg';
import { RollgateError } from '../../../../contracts/index.js';
import { isOfExtension, isUserSchema } from '../user-objects.js';

/** Where a sequence is to go on, on the other side. */
export interface SequenceValue {
  /** Quoted. */
  readonly name: string;
  readonly value: string;
  readonly called: boolean;
}

/** How many values are left out: none is given twice even if the side that gave the last ones loses some of its log. */
const headroom = 32n;

interface Row {
  readonly name: string;
  readonly increment: string;
  readonly min: string;
  readonly max: string;
  readonly last: string | null;
}

/**
 * Every sequence of the user's as it stands, whoever owns it, with headroom. To be read when nobody is left who
 * could take a value; locks on tables do not keep anybody from that.
 * https://www.postgresql.org/docs/17/logical-replication-restrictions.html
 */
export async function readSequences(client: ClientBase): Promise<SequenceValue[]> {
  const { rows } = await client.query<Row>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name, s.seqincrement::text AS increment,
            s.seqmin::text AS min, s.seqmax::text AS max, pg_sequence_last_value(c.oid)::text AS last
       FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relpersistence <> 't' AND ${isUserSchema('n.nspname')} AND NOT ${isOfExtension('pg_class', 'c.oid')}
      ORDER BY 1`,
  );
  const uncalled = await readUncalled(
    client,
    rows.filter((row) => row.last === null).map((row) => row.name),
  );
  return rows.map((row) =>
    row.last === null
      ? { name: row.name, value: uncalled.get(row.name) ?? row.min, called: false }
      : { name: row.name, value: ahead(row, BigInt(row.last)), called: true },
  );
}

/** Where they would begin; that is in the sequence itself only. */
async function readUncalled(client: ClientBase, names: readonly string[]): Promise<Map<string, string>> {
  if (names.length === 0) return new Map();
  const { rows } = await client.query<{ name: string; value: string }>(
    names
      .map((name) => `SELECT ${client.escapeLiteral(name)} AS name, last_value::text AS value FROM ${name}`)
      .join(' UNION ALL '),
  );
  return new Map(rows.map((row) => [row.name, row.value]));
}

/** Without headroom where it would run over the end: the value is exact, and what is left is all used. */
export function ahead({ increment, min, max }: Pick<Row, 'increment' | 'min' | 'max'>, last: bigint): string {
  const value = last + BigInt(increment) * headroom;
  return (value >= BigInt(min) && value <= BigInt(max) ? value : last).toString();
}

/** @throws SYSTEM_REFUSED naming those that are not there */
export async function writeSequences(client: ClientBase, values: readonly SequenceValue[]): Promise<void> {
  const names = values.map((one) => one.name);
  const { rows } = await client.query<{ name: string; missing: boolean }>(
    `SELECT name, setval(to_regclass(name), value, called) IS NULL AS missing
       FROM unnest($1::text[], $2::bigint[], $3::boolean[]) AS wanted (name, value, called)`,
    [names, values.map((one) => one.value), values.map((one) => one.called)],
  );
  const missing = rows.filter((row) => row.missing).map((row) => row.name);
  if (missing.length === 0) return;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `sequences are not there on the side that is to be opened: ${missing.join(', ')}`,
    'Nothing was opened. Make them there as they are on the other side, then retry.',
  );
}
