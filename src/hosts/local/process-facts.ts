import { execFile } from 'node:child_process';
import { readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { fileErrorCode, unlessAbsent } from './file-error.js';

const run = promisify(execFile);

/** What the operating system says about one living process. */
export interface ProcessFacts {
  readonly pid: number;
  /** Differs for any two processes that ever had this pid: made of the start time (Linux: and the boot). */
  readonly token: string;
  readonly startedAt: Date;
  /** Names under which the program may be known: its executable, or the script that an interpreter runs. */
  readonly programs: readonly string[];
  /** The command line: its arguments on Linux, one text elsewhere. */
  readonly commandLine: readonly string[];
  /** `undefined` where it cannot be read. */
  readonly cwd: string | undefined;
}

/**
 * Look at a process. A zombie is gone: it holds nothing any more and only waits for its parent to notice.
 * @returns `undefined` when there is no such process
 * @throws Error when the process cannot be examined: that is not knowing, not absence
 */
export function processFacts(pid: number): Promise<ProcessFacts | undefined> {
  return process.platform === 'linux' ? fromProc(pid) : processFactsFromPs(pid);
}

/** Clock ticks a second as the Linux kernel reports them to programs, on every architecture that Node runs on. */
const ticksPerSecond = 100;

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
async function fromProc(pid: number): Promise<ProcessFacts | undefined> {
  const stat = await readVanishing(`/proc/${pid}/stat`);
  if (stat === undefined) {
    if (exists(pid)) throw new Error(`process ${pid} is there, but /proc does not show it to this user`);
    return undefined;
  }
  // The name in parentheses may hold spaces and parentheses itself; the fields after it may not.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, ticks] = [fields[0], Number(fields[19])];
  if (state === 'Z' || state === 'X' || state === 'x') return undefined;
  if (!Number.isFinite(ticks)) throw new Error(`/proc/${pid}/stat cannot be read: ${stat.slice(0, 80)}`);

  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  const bootTime = /^btime (\d+)$/m.exec(await readFile('/proc/stat', 'utf8'))?.[1];
  if (bootTime === undefined) throw new Error('/proc/stat has no btime');
  const commandLine = ((await readVanishing(`/proc/${pid}/cmdline`)) ?? '').split('\0').slice(0, -1);
  const executable = await linkOf(`/proc/${pid}/exe`);
  return {
    pid,
    token: `${bootId}/${ticks}`,
    startedAt: new Date((Number(bootTime) + ticks / ticksPerSecond) * 1000),
    programs: programsOf(executable, commandLine),
    commandLine,
    cwd: await linkOf(`/proc/${pid}/cwd`),
  };
}

/**
 * Where there is no /proc (macOS): by `ps`, https://pubs.opengroup.org/onlinepubs/9799919799/utilities/ps.html, with
 * the fields `lstart` and `stat` that BSD, macOS and Linux have. Start times are in whole seconds there.
 */
export async function processFactsFromPs(pid: number): Promise<ProcessFacts | undefined> {
  const args = ['-ww', '-o', 'lstart=', '-o', 'stat=', '-o', 'command=', '-p', String(pid)];
  const { stdout } = await run('ps', args, { env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' } }).catch(
    (error: unknown) => {
      if (!exists(pid)) return { stdout: '' };
      throw error;
    },
  );
  const match = /^\s*(\w{3} \w{3} +\d+ [\d:]{8} \d{4}) +(\S+) +(.*)$/m.exec(stdout);
  if (!match) {
    if (stdout.trim() === '' && !exists(pid)) return undefined;
    throw new Error(`ps says about process ${pid}: ${stdout.slice(0, 80)}`);
  }
  const [, started = '', state = '', command = ''] = match;
  if (state.startsWith('Z')) return undefined;
  return {
    pid,
    token: started,
    startedAt: new Date(started),
    programs: programsOf(undefined, command.split(' ')),
    commandLine: [command],
    cwd: undefined,
  };
}

/** A rebuilt or removed executable is shown with ` (deleted)`; the process is still that program. */
function programsOf(executable: string | undefined, commandLine: readonly string[]): string[] {
  const candidates = [executable?.replace(/ \(deleted\)$/, ''), commandLine[0], commandLine[1]];
  return candidates.filter((c) => c !== undefined && c !== '').map((c) => basename(c ?? ''));
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return fileErrorCode(error) === 'EPERM';
  }
}

/** ESRCH: the process ended between opening and reading. */
async function readVanishing(path: string): Promise<string | undefined> {
  try {
    return await unlessAbsent(() => readFile(path, 'utf8'));
  } catch (error) {
    if (fileErrorCode(error) === 'ESRCH') return undefined;
    throw error;
  }
}

/** Links of other users' processes cannot be read without privilege; that is said, not guessed. */
async function linkOf(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    const code = fileErrorCode(error);
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return undefined;
    throw error;
  }
}
