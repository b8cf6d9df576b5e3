import { constants } from 'node:fs';
import { mkdir, open, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileErrorCode } from './file-error.js';

/** Make what was renamed into or removed from a directory outlive a power failure. */
export async function flushDirectory(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A fixed name, so that a crash leaves at most one such file, which the next write replaces. */
const temporaryFor = (path: string): string => join(dirname(path), `.${basename(path)}.rollgate-tmp`);

/**
 * Replace a file as a whole: a reader sees the old or the new content, also after a crash. Never follows a link
 * at `path`.
 */
export async function writeDurably(
  path: string,
  content: string | Buffer,
  options: { mode: number; owner?: { uid: number; gid: number } },
): Promise<void> {
  const temporary = temporaryFor(path);
  await rm(temporary, { force: true });
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const handle = await open(temporary, flags, options.mode);
  try {
    await handle.writeFile(content);
    if (options.owner) await handle.chown(options.owner.uid, options.owner.gid);
    await handle.chmod(options.mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
  await flushDirectory(dirname(path));
}

/** Replace a symbolic link by one rename: at every moment it is there and leads to the old or the new target. */
export async function linkDurably(target: string, path: string): Promise<void> {
  const temporary = temporaryFor(path);
  await rm(temporary, { force: true });
  await symlink(target, temporary);
  await rename(temporary, path);
  await flushDirectory(dirname(path));
}

/** Make one directory in a parent that must exist already. */
export async function ensureDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o755 });
    await flushDirectory(dirname(path));
  } catch (error) {
    if (fileErrorCode(error) !== 'EEXIST') throw error;
  }
}
