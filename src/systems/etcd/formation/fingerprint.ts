import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * By names, sizes and times of change of all files below a directory: enough to see that an etcd has run on it,
 * which writes to its log as soon as it starts.
 */
export async function fingerprint(directory: string): Promise<string> {
  const hash = createHash('sha256');
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name));
  for (const path of paths.sort()) {
    const { size, mtimeNs } = await stat(path, { bigint: true });
    hash.update(`${path.slice(directory.length)}\0${size}\0${mtimeNs}\0`);
  }
  return hash.digest('hex');
}
