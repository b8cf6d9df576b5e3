import {
  RollgateError,
  type Cut,
  type EffectContext,
  type HeldSnapshot,
  type MigrationFacet,
  type Pair,
  type Side,
} from '../../../../contracts/index.js';
import { parseLsn } from '../../lsn.js';
import type { Sessions } from '../../connection.js';
import { onlyPrimary } from '../../primary.js';
import { findHeld, holdSnapshot, releaseHeld } from '../held-snapshot.js';
import { streamName } from '../names.js';
import { forgetCut, readCut, recordCut } from './cut-record.js';
import { exactCut } from './exact-cut.js';
import type { Exported } from './locked-moment.js';
import { asOneAttempt } from './one-attempt.js';
import { readSnapshot } from './snapshot-read.js';
import { tableSizes } from './table-sizes.js';

/** The name under which the source holds the snapshot of the export. */
const exportName = 'export';

/**
 * Cuts of a migration, and their release. A cut is what the destination has a record of: without it the snapshots of
 * that name are left over from an attempt that was broken off, and are released.
 */
export function createCut({ sessions }: { sessions: Sessions }): Pick<MigrationFacet, 'cut' | 'releaseCut'> {
  const primaries = async (pair: Pair): Promise<Record<Side, string>> => ({
    source: await onlyPrimary(sessions, pair.source),
    destination: await onlyPrimary(sessions, pair.destination),
  });

  return {
    async cut(pair, options, ctx) {
      if (options.name === exportName) {
        throw new RollgateError('INTERNAL', 'a cut is called export', 'Give it another name.');
      }
      const nodes = await primaries(pair);
      const work = { sessions, pair, nodes, ctx };
      const { name, direction, export: exported } = options;
      const on = { sessions, cluster: pair.destination, node: nodes.destination };
      return asOneAttempt(on, options, ctx, async () => {
        const found = await heldCut(work, name);
        if (found) return found;
        for (const side of ['source', 'destination'] as const) {
          await releaseHeld(sessions, pair[side], nodes[side], name);
        }
        if (direction) {
          return exactCut(sessions, nodes, pair, { ...options, direction }, ctx, (seen) =>
            keep(work, name, seen),
          );
        }
        if (exported) return cutAtExport(work, name, exported);
        throw new RollgateError(
          'INTERNAL',
          `the cut ${name} is asked for without a direction and without an export`,
          'Name the one or the other.',
        );
      });
    },

    async releaseCut(pair, { name }) {
      const nodes = await primaries(pair);
      await sessions.on(pair.destination, nodes.destination, (client) => forgetCut(client, name));
      for (const side of ['source', 'destination'] as const) {
        await releaseHeld(sessions, pair[side], nodes[side], name);
      }
    },
  };
}

interface Work {
  readonly sessions: Sessions;
  readonly pair: Pair;
  readonly nodes: Readonly<Record<Side, string>>;
  readonly ctx: EffectContext;
}

/** A cut that was made before and of which both sides still hold the snapshots. */
async function heldCut({ sessions, pair, nodes }: Work, name: string): Promise<Cut | undefined> {
  const cut = await sessions.on(pair.destination, nodes.destination, (client) => readCut(client, name));
  if (!cut) return undefined;
  for (const side of ['source', 'destination'] as const) {
    const { id } = cut.snapshots[side];
    const held = await Promise.all(
      [name, ...(side === 'source' ? [exportName] : [])].map((under) =>
        findHeld(sessions, pair[side], nodes[side], under),
      ),
    );
    if (!held.includes(id)) return undefined;
  }
  return cut;
}

/** Have both servers hold what was exported, and put down that these two belong together. */
async function keep(
  work: Work,
  name: string,
  seen: {
    readonly tables: readonly string[];
    readonly position: string;
    readonly exported: Readonly<Record<Side, Exported>>;
    readonly writePauseMs: number;
    readonly at: string;
  },
): Promise<Cut> {
  const { sessions, pair, nodes } = work;
  const hold = async (side: Side): Promise<HeldSnapshot> => {
    const id = await holdExactly(work, side, name, seen.exported[side]);
    const tables = await sessions.on(pair[side], nodes[side], (client) => tableSizes(client, seen.tables));
    return { id, tables };
  };
  const [source, destination] = await Promise.allSettled([hold('source'), hold('destination')]);
  if (source.status === 'fulfilled' && destination.status === 'fulfilled') {
    const cut: Cut = {
      name,
      position: parseLsn(seen.position),
      snapshots: { source: source.value, destination: destination.value },
      writePauseMs: Math.round(seen.writePauseMs * 10) / 10,
      at: seen.at,
    };
    await sessions.on(pair.destination, nodes.destination, (client) => recordCut(client, cut));
    return cut;
  }
  for (const side of ['source', 'destination'] as const) {
    await releaseHeld(sessions, pair[side], nodes[side], name);
  }
  throw source.status === 'rejected' ? source.reason : (destination as PromiseRejectedResult).reason;
}

/** Holding by name finds what another attempt at the same time holds; that would be another position. */
async function holdExactly(work: Work, side: Side, name: string, exported: Exported): Promise<string> {
  const { sessions, pair, nodes, ctx } = work;
  const reader = { sessions, cluster: pair[side], node: nodes[side] };
  const id = await holdSnapshot(sessions, pair[side], nodes[side], name, ctx, { import: exported.id });
  const sees = await readSnapshot({ ...reader, snapshot: id }, ctx, async (client) => {
    const { rows } = await client.query<{ sees: string }>('SELECT pg_current_snapshot()::text AS sees');
    return rows[0]?.sees;
  });
  if (sees === exported.sees) return id;
  throw new RollgateError(
    'CUT_REFUSED',
    `on ${nodes[side]} another attempt holds a snapshot under the name ${name}`,
    'It is tried again by itself; make sure that no other worker makes a cut of that name.',
  );
}

/** The source as it was exported, and the destination as it is: nothing flows to it yet. */
async function cutAtExport(
  { sessions, pair, nodes, ctx }: Work,
  name: string,
  exported: NonNullable<Parameters<MigrationFacet['cut']>[1]['export']>,
): Promise<Cut> {
  const held = await findHeld(sessions, pair.source, nodes.source, exportName);
  if (held !== exported.snapshot.id) {
    throw new RollgateError(
      'CUT_LOST',
      `${nodes.source} holds the snapshot ${exported.snapshot.id} of the export no more`,
      'Export and copy again.',
    );
  }
  const names = exported.snapshot.tables.map((t) => t.table);
  const tables = await sessions.on(pair.destination, nodes.destination, async (client) => {
    const { rowCount } = await client.query(
      `SELECT FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid AND d.datname = current_database()
        WHERE s.subenabled AND s.subname = $1`,
      [streamName('forward')],
    );
    if (rowCount === 0) return tableSizes(client, names);
    throw new RollgateError(
      'CUT_REFUSED',
      `${nodes.destination} does not stand still: ${streamName('forward')} flows already`,
      'Make a cut with the direction of the stream instead.',
    );
  });
  const id = await holdSnapshot(sessions, pair.destination, nodes.destination, name, ctx);
  const cut: Cut = {
    name,
    position: exported.position,
    snapshots: { source: exported.snapshot, destination: { id, tables } },
    writePauseMs: 0,
    at: new Date().toISOString(),
  };
  await sessions.on(pair.destination, nodes.destination, (client) => recordCut(client, cut));
  return cut;
}
