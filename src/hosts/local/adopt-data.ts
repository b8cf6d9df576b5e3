import { lstat, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { EffectContext } from '../../contracts/index.js';
import { copyTo } from './copy-data.js';
import { flushDirectory } from './durable-file.js';
import { fileErrorCode, unlessAbsent } from './file-error.js';
import { appendToJournal } from './journal.js';
import type { Layout } from './layout.js';
import { pathRefused } from './path-refused.js';
import { requireNoneRecorded } from './require-stopped.js';
import { unknownState } from './unknown-state.js';

/** Rename the data directory of one node to that of another, where none may be. */
export async function adoptData(
  now: () => Date,
  from: Layout,
  to: Layout,
  ctx: EffectContext,
): Promise<void> {
  const isAtSource = await exists(from.dataDir);
  const isAtTarget = await exists(to.dataDir);
  if (isAtSource && isAtTarget) {
    throw pathRefused(
      to.node,
      `${from.dataDir} is to become ${to.dataDir}, where there is something already`,
      `move ${to.dataDir} aside first`,
    );
  }
  if (isAtTarget) {
    await removeLeftOver(from);
    return;
  }
  await requireNoneRecorded(from, 'its data is to be given to another node');
  await requireNoneRecorded(to, 'it is to be given the data of another node');
  if (!isAtSource && !(await exists(from.adopted))) {
    throw unknownState(to, `it is to be given ${from.dataDir}, but there is no such directory`);
  }
  ctx.signal.throwIfAborted();
  if (!(isAtSource && (await renamed(from, to)))) await moveByCopy(from, to, ctx);
  const detail = { from: from.dataDir };
  await appendToJournal(to, ctx, now, { action: 'adopt-data', detail });
}

/** @returns `false` when the two are not on the same disk */
async function renamed(from: Layout, to: Layout): Promise<boolean> {
  try {
    await rename(from.dataDir, to.dataDir);
  } catch (error) {
    if (fileErrorCode(error) === 'EXDEV') return false;
    throw error;
  }
  await flushDirectory(dirname(to.dataDir));
  await flushDirectory(dirname(from.dataDir));
  return true;
}

/**
 * To another disk: the original goes out of its place only after its copy is complete and flushed, so that after a
 * crash its absence says that the copy beside the target is complete.
 */
async function moveByCopy(from: Layout, to: Layout, ctx: EffectContext): Promise<void> {
  if (await exists(from.dataDir)) {
    await removeLeftOver(from);
    await copyTo(to.partial, from, ctx);
    await flushDirectory(dirname(to.partial));
    await rename(from.dataDir, from.adopted);
    await flushDirectory(dirname(from.dataDir));
  }
  await rename(to.partial, to.dataDir);
  await flushDirectory(dirname(to.dataDir));
  await removeLeftOver(from);
}

const removeLeftOver = (from: Layout) => rm(from.adopted, { recursive: true, force: true, maxRetries: 3 });

const exists = async (path: string) => (await unlessAbsent(() => lstat(path))) !== undefined;
