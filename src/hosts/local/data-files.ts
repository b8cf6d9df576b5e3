import { constants } from 'node:fs';
import { open, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, sep } from 'node:path';
import { RollgateError } from '../../contracts/index.js';
import { flushDirectory, writeDurably } from './durable-file.js';
import { fileErrorCode, unlessAbsent } from './file-error.js';
import type { Layout } from './layout.js';

export interface DataFile {
  readonly content: Buffer;
  readonly modifiedAt: Date;
}

/**
 * Read a file below the data directory; `undefined` when it is absent. Never follows a link at its last part.
 * @throws HOST_PATH_REFUSED
 */
export async function readDataFile(layout: Layout, path: string): Promise<DataFile | undefined> {
  const inside = await resolveInside(layout, path);
  if (inside === undefined) return undefined;
  // O_NONBLOCK: a pipe in place of the file must not keep us waiting for a writer.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await unlessAbsent(() => open(inside, flags)).catch((error: unknown) => {
    throw fileErrorCode(error) === 'ELOOP' ? refused(layout, path, 'is a symbolic link') : error;
  });
  if (!handle) return undefined;
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw refused(layout, path, 'is not a regular file');
    return { content: await handle.readFile(), modifiedAt: found.mtime };
  } finally {
    await handle.close();
  }
}

/**
 * Replace a file below the data directory as a whole, owned as the data directory is, readable and writable for
 * those who may read and write the data directory.
 * @returns whether anything had to be changed
 * @throws HOST_PATH_REFUSED
 */
export async function writeDataFile(
  layout: Layout,
  path: string,
  content: string | Buffer,
): Promise<boolean> {
  const present = await readDataFile(layout, path);
  if (present?.content.equals(Buffer.from(content)) === true) return false;
  const inside = await resolveInside(layout, path);
  if (inside === undefined) throw refused(layout, path, 'is in a directory that does not exist');
  const { uid, gid, mode } = await stat(layout.dataDir);
  await writeDurably(inside, content, { mode: mode & 0o666, owner: { uid, gid } });
  return true;
}

/**
 * @returns whether there was anything to remove
 * @throws HOST_PATH_REFUSED
 */
export async function removeDataFile(layout: Layout, path: string): Promise<boolean> {
  if ((await readDataFile(layout, path)) === undefined) return false;
  const inside = await resolveInside(layout, path);
  if (inside === undefined) return false;
  await rm(inside, { force: true });
  await flushDirectory(dirname(inside));
  return true;
}

/** The real place of a path below the data directory; `undefined` when the directory it is in does not exist. */
async function resolveInside(layout: Layout, path: string): Promise<string | undefined> {
  const parts = path.split('/');
  if (isAbsolute(path) || path.includes('\0') || parts.some((p) => p === '' || p === '.' || p === '..')) {
    throw refused(layout, path, 'is not a plain path relative to it');
  }
  const root = await realpath(layout.dataDir);
  const parent = await unlessAbsent(() => realpath(join(root, dirname(path))));
  if (parent === undefined) return undefined;
  if (parent !== root && !parent.startsWith(root + sep)) {
    throw refused(layout, path, `leads to ${parent}`);
  }
  return join(parent, basename(path));
}

function refused(layout: Layout, path: string, why: string): RollgateError {
  return new RollgateError(
    'HOST_PATH_REFUSED',
    `node ${layout.node}: ${JSON.stringify(path)} ${why}; only regular files below ${layout.dataDir} are read and written`,
    'use a relative path of a regular file inside the data directory, not through symbolic links that leave it',
  );
}
