import { constants } from 'node:fs';
import { copyFile, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  messageOf,
  RollgateError,
  type EffectContext,
  type Host,
  type NodeSpec,
} from '../../../contracts/index.js';

/**
 * The data directory of a scratch node, made when it is not there. Files of ours are put there directly, so the
 * worker must be on the node's host.
 * @throws HOST_UNKNOWN also when the worker does not see the directory
 */
export async function scratchDirectory(host: Host, scratch: NodeSpec, ctx: EffectContext): Promise<string> {
  await host.makeDataDirectory(scratch, ctx);
  const path = (await host.dataFacts(scratch, ctx))?.path;
  try {
    if (path !== undefined) {
      await stat(path);
      return path;
    }
  } catch (error) {
    throw notHere(scratch, messageOf(error), error);
  }
  throw notHere(scratch, 'there is no directory');
}

const notHere = (scratch: NodeSpec, why: string, cause?: unknown): RollgateError =>
  new RollgateError(
    'HOST_UNKNOWN',
    `the scratch directory of ${scratch.id} was made, but this worker cannot see it: ${why}`,
    "Run the worker on the host of the node: snapshots are restored from files of the worker's own disk.",
    { cause },
  );

/** Copy a file there for the node's user to read; flushed. Nothing of that name may be there. @returns its path */
export async function placeFile(from: string, directory: string, name: string): Promise<string> {
  const to = join(directory, name);
  await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  await giveAway(to, directory);
  return to;
}

/** Give a file of ours to the owner of the directory that it is in, and flush it. */
export async function giveAway(path: string, directory: string): Promise<void> {
  // The directory is the node's user's: a link in place of the file must not make us give away another one.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const [own, owner] = [await file.stat(), await stat(directory)];
    if (own.uid !== owner.uid || own.gid !== owner.gid) await file.chown(owner.uid, owner.gid);
    await file.sync();
  } finally {
    await file.close();
  }
}
