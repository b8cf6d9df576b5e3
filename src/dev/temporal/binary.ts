import { execFile, spawn } from 'node:child_process';
import { access, constants, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../../contracts/index.js';

const run = promisify(execFile);

/** Later releases cannot be installed by `go install`: their go.mod has a `replace` line. */
const release = '1.5.1';
const goPackage = `github.com/temporalio/cli/cmd/temporal@v${release}`;

/** Where what is costly to make again is kept: https://specifications.freedesktop.org/basedir-spec/latest/. */
export function cacheDirectory(): string {
  const base = process.env['XDG_CACHE_HOME'];
  return join(base !== undefined && base.startsWith('/') ? base : join(homedir(), '.cache'), 'rollgate');
}

/**
 * Find the `temporal` program: on the PATH, then a copy that an earlier start has kept, then built with Go.
 * The download that the SDK offers is not among the sources: it belongs to `@temporalio/testing`, which is not
 * installed here, and its address is out of reach of many build machines.
 *
 * @param say is told what happens when it takes long
 * @throws Error naming every source that was tried
 */
export async function findTemporal(say: (line: string) => void): Promise<string> {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const candidate = join(directory, 'temporal');
    if (directory !== '' && (await works(candidate))) return candidate;
  }
  const kept = join(cacheDirectory(), `temporal-${release}`);
  const binary = join(kept, 'temporal');
  if (await works(binary)) return binary;
  await build(kept, say);
  if (await works(binary)) return binary;
  throw new Error(`${binary} was built but does not run; see what "${binary} --version" says`);
}

async function works(binary: string): Promise<boolean> {
  try {
    await access(binary, constants.X_OK);
    await run(binary, ['--version'], { timeout: 30_000 });
    return true;
  } catch {
    // Absent or broken: either way the next source is tried, and the last one tells its own error.
    return false;
  }
}

async function build(kept: string, say: (line: string) => void): Promise<void> {
  await requireGo();
  await mkdir(cacheDirectory(), { recursive: true });
  const partial = await mkdtemp(`${kept}.partial-`);
  const started = performance.now();
  const seconds = () => Math.round((performance.now() - started) / 1000);
  say(`no temporal program found: building it once with Go (${goPackage}), about 2.5 minutes on two cores`);
  const timer = setInterval(() => say(`still building the temporal program, ${seconds()} s so far`), 15_000);
  try {
    await goInstall(partial);
    await mkdir(kept, { recursive: true });
    // Another process may have been faster; its program is the same.
    await rename(join(partial, 'temporal'), join(kept, 'temporal'));
    say(`the temporal program is built (${seconds()} s) and kept in ${kept}`);
  } finally {
    clearInterval(timer);
    await rm(partial, { recursive: true, force: true });
  }
}

async function requireGo(): Promise<void> {
  try {
    await run('go', ['version']);
  } catch (error) {
    throw new Error(
      `no Temporal server: TEMPORAL_ADDRESS is not set, "temporal" is not on the PATH, no copy is kept in ${cacheDirectory()}, and Go, with which it could be built, is not there (${messageOf(error)}). Install one of them: https://docs.temporal.io/cli or https://go.dev/dl`,
      { cause: error },
    );
  }
}

function goInstall(into: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const go = spawn('go', ['install', goPackage], {
      env: { ...process.env, GOBIN: into },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    go.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)));
    go.once('error', reject);
    go.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`"go install ${goPackage}" ended with exit code ${String(code)}:\n${said}`));
    });
  });
}
