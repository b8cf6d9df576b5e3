import { chmod, lstat, mkdir, mkdtemp, realpath, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/**
 * PostgreSQL refuses to run as root. Started by root it runs as this user, who exists on every Unix; started by
 * anybody else it runs as that user.
 */
export const sampleUser: string | undefined = process.getuid?.() === 0 ? 'nobody' : undefined;

/** The temporary directory, or `/tmp` where it is private and the processes must run as another user. */
async function temporaryRoot(): Promise<string> {
  const root = await realpath(tmpdir());
  if (sampleUser === undefined || (await isReachableByAll(root))) return root;
  return realpath('/tmp');
}

/** A new directory that the user of the sample processes can reach; the caller removes it. */
export async function newReachableDirectory(prefix: string): Promise<string> {
  const directory = await mkdtemp(join(await temporaryRoot(), prefix));
  await chmod(directory, 0o755);
  return directory;
}

/**
 * The directory in which this user keeps what is costly to make again. Its name can be guessed, so it is used
 * only if it is ours and nobody else can write to it.
 */
export async function keptDirectory(): Promise<string> {
  const uid = process.getuid?.() ?? 0;
  const path = join(await temporaryRoot(), `rollgate-dev-${uid}`);
  await mkdir(path, { mode: 0o755 }).catch(async (error: unknown) => {
    if ((await lstat(path).catch(() => undefined)) === undefined) throw error;
  });
  const found = await lstat(path);
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o022) !== 0) {
    throw new Error(`${path} is not a directory of uid ${uid} that only this user can write to; remove it`);
  }
  await chmod(path, 0o755);
  return path;
}

/** @throws Error when the user of the sample processes cannot reach the directory */
export async function requireReachable(directory: string): Promise<void> {
  if (sampleUser === undefined || (await isReachableByAll(directory))) return;
  throw new Error(
    `PostgreSQL would run as ${sampleUser}, who cannot reach ${directory}: choose a directory whose parents everybody may enter, such as one below /tmp`,
  );
}

async function isReachableByAll(path: string): Promise<boolean> {
  if (((await stat(path)).mode & 0o001) === 0) return false;
  return dirname(path) === path || isReachableByAll(dirname(path));
}
