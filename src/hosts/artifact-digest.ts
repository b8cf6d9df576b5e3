import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { lstat, open, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';

type EntryKind = 'directory' | 'file' | 'executable' | 'link';

interface Entry {
  /** Relative to the artifact, with `/`. */
  readonly path: string;
  readonly kind: EntryKind;
}

/** Enough to hide the latency of small files without opening hundreds at once. */
const filesAtOnce = 8;
const largestRead = 512 * 1024;

/**
 * SHA-256 of a directory as 64 hexadecimal digits: over every entry below it, sorted by the bytes of its relative
 * path, with its type, whether it can be executed, the content of files and the target of symbolic links. Owner,
 * other permission bits and times do not count, so that a copy has the digest of the original.
 *
 * A link that leaves the directory counts with the content of the file it leads to, because that file would be
 * executed as well.
 *
 * @param onProgress called after each file, e.g. to heartbeat
 * @throws Error (`ENOENT`, `ENOTDIR`) when there is no such directory; TypeError for what cannot be digested: a
 *   device, a socket, a link to a directory outside
 */
export async function digestDirectory(path: string, onProgress?: () => void): Promise<string> {
  const root = await realpath(path);
  const entries = await list(root, '');
  entries.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));

  const contents = new Array<string>(entries.length);
  const queue = entries.entries();
  await Promise.all(
    Array.from({ length: filesAtOnce }, async () => {
      for (const [index, entry] of queue) {
        contents[index] = await contentOf(root, entry);
        onProgress?.();
      }
    }),
  );

  const hash = createHash('sha256');
  entries.forEach((entry, index) => {
    // NUL cannot occur in a path, so no two listings can read the same.
    hash.update(`${entry.kind}\0${entry.path}\0${contents[index] ?? ''}\0`);
  });
  return hash.digest('hex');
}

/**
 * Of everything below a directory: which file it is, its size, and when it was changed last. Equal fingerprints
 * mean that nothing was changed in between, as far as the file system tells: the time of a change cannot be set.
 */
export async function fingerprintDirectory(path: string): Promise<string> {
  const root = await realpath(path);
  const entries = await list(root, '');
  const facts = await Promise.all(
    entries.map(async ({ path: at, kind }) => {
      const full = join(root, at);
      const own = identityOf(await lstat(full, { bigint: true }));
      if (kind !== 'link') return `${at}\0${own}`;
      const leadsTo = await resolved(full);
      const target = leadsTo === undefined ? '' : identityOf(await stat(leadsTo, { bigint: true }));
      return `${at}\0${own}\0${target}`;
    }),
  );
  return createHash('sha256').update(facts.sort().join('\0')).digest('hex');
}

const identityOf = (s: BigIntStats): string => [s.dev, s.ino, s.mode, s.size, s.mtimeNs, s.ctimeNs].join(':');

async function list(root: string, below: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const found of await readdir(join(root, below), { withFileTypes: true })) {
    const path = below === '' ? found.name : `${below}/${found.name}`;
    if (found.isDirectory()) {
      entries.push({ path, kind: 'directory' }, ...(await list(root, path)));
    } else if (found.isSymbolicLink()) {
      entries.push({ path, kind: 'link' });
    } else if (found.isFile()) {
      const { mode } = await lstat(join(root, path));
      entries.push({ path, kind: (mode & 0o111) === 0 ? 'file' : 'executable' });
    } else {
      throw new TypeError(`${join(root, path)} is neither a file, a directory nor a link`);
    }
  }
  return entries;
}

async function contentOf(root: string, entry: Entry): Promise<string> {
  const path = join(root, entry.path);
  switch (entry.kind) {
    case 'directory':
      return '';
    case 'file':
    case 'executable':
      return hashFile(path);
    case 'link':
      return linkContent(root, path);
  }
}

async function linkContent(root: string, path: string): Promise<string> {
  const target = await readlink(path);
  const leadsTo = await resolved(path);
  if (leadsTo === undefined || leadsTo === root || leadsTo.startsWith(root + sep)) return target;
  if (!(await stat(leadsTo)).isFile()) {
    throw new TypeError(`${path} leads out of the artifact to ${leadsTo}, which is not a file`);
  }
  return `${target}\0${await hashFile(leadsTo)}`;
}

/** Where a link ends; `undefined` when it ends nowhere. */
async function resolved(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** One buffer a file, read again and again: a stream for each of a thousand small files costs more than the hash. */
async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const buffer = Buffer.allocUnsafe(Math.min(size + 1, largestRead));
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}
