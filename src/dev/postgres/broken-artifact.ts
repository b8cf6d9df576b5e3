import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClusterSpec } from '../../contracts/index.js';
import { digestDirectory } from '../../hosts/artifact-digest.js';

/** Ways in which a release can be bad although its digest is right. */
export const brokenPrograms = {
  /** As a server that was linked against a library which the host does not have. */
  dies: '#!/bin/sh\necho "postgres: error while loading shared libraries: libicuuc.so.60" >&2\nexit 127\n',
  /** It lives and never answers. */
  hangs: '#!/bin/sh\nexec sleep 600\n',
} as const;

/** The same cluster with a 17.10 that is broken: declared with its true digest, so that only running it tells. */
export async function withBrokenTarget(
  cluster: ClusterSpec,
  directory: string,
  how: keyof typeof brokenPrograms,
): Promise<ClusterSpec> {
  const path = join(directory, `broken-17.10-${how}`);
  await mkdir(join(path, 'bin'), { recursive: true });
  const program = join(path, 'bin', 'postgres');
  await writeFile(program, brokenPrograms[how]);
  await chmod(program, 0o755);
  const artifact = { path, sha256: await digestDirectory(path) };
  return { ...cluster, artifacts: { ...cluster.artifacts, '17.10': artifact } };
}
