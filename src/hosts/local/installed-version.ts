import { readlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ensureDirectory, linkDurably } from './durable-file.js';
import { fileErrorCode } from './file-error.js';
import type { Layout } from './layout.js';

export interface Installed {
  readonly version: string;
  /** The artifact's directory. */
  readonly artifact: string;
}

/**
 * What is installed, read from the links alone: `current` names the version and leads to its artifact, so there
 * is no second record with which it could disagree after a crash.
 */
export async function readInstalled(layout: Layout): Promise<Installed | undefined> {
  const target = await linkTarget(layout.current);
  if (target === undefined) return undefined;
  const version = resolve(layout.directory, target);
  if (dirname(version) !== layout.versions) {
    throw new Error(`${layout.current} leads to ${version}, not to a version in ${layout.versions}`);
  }
  const artifact = await linkTarget(version);
  if (artifact === undefined) throw new Error(`${layout.current} leads to ${version}, which does not exist`);
  return { version: basename(version), artifact: resolve(layout.versions, artifact) };
}

/** The swap itself is the rename of `current`; the links of former versions stay. */
export async function swapInstalled(layout: Layout, installed: Installed): Promise<void> {
  await ensureDirectory(layout.versions);
  await linkDurably(installed.artifact, join(layout.versions, installed.version));
  await linkDurably(join('versions', installed.version), layout.current);
}

async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    const code = fileErrorCode(error);
    if (code === 'ENOENT') return undefined;
    if (code === 'EINVAL')
      throw new Error(`${path} is not a symbolic link made by rollgate`, { cause: error });
    throw error;
  }
}
