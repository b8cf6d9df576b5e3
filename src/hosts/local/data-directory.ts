import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, realpath, rename, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { EffectContext, LaunchSpec } from '../../contracts/index.js';
import { flushDirectory } from './durable-file.js';
import { unlessAbsent } from './file-error.js';
import { heartbeating } from './heartbeating.js';
import { appendToJournal } from './journal.js';
import type { Layout } from './layout.js';
import { pathRefused } from './path-refused.js';
import { requireStopped } from './require-stopped.js';
import { ownerOf } from './run-as.js';

export interface DataFacts {
  readonly path: string;
  /** As files are long, not what they take on the disk; of links their own length. */
  readonly bytes: number;
  /** Free for this user on the disk that the directory is on. */
  readonly freeBytes: number;
  readonly empty: boolean;
}

/** @returns `undefined` when there is no data directory */
export async function dataFacts(layout: Layout, ctx: EffectContext): Promise<DataFacts | undefined> {
  // Where the node itself is not there, e.g. on a disk that is not mounted, nothing is known of its data.
  await realpath(layout.scratchOf ?? layout.directory);
  const path = layout.dataDir;
  const top = await unlessAbsent(() => readdir(path));
  if (top === undefined) return undefined;
  const details = () => ({ node: layout.node, measuring: path });
  const bytes = await heartbeating(ctx, details, () => bytesBelow(path, ctx.signal));
  const disk = await statfs(path);
  return { path, bytes, freeBytes: disk.bavail * disk.bsize, empty: top.length === 0 };
}

/** What vanishes while it is counted was there no more: a running node removes files at any time. */
async function bytesBelow(directory: string, signal: AbortSignal): Promise<number> {
  signal.throwIfAborted();
  let bytes = 0;
  for (const entry of (await unlessAbsent(() => readdir(directory, { withFileTypes: true }))) ?? []) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) bytes += await bytesBelow(path, signal);
    else bytes += (await unlessAbsent(() => lstat(path)))?.size ?? 0;
  }
  return bytes;
}

/** For the node's user alone, as database servers require of it. One that holds something is left as it is. */
export async function makeDataDirectory(now: () => Date, layout: Layout, ctx: EffectContext): Promise<void> {
  const path = layout.dataDir;
  const owner = await ownerOf(layout);
  const present = await unlessAbsent(() => readdir(path));
  if (present !== undefined && present.length > 0) return;
  if (present === undefined) await mkdir(path, { mode: 0o700 });
  // An empty one may be ours from before a crash, and not given to its owner yet.
  const given = await giveTo(path, owner);
  await flushDirectory(dirname(path));
  if (present !== undefined && !given) return;
  await appendToJournal(layout, ctx, now, { action: 'make-data', detail: { path } });
}

async function giveTo(path: string, owner: { uid: number; gid: number } | undefined): Promise<boolean> {
  if (!owner) return false;
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const { uid } = await handle.stat();
    if (uid === owner.uid) return false;
    await handle.chown(owner.uid, owner.gid);
    return true;
  } finally {
    await handle.close();
  }
}

/** Rename the data directory. @returns its path now. @throws HOST_PATH_REFUSED */
export async function moveDataAside(
  now: () => Date,
  layout: Layout,
  suffix: string,
  launch: LaunchSpec,
  ctx: EffectContext,
): Promise<string> {
  // Names that begin with `rollgate-` are those of copies that are not complete, which are removed.
  if (!/^[A-Za-z0-9][A-Za-z0-9.-]{0,99}$/.test(suffix) || suffix.startsWith('rollgate-')) {
    throw pathRefused(
      layout.node,
      `${JSON.stringify(suffix)} cannot end the name of a directory beside ${layout.dataDir}`,
      'use letters, digits, "-" and ".", not beginning with "rollgate-"',
    );
  }
  const target = `${layout.dataDir}.${suffix}`;
  await realpath(layout.scratchOf ?? dirname(layout.dataDir));
  if (!(await unlessAbsent(() => lstat(layout.dataDir)))) return target;
  await requireStopped(layout, launch, 'its data is to be moved aside');
  if (await unlessAbsent(() => lstat(target))) {
    throw pathRefused(
      layout.node,
      `${layout.dataDir} is to be moved to ${target}, where there is something already`,
      `find out what ${target} is, and move or remove it by hand`,
    );
  }
  ctx.signal.throwIfAborted();
  await rename(layout.dataDir, target);
  await flushDirectory(dirname(target));
  await lstat(target);
  await appendToJournal(layout, ctx, now, { action: 'move-data-aside', detail: { to: target } });
  return target;
}
