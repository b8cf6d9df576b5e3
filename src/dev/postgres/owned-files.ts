import { chmod, chown, copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessOwner } from '../../hosts/local/run-as.js';

/** A directory that belongs to the user of the node's process; `undefined`: that is our own user. */
export async function makeOwned(path: string, owner: ProcessOwner | undefined): Promise<void> {
  await mkdir(path, { mode: 0o700 });
  await chmod(path, 0o700);
  if (owner) await chown(path, owner.uid, owner.gid);
}

export async function writeOwned(
  path: string,
  content: string | Buffer,
  owner: ProcessOwner | undefined,
): Promise<void> {
  await writeFile(path, content, { mode: 0o600 });
  await chmod(path, 0o600);
  if (owner) await chown(path, owner.uid, owner.gid);
}

/**
 * Copy a tree file by file while it may change.
 * @param skip paths relative to the tree of entries that are left out
 * @param empty paths of directories whose content is left out
 */
export async function copyOwned(
  from: string,
  to: string,
  owner: ProcessOwner | undefined,
  leaveOut: { skip: ReadonlySet<string>; empty: ReadonlySet<string> },
  below = '',
): Promise<void> {
  await makeOwned(to, owner);
  if (leaveOut.empty.has(below)) return;
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const path = join(below, entry.name);
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (leaveOut.skip.has(path)) continue;
    if (entry.isDirectory()) {
      await copyOwned(source, target, owner, leaveOut, path);
    } else if (entry.isFile()) {
      await copyFile(source, target);
      await chmod(target, 0o600);
      if (owner) await chown(target, owner.uid, owner.gid);
    } else {
      throw new Error(`${source} is neither a file nor a directory`);
    }
  }
}
