import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../contracts/index.js';

const run = promisify(execFile);

/** A file system of its own, in memory, that can be full. */
export interface SmallDisk {
  /** Where it is, for this process and those of its user (root's: for everybody). */
  readonly path: string;
  resize(bytes: number): Promise<void>;
  /** Whatever still lies on it is gone with it; nobody may work in it any more. */
  remove(): Promise<void>;
}

/**
 * Root mounts it. Another user has it mounted in a mount namespace of his own, which one process keeps and which is
 * reached through that process: https://man7.org/linux/man-pages/man7/user_namespaces.7.html
 * @throws Error saying what is needed where neither is possible
 */
export async function makeSmallDisk(bytes: number): Promise<SmallDisk> {
  const place = await mkdtemp(join(tmpdir(), 'rollgate-disk-'));
  try {
    return process.getuid?.() === 0 ? await mounted(place, bytes) : await inNamespace(place, bytes);
  } catch (error) {
    await rm(place, { recursive: true });
    throw new Error(
      `a small file system cannot be made (${messageOf(error)}): it needs Linux, and either root with the right to mount or user namespaces for everybody (sysctl kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)`,
      { cause: error },
    );
  }
}

/** A remount too has to name type and source, or an ordinary user is refused. */
const mountArguments = (place: string, bytes: number, remount: boolean): string[] => [
  ...['-t', 'tmpfs', '-o', `${remount ? 'remount,' : ''}size=${bytes},mode=0755`],
  ...['none', place],
];

async function mounted(place: string, bytes: number): Promise<SmallDisk> {
  await run('mount', mountArguments(place, bytes, false));
  return {
    path: place,
    resize: async (to) => {
      await run('mount', mountArguments(place, to, true));
    },
    remove: async () => {
      await run('umount', [place]);
      await rm(place, { recursive: true });
    },
  };
}

async function inNamespace(place: string, bytes: number): Promise<SmallDisk> {
  const script = 'mount "$@" && echo ready && exec cat';
  const keeper = spawn(
    'unshare',
    [
      '--user',
      '--map-root-user',
      '--mount',
      'sh',
      '-c',
      script,
      'sh',
      ...mountArguments(place, bytes, false),
    ],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  const pid = await ready(keeper);
  return {
    path: join(`/proc/${pid}/root`, place),
    resize: async (to) => {
      const inside = ['--preserve-credentials', '--target', String(pid), '--user', '--mount'];
      await run('nsenter', [...inside, 'mount', ...mountArguments(place, to, true)]);
    },
    remove: async () => {
      const gone = new Promise((resolve) => keeper.once('exit', resolve));
      // It ends with its input, so also when this process dies.
      keeper.stdin.end();
      await gone;
      await rm(place, { recursive: true });
    },
  };
}

function ready(keeper: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let said = '';
    keeper.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    keeper.once('error', reject);
    keeper.once('exit', () => {
      reject(new Error(said.trim() || 'unshare has ended'));
    });
    keeper.stdout?.once('data', () => {
      resolve(keeper.pid ?? 0);
    });
  });
}
