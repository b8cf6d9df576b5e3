import { constants, type Stats } from 'node:fs';
import { copyFile, lchown, lstat, mkdir, open, readdir, readlink, realpath, symlink } from 'node:fs/promises';
import { dirname, join, normalize, isAbsolute, sep } from 'node:path';
import { unlessAbsent } from './file-error.js';

/** What cannot be copied without ceasing to be what it is. */
export class NotCopied extends Error {
  override readonly name = 'NotCopied';
}

/**
 * Copy a directory with everything in it: content, owners, permissions and times of modification; all of it is
 * flushed before this returns. Blocks are shared where the file system can.
 *
 * Links are kept as links when they stay inside: one that leads out would let the copy change the original.
 *
 * @param to must not be there; until the end it is ours alone
 * @param onEntry called before each entry with the bytes copied so far; ends the copying by throwing
 * @throws NotCopied
 */
export async function copyTree(from: string, to: string, onEntry: (bytes: number) => void): Promise<number> {
  const root = await realpath(from);
  let bytes = 0;
  const copyDirectory = async (below: string): Promise<void> => {
    const target = join(to, below);
    await mkdir(target, { mode: 0o700 });
    for (const entry of await readdir(join(root, below), { withFileTypes: true })) {
      onEntry(bytes);
      const path = join(below, entry.name);
      if (entry.isDirectory()) await copyDirectory(path);
      else if (entry.isFile()) bytes += await copyOne(join(root, path), join(to, path));
      else if (entry.isSymbolicLink()) await copyLink(root, path, to);
      else throw new NotCopied(`${join(root, path)} is neither a file, a directory nor a link`);
    }
    // Last, because every entry made in it changes its time, and its own permissions may forbid to make any.
    await finish(target, await lstat(join(root, below)), constants.O_DIRECTORY);
  };
  await copyDirectory('');
  return bytes;
}

async function copyOne(from: string, to: string): Promise<number> {
  const facts = await lstat(from);
  await copyFile(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  await finish(to, facts, 0);
  return facts.size;
}

async function finish(path: string, facts: Stats, flags: number): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | flags);
  try {
    const own = await handle.stat();
    if (own.uid !== facts.uid || own.gid !== facts.gid) await handle.chown(facts.uid, facts.gid);
    await handle.chmod(facts.mode & 0o7777);
    await handle.utimes(facts.atimeMs / 1000, facts.mtimeMs / 1000);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function copyLink(root: string, path: string, to: string): Promise<void> {
  const target = await readlink(join(root, path));
  const written = normalize(join(dirname(path), target));
  const real = await unlessAbsent(() => realpath(join(root, path)));
  const leaves = isAbsolute(target) || written === '..' || written.startsWith(`..${sep}`);
  if (real === undefined)
    throw new NotCopied(`${join(root, path)} is a link to ${target}, where there is nothing`);
  if (leaves || (real !== root && !real.startsWith(root + sep))) {
    throw new NotCopied(`${join(root, path)} is a link to ${target}, which would be the same for the copy`);
  }
  await symlink(target, join(to, path));
  const [facts, own] = [await lstat(join(root, path)), await lstat(join(to, path))];
  if (own.uid !== facts.uid || own.gid !== facts.gid) await lchown(join(to, path), facts.uid, facts.gid);
}
