import {
  RollgateError,
  type ClusterSpec,
  type EffectContext,
  type ExportCut,
  type MigrationFacet,
} from '../../../contracts/index.js';
import { waitUntil } from '../../wait.js';
import type { Sessions } from '../connection.js';
import { onlyPrimary } from '../primary.js';
import { dropFacts, readFact, writeFact } from './bookkeeping.js';
import { findHeld, holdSnapshot, releaseHeld } from './held-snapshot.js';
import { longSession } from './long-session.js';
import { bookkeeping, streamName } from './names.js';
import { makePublication, replicatedTables } from './publication.js';
import { receiveOnly, requireCopy } from './received.js';
import { withSlotSnapshot, type SlotSnapshot } from './slot-snapshot.js';
import { dropSlot, readSlot } from './stream/slot.js';

/** The snapshot of the export is held under this name, and recorded on the source as the fact of this name. */
export const exportName = 'export';

export interface ExportDeps {
  readonly sessions: Sessions;
  /** How long a slot waits for open write transactions, ms; default 60 s. */
  readonly timeoutMs?: number;
}

/**
 * Publication, slot, held snapshot, in this order, and a record of them. What is there of an attempt that ended
 * before its record is made anew, because nobody knows from where on its slot keeps changes for its snapshot.
 */
export const createExport =
  ({ sessions, timeoutMs = 60_000 }: ExportDeps): MigrationFacet['exportAt'] =>
  async ({ source, destination }, ctx) => {
    const node = await onlyPrimary(sessions, source);
    return oneAtATime(sessions, source, node, ctx, async () => {
      await makePublication(sessions, source, 'forward', ctx);
      const there = await readExport(sessions, source, node);
      if (there) {
        await receiveOnly(sessions, destination, there, ctx);
        return there;
      }
      await requireCopy(sessions, destination);
      await forget(sessions, source, node, ctx);
      return withSlotSnapshot(
        sessions,
        source,
        node,
        streamName('forward'),
        { timeoutMs },
        ctx,
        async (made) => {
          const cut = await hold(sessions, source, node, made, ctx);
          // Before the record: once that is there, the destination holds nothing of another export.
          await receiveOnly(sessions, destination, cut, ctx);
          await sessions.on(source, node, (client) => writeFact(client, exportName, cut));
          return cut;
        },
      );
    });
  };

/** The recorded export, as long as the source has everything of it. */
export async function readExport(
  sessions: Sessions,
  source: ClusterSpec,
  node: string,
): Promise<ExportCut | undefined> {
  const held = await findHeld(sessions, source, node, exportName);
  return sessions.on(source, node, async (client) => {
    const cut = await readFact<ExportCut>(client, exportName);
    const slot = await readSlot(client, streamName('forward'));
    if (!cut || !slot || slot.lost || held !== cut.snapshot.id) return undefined;
    return cut;
  });
}

/** @throws MIGRATION_RESTART unless the source has everything of this very export still */
export async function requireExport(
  sessions: Sessions,
  source: ClusterSpec,
  node: string,
  cut?: ExportCut,
): Promise<ExportCut> {
  const there = await readExport(sessions, source, node);
  if (there && (cut === undefined || there.position.text === cut.position.text)) return there;
  throw restart(node, cut);
}

export const restart = (node: string, cut?: ExportCut, cause?: unknown): RollgateError =>
  new RollgateError(
    'MIGRATION_RESTART',
    `${node} holds the export${cut === undefined ? '' : ` at ${cut.position.text}`} no more: it has restarted, failed over, or somebody ended our session`,
    'Make a new export; what has been copied is copied again.',
    { cause },
  );

async function hold(
  sessions: Sessions,
  source: ClusterSpec,
  node: string,
  made: SlotSnapshot,
  ctx: EffectContext,
): Promise<ExportCut> {
  const id = await holdSnapshot(sessions, source, node, exportName, ctx, { import: made.snapshot });
  const tables = await sessions.on(source, node, replicatedTables);
  return { position: made.position, snapshot: { id, tables }, at: new Date().toISOString() };
}

/** The record first: without it the rest is nothing but residue. */
async function forget(
  sessions: Sessions,
  source: ClusterSpec,
  node: string,
  ctx: EffectContext,
): Promise<void> {
  await sessions.on(source, node, async (client) => {
    await dropFacts(client, [exportName]);
    await dropSlot(client, streamName('forward'), ctx);
  });
  await releaseHeld(sessions, source, node, exportName);
}

/** Of two attempts the later one waits until the session of the earlier one has ended. */
async function oneAtATime<T>(
  sessions: Sessions,
  source: ClusterSpec,
  node: string,
  ctx: EffectContext,
  body: () => Promise<T>,
): Promise<T> {
  return longSession(sessions, source, node, ctx, { name: 'export' }, async (client) => {
    const alone = await waitUntil(
      async () => {
        const { rows } = await client.query<{ alone: boolean }>(
          'SELECT pg_try_advisory_lock(hashtext($1), hashtext($2)) AS alone',
          [bookkeeping, exportName],
        );
        return rows[0]?.alone === true;
      },
      { timeoutMs: 30_000, pollMs: 100 },
      ctx,
    );
    if (alone) return body();
    throw new RollgateError(
      'CUT_REFUSED',
      `another attempt makes the export on ${node}`,
      'Nothing is to be done: the call is repeated by itself.',
    );
  });
}
