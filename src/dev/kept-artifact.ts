import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestDirectory } from '../hosts/artifact-digest.js';
import { unlessAbsent } from '../hosts/local/file-error.js';
import { keptDirectory } from './postgres/reachable-directory.js';

export interface KeptArtifact {
  readonly directory: string;
  readonly sha256: string;
}

const prepared = new Map<string, Promise<KeptArtifact>>();

/**
 * An artifact that is costly to make: made once in this user's directory below the temporary one, and digested
 * again by every process that uses it. Processes that make it at the same time do not disturb each other.
 *
 * @param name must change with everything that the artifact depends on
 * @param make makes the artifact as a directory at the path that it is given, where nothing is yet
 */
export function keepArtifact(name: string, make: (to: string) => Promise<void>): Promise<KeptArtifact> {
  const known = prepared.get(name);
  if (known) return known;
  const keeping = findOrMake(name, make);
  prepared.set(name, keeping);
  // A failure is for its caller; the next one tries again.
  keeping.catch(() => prepared.delete(name));
  return keeping;
}

async function findOrMake(name: string, make: (to: string) => Promise<void>): Promise<KeptArtifact> {
  const kept = join(await keptDirectory(), name);
  const present = await verified(kept);
  if (present) return present;
  // Damaged, e.g. by a cleaner of temporary files. Moved away first, so that nobody meets it half removed.
  const aside = `${kept}.damaged-${randomBytes(6).toString('hex')}`;
  if (await isThere(kept)) {
    await rename(kept, aside);
    await rm(aside, { recursive: true, force: true });
  }

  const partial = `${kept}.partial-${randomBytes(6).toString('hex')}`;
  try {
    await mkdir(partial, { mode: 0o755 });
    await make(join(partial, 'artifact'));
    await writeFile(join(partial, 'sha256'), await digestDirectory(join(partial, 'artifact')));
    await rename(partial, kept).catch(async (error: unknown) => {
      // Another process was faster: what it made is as good.
      if (!(await isThere(kept))) throw error;
    });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  const made = await verified(kept);
  if (!made) throw new Error(`${kept} does not have the digest with which it was made just now`);
  return made;
}

async function verified(kept: string): Promise<KeptArtifact | undefined> {
  const sha256 = await unlessAbsent(() => readFile(join(kept, 'sha256'), 'utf8'));
  const directory = join(kept, 'artifact');
  if (sha256 === undefined || !(await isThere(directory))) return undefined;
  return (await digestDirectory(directory)) === sha256 ? { directory, sha256 } : undefined;
}

async function isThere(path: string): Promise<boolean> {
  return (await unlessAbsent(() => stat(path))) !== undefined;
}
