import { constants } from 'node:fs';
import { open, realpath, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { messageOf, RollgateError, type EffectContext, type ModeRecord } from '../../contracts/index.js';
import { flushDirectory, writeDurably } from './durable-file.js';
import { unlessAbsent } from './file-error.js';
import { appendToJournal } from './journal.js';
import type { Layout } from './layout.js';

const ModeFile = z.strictObject({
  mode: z.enum(['standalone', 'preparing', 'seeded', 'cluster']),
  checkpoint: z.string().min(1),
  runId: z.string().min(1),
  at: z.iso.datetime({ offset: true }),
  resumeHint: z.string(),
  wasRunning: z.boolean().optional(),
}) satisfies z.ZodType<ModeRecord>;

/**
 * `undefined`: no mode file lies beside the data directory.
 * @throws FORMAT_UNKNOWN when one does and it cannot be read or understood: that is not a standalone
 */
export async function readMode(layout: Layout): Promise<ModeRecord | undefined> {
  const text = await textOf(layout);
  if (text === undefined) {
    // Where there is no directory that could hold the file, e.g. a disk that is not mounted, its absence says nothing.
    await realpath(layout.scratchOf ?? dirname(layout.mode));
    return undefined;
  }
  return parse(layout, () => JSON.parse(text) as unknown);
}

/**
 * Same again is no change, whenever it is said: the record keeps the time at which the checkpoint was reached first.
 * @throws FORMAT_UNKNOWN also when what would be replaced or removed is not understood
 */
export async function changeMode(
  now: () => Date,
  layout: Layout,
  record: ModeRecord | undefined,
  ctx: EffectContext,
): Promise<void> {
  const present = await readMode(layout);
  if (record === undefined) {
    if (present === undefined) return;
    await rm(layout.mode, { force: true });
    await flushDirectory(dirname(layout.mode));
  } else {
    const wanted = parse(layout, () => record);
    if (present && isSame(present, wanted)) return;
    await writeDurably(layout.mode, `${JSON.stringify(wanted, null, 2)}\n`, { mode: 0o644 });
  }
  const detail = { mode: record?.mode ?? 'standalone', checkpoint: record?.checkpoint ?? null };
  await appendToJournal(layout, ctx, now, { action: 'mode', detail });
}

/** @throws HOST_PREPARING, FORMAT_UNKNOWN */
export async function refuseIfPreparing(layout: Layout): Promise<void> {
  const found = await readMode(layout);
  if (found?.mode !== 'preparing') return;
  throw new RollgateError(
    'HOST_PREPARING',
    `node ${layout.node}: ${layout.dataDir} is in mode preparing: run ${found.runId} makes the seed of a cluster of it, and reached ${found.checkpoint} at ${found.at}; it must not be started as a standalone`,
    found.resumeHint === '' ? `let run ${found.runId} finish or roll back` : found.resumeHint,
  );
}

async function textOf(layout: Layout): Promise<string | undefined> {
  // A link could lead to the mode of other data; O_NONBLOCK: a pipe must not keep us waiting for a writer.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  try {
    const handle = await unlessAbsent(() => open(layout.mode, flags));
    if (!handle) return undefined;
    try {
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw notUnderstood(layout, error);
  }
}

function parse(layout: Layout, read: () => unknown): ModeRecord {
  try {
    return ModeFile.parse(read());
  } catch (error) {
    throw notUnderstood(layout, error);
  }
}

function notUnderstood(layout: Layout, error: unknown): RollgateError {
  const why =
    error instanceof z.ZodError
      ? error.issues.map((i) => `${i.path.join('.') || 'the whole'}: ${i.message}`).join('; ')
      : messageOf(error);
  return new RollgateError(
    'FORMAT_UNKNOWN',
    `node ${layout.node}: the mode file ${layout.mode} cannot be understood (${why}), so it is not known what ${layout.dataDir} is`,
    `use a release of rollgate that knows it, or put the file back from a backup; remove it only if ${layout.dataDir} is known to be a whole standalone`,
    { cause: error },
  );
}

const isSame = (a: ModeRecord, b: ModeRecord): boolean =>
  a.mode === b.mode &&
  a.checkpoint === b.checkpoint &&
  a.runId === b.runId &&
  a.resumeHint === b.resumeHint &&
  a.wasRunning === b.wasRunning;
