import { lstat, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import type { EffectContext, LaunchSpec } from '../../contracts/index.js';
import { fingerprintDirectory } from '../artifact-digest.js';
import { copyTree, NotCopied } from './copy-tree.js';
import { flushDirectory } from './durable-file.js';
import { unlessAbsent } from './file-error.js';
import { heartbeating } from './heartbeating.js';
import { appendToJournal } from './journal.js';
import type { Layout } from './layout.js';
import { pathRefused } from './path-refused.js';
import { requireStopped } from './require-stopped.js';
import { unknownState } from './unknown-state.js';

/**
 * Copy the data of a stopped node. The copy is made beside its place and takes it by a rename when it is complete,
 * so what is at its place is always whole: a copy that was cut off is made anew.
 *
 * Only what lies in a scratch directory is replaced; other data is never removed.
 */
export async function copyData(
  now: () => Date,
  from: Layout,
  to: Layout,
  launch: LaunchSpec,
  ctx: EffectContext,
): Promise<void> {
  await requireStopped(from, launch, 'its data is to be copied');
  await requireStopped(to, launch, 'its data is to be replaced');
  await requireApart(from, to);
  if (to.scratchOf === undefined && (await unlessAbsent(() => lstat(to.dataDir)))) {
    throw pathRefused(
      to.node,
      `a copy of the data of ${from.node} is to take the place of ${to.dataDir}, where there is something`,
      'move it aside first; only copies in scratch directories are replaced',
    );
  }
  ctx.signal.throwIfAborted();
  const bytes = await makePartial(from, to, launch, ctx);
  await takePlace(to);
  const detail = { from: from.dataDir, bytes };
  await appendToJournal(to, ctx, now, { action: 'copy-data', detail });
}

async function makePartial(
  from: Layout,
  to: Layout,
  launch: LaunchSpec,
  ctx: EffectContext,
): Promise<number> {
  const before = await fingerprintDirectory(from.dataDir);
  const bytes = await copyTo(to.partial, from, ctx);
  try {
    // Started meanwhile, or started and stopped again: then the copy is of no one moment.
    await requireStopped(from, launch, 'its data is being copied');
    if ((await fingerprintDirectory(from.dataDir)) !== before) {
      throw unknownState(from, `${from.dataDir} was changed while it was copied`);
    }
  } catch (error) {
    await removeWhole(to.partial);
    throw error;
  }
  return bytes;
}

/**
 * Replace `target` by a copy of a node's data; of a copy that fails nothing stays.
 * @returns the bytes of it
 * @throws HOST_PATH_REFUSED
 */
export async function copyTo(target: string, from: Layout, ctx: EffectContext): Promise<number> {
  await removeWhole(target);
  let copied = 0;
  const details = () => ({ node: from.node, copying: from.dataDir, bytes: copied });
  const onEntry = (bytes: number) => {
    ctx.signal.throwIfAborted();
    copied = bytes;
    ctx.heartbeat(details());
  };
  try {
    return await heartbeating(ctx, details, () => copyTree(from.dataDir, target, onEntry));
  } catch (error) {
    await removeWhole(target);
    if (!(error instanceof NotCopied)) throw error;
    throw pathRefused(from.node, error.message, 'keep all data inside the data directory');
  }
}

/**
 * At every moment there is a complete copy: at the place, or beside it. Between the two renames the place is empty,
 * which is no copy at all, never a mixture.
 */
async function takePlace(to: Layout): Promise<void> {
  if (await unlessAbsent(() => lstat(to.dataDir))) {
    await removeWhole(to.replaced);
    await rename(to.dataDir, to.replaced);
  }
  await rename(to.partial, to.dataDir);
  await flushDirectory(dirname(to.dataDir));
  await removeWhole(to.replaced);
}

const removeWhole = (path: string) => rm(path, { recursive: true, force: true, maxRetries: 3 });

/** A directory cannot be copied into itself, nor replaced by a part of itself. */
async function requireApart(from: Layout, to: Layout): Promise<void> {
  const source = await realpath(from.dataDir);
  const target =
    (await unlessAbsent(() => realpath(to.dataDir))) ??
    join(await realpath(dirname(to.dataDir)), basename(to.dataDir));
  const within = (inner: string, outer: string) => inner === outer || inner.startsWith(outer + sep);
  if (!within(source, target) && !within(target, source)) return;
  throw pathRefused(
    to.node,
    `${to.dataDir} is to be a copy of ${from.dataDir}, but one of them is inside the other`,
    `give node ${from.node} a data directory that is not the node's own directory`,
  );
}
