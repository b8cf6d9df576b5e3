import type { ClientBase } from 'pg';
import { RollgateError, type EffectContext, type Pair, type Survival } from '../../../../contracts/index.js';
import type { Sessions } from '../../connection.js';
import { dropFacts, hasBookkeeping } from '../bookkeeping.js';
import { removeOurs } from '../closing-down.js';
import { readResidue } from '../residue.js';
import { locate, locateIfThere } from '../stream/located.js';
import { stopStream } from '../stream/stop-stream.js';
import { isUserSchema } from '../user-objects.js';
import { setLogIn } from './log-ins.js';
import { ahead, readSequences, writeSequences, type SequenceValue } from './sequences.js';
import { fenceFact, readSideState } from './side-state.js';
import { transaction } from './transaction.js';

/**
 * The destination is lost for good: the source takes the writes again without it, and keeps nothing of ours. First it
 * stops to confirm what the destination sends: where that still runs, unseen by us, and its commits wait for the
 * source, none of them is confirmed from here on. Every write that it has confirmed under that rule is on the source.
 * Where they do not wait (an asynchronous way back) neither holds. Sequences go on after the highest value that their column holds; those without a column cannot be known.
 *
 * @throws SYSTEM_REFUSED while the destination answers: the cut-back loses nothing; SYSTEM_UNREACHABLE
 */
export async function openSurvivor(sessions: Sessions, pair: Pair, ctx: EffectContext): Promise<Survival> {
  const destination = await locateIfThere(sessions, pair.destination);
  if (!(destination instanceof RollgateError)) {
    throw new RollgateError(
      'SYSTEM_REFUSED',
      `${destination.node} of ${pair.destination.name} answers: it is not lost`,
      'Retry: the cut-back carries everything over.',
    );
  }
  const source = await locate(sessions, pair.source);
  const owned = await source.on(readOwned);
  const sequences = await source.on(readSequences);
  const isOwned = new Set(owned.map((one) => one.sequence));
  const survival = {
    uncertain: sequences.map((one) => one.name).filter((name) => !isOwned.has(name)),
    at: new Date().toISOString(),
  };
  if (await source.on(hasBookkeeping)) {
    await stopStream(sessions, pair, 'back', ctx);
    await source.on((client) => reopen(client, owned, sequences), { statementTimeoutMs: 600_000 });
    await stopStream(sessions, pair, 'forward', ctx);
    await removeOurs(sessions, source, ctx);
  }
  const left = await readResidue(sessions, pair.source);
  if (left.length === 0) return survival;
  throw new RollgateError(
    'SYSTEM_REFUSED',
    `of the migration is left on ${pair.source.name}: ${left.join(', ')}`,
    'Retry; what is left again is to be removed by hand.',
  );
}

/** Log-ins and sequences in one commit; a side that is open already is left alone. */
async function reopen(
  client: ClientBase,
  owned: readonly OwnedSequence[],
  sequences: readonly SequenceValue[],
): Promise<void> {
  await transaction(client, async () => {
    const { fence } = await readSideState(client, 'source');
    if (!fence) return;
    const values = new Map(sequences.map((one) => [one.name, one]));
    for (const one of owned) {
      const found = await highest(client, one);
      if (found !== undefined) values.set(one.sequence, beyond(one, found, values.get(one.sequence)));
    }
    await writeSequences(client, [...values.values()]);
    await setLogIn(client, fence.logins, 'LOGIN');
    await dropFacts(client, [fenceFact('source')]);
  });
}

interface OwnedSequence {
  /** Quoted. */
  readonly sequence: string;
  readonly table: string;
  readonly column: string;
  readonly increment: string;
  readonly min: string;
  readonly max: string;
}

/** https://www.postgresql.org/docs/17/catalog-pg-depend.html: `a` of serial columns, `i` of identity columns. */
async function readOwned(client: ClientBase): Promise<OwnedSequence[]> {
  const { rows } = await client.query<OwnedSequence>(
    `SELECT format('%I.%I', sn.nspname, c.relname) AS sequence, format('%I.%I', tn.nspname, t.relname) AS table,
            quote_ident(a.attname) AS column, s.seqincrement::text AS increment, s.seqmin::text AS min, s.seqmax::text AS max
       FROM pg_sequence s
       JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace sn ON sn.oid = c.relnamespace
       JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
                       AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
       JOIN pg_class t ON t.oid = d.refobjid JOIN pg_namespace tn ON tn.oid = t.relnamespace
       JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
      WHERE ${isUserSchema('sn.nspname')} AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)`,
  );
  return rows;
}

/** The value of the column that lies furthest along the way of the sequence. */
async function highest(client: ClientBase, one: OwnedSequence): Promise<bigint | undefined> {
  const end = BigInt(one.increment) > 0n ? 'max' : 'min';
  const { rows } = await client.query<{ value: string | null }>(
    `SELECT ${end}(${one.column})::text AS value FROM ${one.table}`,
  );
  const value = rows[0]?.value;
  return value == null ? undefined : BigInt(value);
}

function beyond(one: OwnedSequence, found: bigint, own: SequenceValue | undefined): SequenceValue {
  const reached = { name: one.sequence, value: ahead(one, found), called: true };
  if (!own?.called) return reached;
  const further =
    BigInt(one.increment) > 0n
      ? BigInt(own.value) > BigInt(reached.value)
      : BigInt(own.value) < BigInt(reached.value);
  return further ? own : reached;
}
