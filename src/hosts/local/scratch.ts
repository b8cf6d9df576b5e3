import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, lstat, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import type { EffectContext, NodeSpec } from '../../contracts/index.js';
import { ensureDirectory, flushDirectory } from './durable-file.js';
import { unlessAbsent } from './file-error.js';
import { heartbeating } from './heartbeating.js';
import { appendToJournal } from './journal.js';
import { layoutOf, recordName, scratchName, type Layout } from './layout.js';
import { pathRefused } from './path-refused.js';
import { requireNoneRecorded } from './require-stopped.js';
import { ownerOf, type ProcessOwner } from './run-as.js';
import { requireNoTools } from './tool-record.js';

/** As long as an id may be, see `Name` of the contracts. */
const longestId = 63;

/** @throws HOST_PATH_REFUSED when `name` is not a plain word */
export function scratchNode(node: NodeSpec, name: string): NodeSpec {
  const { directory, record, runAs } = layoutOf(node);
  const own = `scratch-${name}`;
  if (!scratchName.test(own)) {
    throw pathRefused(
      node.id,
      `${JSON.stringify(name)} cannot name a scratch directory below ${directory}`,
      'use lower-case letters, digits and "-", at most 32',
    );
  }
  const host = { kind: node.host.kind, directory: join(record, own), ...(runAs !== undefined && { runAs }) };
  return { ...node, id: idWith(node.id, name), host };
}

/** A cut id ends in a part of its digest, so that two long ones do not become the same. */
function idWith(id: string, name: string): string {
  if (id.length + 1 + name.length <= longestId) return `${id}-${name}`;
  const digest = createHash('sha256').update(id).digest('hex').slice(0, 8);
  const room = longestId - name.length - digest.length - 2;
  return `${id.slice(0, room).replace(/[.-]+$/, '')}-${digest}-${name}`;
}

/**
 * Make the directory of a scratch node; any other node's must be there already, because its absence may be a disk
 * that is not mounted. The node's user may make files in it, and not replace ours: it is sticky, and our own
 * directories are in it before that user may write.
 */
export async function makeScratchDirectory(layout: Layout): Promise<void> {
  if (layout.scratchOf === undefined) return;
  const record = dirname(layout.directory);
  await realpath(layout.scratchOf);
  await ensureDirectory(record);
  await requireInPlace(layout, layout.scratchOf, record);
  await ensureDirectory(layout.directory);
  await requireInPlace(layout, layout.scratchOf, layout.directory);
  for (const path of [layout.record, layout.versions, dirname(layout.log)]) await ensureDirectory(path);
  const owner = await ownerOf(layout);
  if (!owner) return;
  const { mode } = await stat(record);
  if ((mode & 0o011) !== 0o011) await chmod(record, (mode & 0o777) | 0o011);
  await share(layout.directory, owner);
}

async function share(directory: string, owner: ProcessOwner): Promise<void> {
  const shared = 0o1775;
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const found = await handle.stat();
    if (found.gid !== owner.gid) await handle.chown(found.uid, owner.gid);
    if ((found.mode & 0o7777) !== shared) await handle.chmod(shared);
  } finally {
    await handle.close();
  }
}

/**
 * Remove the directory of a scratch node with all that is in it. It is renamed first, so that it is there as a
 * whole or not at all.
 */
export async function removeScratch(now: () => Date, layout: Layout, ctx: EffectContext): Promise<void> {
  const { scratchOf, directory } = layout;
  if (scratchOf === undefined) {
    throw refused(layout, 'is not the directory of a scratch node');
  }
  await realpath(scratchOf);
  const record = dirname(directory);
  const removing = join(record, `.removing-${basename(directory)}`);
  const found = await unlessAbsent(() => lstat(directory));
  const left = await unlessAbsent(() => lstat(removing));
  if (!found && !left) return;
  await requireInPlace(layout, scratchOf, record);
  if (found) {
    await requireInPlace(layout, scratchOf, directory);
    await requireNoneRecorded(layout, `${directory} is to be removed`);
    await requireNoTools([layout.tools, join(record, 'tools')], layout);
    ctx.signal.throwIfAborted();
  }
  await heartbeating(
    ctx,
    () => ({ node: layout.node, removing: directory }),
    async () => {
      await removeWhole(removing);
      if (!found) return;
      await rename(directory, removing);
      await flushDirectory(record);
      await removeWhole(removing);
    },
  );
  const journal = join(record, basename(layout.journal));
  const detail = { directory };
  await appendToJournal({ record, journal }, ctx, now, { action: 'remove-scratch', detail });
}

async function removeWhole(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 });
  await flushDirectory(dirname(path));
}

/** Neither the scratch directory nor the record that it is in may be a link to somewhere else. */
async function requireInPlace(layout: Layout, scratchOf: string, path: string): Promise<void> {
  const real = await realpath(path);
  if (real !== join(await realpath(scratchOf), relative(scratchOf, path))) {
    throw refused(layout, `leads to another place, because ${path} is ${real}`);
  }
  if (!(await lstat(real)).isDirectory()) throw refused(layout, 'is not a directory');
}

const refused = (layout: Layout, why: string) =>
  pathRefused(
    layout.node,
    `${layout.directory} ${why}; only directories that were made for scratch work, in the ${recordName} directory of a node, are made and removed`,
    'give the node that is meant; remove links in the record of the node by hand',
  );
